//! Output of a console whose lines become log records.

use std::sync::{Arc, Mutex, PoisonError};

use riscope_machine::console::ConsoleBackend;
use riscope_telemetry::ConsoleLog;

/// Passes on what it shows to a [`ConsoleLog`].
#[derive(Debug)]
pub(crate) struct LoggedOutput {
    output: Arc<dyn ConsoleBackend>,
    log: Mutex<ConsoleLog>,
}

impl LoggedOutput {
    pub(crate) fn new(output: Arc<dyn ConsoleBackend>, log: ConsoleLog) -> Self {
        Self { output, log: Mutex::new(log) }
    }
}

impl ConsoleBackend for LoggedOutput {
    fn write(&self, bytes: &[u8]) {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).see(bytes);
        self.output.write(bytes);
    }
}
