//! What ends a command from within: trouble that a thread notices which cannot return it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::error::CommandError;

const NONE: u8 = 0;
const CPU_TIME: u8 = 1;
const BUG: u8 = 2;

/// The first trouble of a command.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trouble(Arc<AtomicU8>);

impl Trouble {
    /// A thread has panicked.
    pub(crate) fn bug(&self) {
        self.note(BUG);
    }

    /// The host's limit of CPU time is reached.
    pub(crate) fn cpu_time(&self) {
        self.note(CPU_TIME);
    }

    fn note(&self, trouble: u8) {
        // The first counts, so a failure changes nothing.
        let _ = self.0.compare_exchange(NONE, trouble, Ordering::AcqRel, Ordering::Acquire);
    }

    /// The error that it is, if there is any.
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
