//! Errors that end a command, noticed by threads that cannot return them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::error::CommandError;

const NONE: u8 = 0;
const CPU_TIME: u8 = 1;
const BUG: u8 = 2;

/// First such error of a command.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trouble(Arc<AtomicU8>);

impl Trouble {
    /// Records a panic of a thread.
    pub(crate) fn bug(&self) {
        self.note(BUG);
    }

    /// Records that the host's CPU time limit is reached.
    pub(crate) fn cpu_time(&self) {
        self.note(CPU_TIME);
    }

    fn note(&self, trouble: u8) {
        // Fails if an error is recorded already: the first one counts.
        let _ = self.0.compare_exchange(NONE, trouble, Ordering::AcqRel, Ordering::Acquire);
    }

    /// The recorded error, if any.
    pub(crate) fn error(&self) -> Option<CommandError> {
        match self.0.load(Ordering::Acquire) {
            NONE => None,
            CPU_TIME => Some(CommandError::CpuTime),
            _ => Some(CommandError::Bug),
        }
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
