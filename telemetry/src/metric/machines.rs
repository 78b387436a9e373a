//! Table of existing machines: everything with a `vm_id`, while its machine exists. A guest
//! reset changes neither identity nor counters.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use riscope_core::counters::VmCounters;
use riscope_core::event::{PanicSource, VmId, VmState};

/// Constant properties of a machine.
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
    /// Known once the machine is registered or reported as created.
    pub(crate) description: Option<Description>,
    pub(crate) state: VmState,
    pub(crate) hotspots: u64,
    /// Failures by kind of device, name of the device and error.
    pub(crate) device_errors: BTreeMap<(&'static str, Arc<str>, &'static str), u64>,
    /// Number of boots after the first.
    pub(crate) resets: u64,
    /// Start of the last boot in nanoseconds since the Unix epoch, once there was one.
    pub(crate) booted_ns: Option<u64>,
    /// Panics by source.
    pub(crate) panics: [u64; PanicSource::ALL.len()],
    /// Harts that are stalled.
    pub(crate) stalled: BTreeSet<u32>,
    pub(crate) counters: Option<VmCounters>,
}

impl Machine {
    fn new() -> Self {
        Self {
            description: None,
            state: VmState::Created,
            hotspots: 0,
            device_errors: BTreeMap::new(),
            resets: 0,
            booted_ns: None,
            panics: Default::default(),
            stalled: BTreeSet::new(),
            counters: None,
        }
    }

    /// Records that the machine is in `state` since `wall_ns`.
    pub(crate) fn enter(&mut self, state: VmState, wall_ns: u64) {
        let starts = matches!(self.state, VmState::Creating | VmState::Created);
        if starts && matches!(state, VmState::Booting | VmState::Running) {
            self.booted_ns = Some(wall_ns);
        }
        self.state = state;
    }

    /// Records a guest reset.
    pub(crate) fn reset(&mut self) {
        self.resets += 1;
        self.stalled.clear();
    }

    fn rejected(&self) -> u64 {
        self.counters.as_ref().map_or(0, |counters| counters.engine.queue_rejected.load(Ordering::Relaxed))
    }
}

/// All machines, with counts that outlive them.
#[derive(Debug, Default)]
pub(crate) struct Table {
    machines: BTreeMap<VmId, Machine>,
    /// Compilations rejected by the queues of deleted machines: counters without `vm_id`
    /// must not decrease when a machine is deleted.
    rejected_by_deleted: u64,
}

impl Table {
    /// The machine, added if it is new.
    pub(crate) fn enter(&mut self, vm_id: VmId) -> &mut Machine {
        self.machines.entry(vm_id).or_insert_with(Machine::new)
    }

    /// The machine, if it exists.
    pub(crate) fn known(&mut self, vm_id: VmId) -> Option<&mut Machine> {
        self.machines.get_mut(&vm_id)
    }

    /// Every machine.
    pub(crate) fn exported(&self) -> impl Iterator<Item = (VmId, &Machine)> + Clone {
        self.machines.iter().map(|(&vm_id, machine)| (vm_id, machine))
    }

    pub(crate) fn register(&mut self, counters: VmCounters) {
        let machine = self.enter(counters.vm_id);
        machine.description = Some(Description {
            name: Arc::clone(&counters.name),
            engine: counters.engine_name,
            vcpus: counters.harts.len() as u64,
            memory_bytes: counters.memory_bytes,
        });
        for device in &counters.devices {
            for error in device.errors {
                machine.device_errors.entry((device.device, Arc::clone(&device.name), error)).or_insert(0);
            }
        }
        machine.counters = Some(counters);
    }

    /// Removes a machine that was deleted.
    pub(crate) fn delete(&mut self, vm_id: VmId) {
        let deleted = self.machines.remove(&vm_id);
        self.rejected_by_deleted += deleted.map_or(0, |machine| machine.rejected());
    }

    /// Compilations rejected by the queues of all machines, past and present.
    pub(crate) fn rejected(&self) -> u64 {
        self.rejected_by_deleted + self.machines.values().map(Machine::rejected).sum::<u64>()
    }
}

/// Table shared by the pump and scrapes.
#[derive(Debug, Default)]
pub(crate) struct Machines(Mutex<Table>);

impl Machines {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
