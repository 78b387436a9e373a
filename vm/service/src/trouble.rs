//! Errors that end a command, noticed by threads that cannot return them.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rustix::io::Errno;

use crate::error::CommandError;

#[derive(Debug)]
enum Kind {
    CpuTime,
    Bug,
    Trace { path: PathBuf, error: Errno },
}

/// First such error of a command.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trouble(Arc<OnceLock<Kind>>);

impl Trouble {
    /// Records a panic of a thread.
    pub(crate) fn bug(&self) {
        self.note(Kind::Bug);
    }

    /// Records that the host's CPU time limit is reached.
    pub(crate) fn cpu_time(&self) {
        self.note(Kind::CpuTime);
    }

    /// Records that the trace at `path` cannot be written.
    pub(crate) fn trace(&self, path: &Path, error: Errno) {
        self.note(Kind::Trace { path: path.into(), error });
    }

    fn note(&self, trouble: Kind) {
        // Fails if an error is recorded already: the first one counts.
        let _ = self.0.set(trouble);
    }

    /// The recorded error, if any.
    pub(crate) fn error(&self) -> Option<CommandError> {
        Some(match self.0.get()? {
            Kind::CpuTime => CommandError::CpuTime,
            Kind::Bug => CommandError::Bug,
            Kind::Trace { path, error } => CommandError::TraceLost { path: path.clone(), source: (*error).into() },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_trouble_counts() {
        let trouble = Trouble::default();
        assert!(trouble.error().is_none());
        trouble.clone().cpu_time();
        trouble.bug();
        assert!(matches!(trouble.error(), Some(CommandError::CpuTime)));
    }
}
