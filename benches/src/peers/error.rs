//! What keeps a comparison from taking place.

use std::io;
use std::path::{Path, PathBuf};

/// A comparison could not be prepared or its results not be written.
#[derive(Debug, thiserror::Error)]
pub enum PeersError {
    /// A file or program is not there.
    #[error("{path}: not found; {remedy}")]
    Missing {
        /// What is not there.
        path: String,
        /// What to do about it.
        remedy: &'static str,
    },
    /// A file cannot be read or written.
    #[error("{path}: {error}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A program of the host failed.
    #[error("{program} failed: {message}")]
    Program {
        /// Its name.
        program: String,
        /// What it said.
        message: String,
    },
    /// A machine that prepares the others failed.
    #[error("the loops cannot be compiled in the guest: {0}")]
    Loops(String),
    /// The chart cannot be drawn.
    #[error("{path}: the chart cannot be drawn: {message}")]
    Chart {
        /// The file.
        path: PathBuf,
        /// Why.
        message: String,
    },
    /// The tables cannot be written to stdout.
    #[error("cannot write to stdout: {0}")]
    Stdout(io::Error),
    /// No case is left.
    #[error("no case matches --only; --list shows all of them")]
    NoCase,
}

impl PeersError {
    /// For `map_err`: an error about `path`.
    pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::File { path: path.to_owned(), error }
    }
}
