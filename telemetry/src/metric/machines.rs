//! The machines there are: what carries a `vm_id`, and only as long as they live.
//!
//! A guest's reset makes a new machine of the same identity, and it is registered at
//! once, while the events of the old one may still wait for the pump. So there is a
//! queue of machines for each identity:
//!
//! ```text
//!            events concern the oldest          the newest is exported
//!                      ▼                                  ▼
//! vm_id 1:  [ reset, not yet deleted ] ··· [ running, registered just now ]
//! ```
//!
//! Both ends move in the order in which machines are made: registrations fill the
//! queue, and each deletion takes the oldest away.

use std::collections::{BTreeMap, VecDeque};
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

impl Machine {
    fn new(device_errors: KnownErrors) -> Self {
        let known = device_errors.iter().flat_map(|(device, errors)| errors.iter().map(move |error| (*device, *error)));
        let device_errors = known.map(|error| (error, 0)).collect();
        Self { description: None, state: VmState::Created, hotspots: 0, device_errors, counters: None }
    }

    fn rejected(&self) -> u64 {
        self.counters.as_ref().map_or(0, |counters| counters.engine.queue_rejected.load(Ordering::Relaxed))
    }
}

/// Errors that devices may report.
type KnownErrors = &'static [(&'static str, &'static [&'static str])];

/// The machines that have had one identity and are not known to be deleted, oldest
/// first; at least one.
type Incarnations = VecDeque<Machine>;

/// All machines, and what has to outlive them.
#[derive(Debug)]
pub(crate) struct Table {
    device_errors: KnownErrors,
    machines: BTreeMap<VmId, Incarnations>,
    /// Compilations that the queues of deleted machines rejected: a counter
    /// without `vm_id` must not go back when a machine goes.
    rejected_by_deleted: u64,
}

impl Table {
    /// The machine that events are about, which is new if it was not there.
    pub(crate) fn enter(&mut self, vm_id: VmId) -> &mut Machine {
        let incarnations = self.machines.entry(vm_id).or_default();
        if incarnations.is_empty() {
            incarnations.push_back(Machine::new(self.device_errors));
        }
        &mut incarnations[0]
    }

    /// The machine that events are about, if there is one.
    pub(crate) fn known(&mut self, vm_id: VmId) -> Option<&mut Machine> {
        self.machines.get_mut(&vm_id)?.front_mut()
    }

    /// What is exported: the newest machine of each identity.
    pub(crate) fn exported(&self) -> impl Iterator<Item = (VmId, &Machine)> + Clone {
        self.machines.iter().filter_map(|(&vm_id, incarnations)| Some((vm_id, incarnations.back()?)))
    }

    pub(crate) fn register(&mut self, counters: VmCounters) {
        let incarnations = self.machines.entry(counters.vm_id).or_default();
        // Events may have been faster.
        let position = incarnations.iter().position(|machine| machine.counters.is_none());
        let position = position.unwrap_or_else(|| {
            incarnations.push_back(Machine::new(self.device_errors));
            incarnations.len() - 1
        });
        let machine = &mut incarnations[position];
        machine.description = Some(Description {
            name: Arc::clone(&counters.name),
            engine: counters.engine_name,
            vcpus: counters.harts.len() as u64,
            memory_bytes: counters.memory_bytes,
        });
        machine.counters = Some(counters);
    }

    /// Takes the oldest machine of this identity away.
    pub(crate) fn delete(&mut self, vm_id: VmId) {
        let Some(incarnations) = self.machines.get_mut(&vm_id) else { return };
        let deleted = incarnations.pop_front();
        if incarnations.is_empty() {
            self.machines.remove(&vm_id);
        }
        self.rejected_by_deleted += deleted.map_or(0, |machine| machine.rejected());
    }

    /// Compilations that the queues of all machines rejected that ever were.
    pub(crate) fn rejected(&self) -> u64 {
        self.rejected_by_deleted + self.machines.values().flatten().map(Machine::rejected).sum::<u64>()
    }
}

/// The table, shared by the pump and whoever scrapes.
#[derive(Debug)]
pub(crate) struct Machines(Mutex<Table>);

impl Machines {
    /// None; series of `device_errors` will exist as soon as a machine does.
    pub(crate) fn new(device_errors: KnownErrors) -> Self {
        Self(Mutex::new(Table { device_errors, machines: BTreeMap::new(), rejected_by_deleted: 0 }))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
