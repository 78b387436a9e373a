//! Ending the machine from outside: signals and the console's escape key.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use riscope_machine::Machine;

/// A request to stop that also reaches a machine which is built after it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stopper(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    requested: bool,
    machine: Weak<Machine>,
}

impl Stopper {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the current machine and every later one.
    pub(crate) fn stop(&self) {
        let machine = {
            let mut state = self.lock();
            state.requested = true;
            state.machine.upgrade()
        };
        if let Some(machine) = machine {
            machine.stop();
        }
    }

    /// Names the machine that a stop ends.
    pub(crate) fn watch(&self, machine: &Arc<Machine>) {
        let requested = {
            let mut state = self.lock();
            state.machine = Arc::downgrade(machine);
            state.requested
        };
        if requested {
            machine.stop();
        }
    }
}
