//! The machines there are: what carries a `vm_id`, and only as long as they live.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use riscope_core::counters::VmCounters;
use riscope_core::event::{VmId, VmState};

/// What a machine is, as opposed to what it does.
#[derive(Clone, Debug)]
pub(crate) struct Description {
    pub(crate) name: Arc<str>,
    pub(crate) engine: &'static str,
    pub(crate) vcpus: u64,
    pub(crate) memory_bytes: u64,
}

/// One machine.
#[derive(Debug)]
pub(crate) struct Machine {
    /// Known once it was registered or reported as created.
    pub(crate) description: Option<Description>,
    pub(crate) state: VmState,
    pub(crate) hotspots: u64,
    /// By device and error.
    pub(crate) device_errors: BTreeMap<(&'static str, &'static str), u64>,
    pub(crate) counters: Option<VmCounters>,
}

impl Default for Machine {
    fn default() -> Self {
        Self { description: None, state: VmState::Created, hotspots: 0, device_errors: BTreeMap::new(), counters: None }
    }
}

/// All machines, and what has to outlive them.
#[derive(Debug, Default)]
pub(crate) struct Table {
    pub(crate) live: BTreeMap<VmId, Machine>,
    /// Compilations that the queues of deleted machines rejected: a counter
    /// without `vm_id` must not go back when a machine goes.
    pub(crate) rejected_by_deleted: u64,
}

impl Table {
    /// The machine, which is new if it was not there.
    pub(crate) fn enter(&mut self, vm_id: VmId) -> &mut Machine {
        self.live.entry(vm_id).or_default()
    }

    pub(crate) fn register(&mut self, counters: VmCounters) {
        let machine = self.enter(counters.vm_id);
        machine.description = Some(Description {
            name: Arc::clone(&counters.name),
            engine: counters.engine_name,
            vcpus: counters.harts.len() as u64,
            memory_bytes: counters.memory_bytes,
        });
        machine.counters = Some(counters);
    }

    pub(crate) fn delete(&mut self, vm_id: VmId) {
        if let Some(counters) = self.live.remove(&vm_id).and_then(|machine| machine.counters) {
            self.rejected_by_deleted += counters.engine.queue_rejected.load(Ordering::Relaxed);
        }
    }
}

/// The table, shared by the pump and whoever scrapes.
#[derive(Debug, Default)]
pub(crate) struct Machines(Mutex<Table>);

impl Machines {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
