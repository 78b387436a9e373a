//! `--trace`: the file, pipe or stdout that a machine's trace is written to.
//!
//! If the trace cannot be written (the disk is full, the pipe closed), the machine ends, so
//! that no trace is incomplete unnoticed.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use riscope_core::trace::TraceSink;
use rustix::stdio::stdout;

use crate::cli::EngineChoice;
use crate::error::CommandError;
use crate::message::say;
use crate::session::Session;
use crate::stop::Stopper;
use crate::terminal::descriptor::write_all;
use crate::trouble::Trouble;

/// The path that stands for stdout.
const STDOUT: &str = "-";

/// Trace file of a machine.
#[derive(Debug)]
pub(crate) struct TraceFile {
    path: PathBuf,
    /// `None` before it is opened and after an error.
    file: Mutex<Option<File>>,
    stopper: Stopper,
    trouble: Trouble,
}

impl TraceFile {
    /// File of `--trace`, if given, not opened yet.
    ///
    /// # Errors
    /// [`CommandError::TraceEngine`] if an engine other than the interpreter is selected.
    pub(crate) fn new(
        path: Option<&Path>,
        engine: EngineChoice,
        session: &Session,
    ) -> Result<Option<Arc<Self>>, CommandError> {
        let Some(path) = path else { return Ok(None) };
        if engine != EngineChoice::Interpreter {
            return Err(CommandError::TraceEngine);
        }
        let (stopper, trouble) = (session.stopper.clone(), session.trouble.clone());
        Ok(Some(Arc::new(Self { path: path.into(), file: Mutex::default(), stopper, trouble })))
    }

    /// Opens and truncates the file, and reports this on stderr. To be called after all
    /// other input is checked.
    ///
    /// # Errors
    /// [`CommandError::Trace`] if it cannot be opened for writing.
    pub(crate) fn open(&self) -> Result<(), CommandError> {
        let file = if self.path.as_os_str() == STDOUT {
            stdout().try_clone_to_owned().map(File::from)
        } else {
            File::create(&self.path)
        };
        let file = file.map_err(|source| CommandError::Trace { path: self.path.clone(), source })?;
        *self.lock() = Some(file);
        let path = self.path.display();
        say(&format_args!("the trace goes to {path}; the interpreter runs the guest, which is slower"));
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Option<File>> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TraceSink for TraceFile {
    fn write(&self, lines: &str) {
        let mut file = self.lock();
        let Some(Err(error)) = file.as_ref().map(|file| write_all(file, lines.as_bytes())) else { return };
        *file = None;
        drop(file);
        self.trouble.trace(&self.path, error);
        let stopper = self.stopper.clone();
        // On another thread: a hart calls this, and the caller of `stop` may drop the machine
        // and so wait for its harts.
        if std::thread::Builder::new().name("trace".into()).spawn(move || stopper.stop()).is_err() {
            self.stopper.stop();
        }
    }
}
