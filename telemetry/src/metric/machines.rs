//! Table of existing machines: everything with a `vm_id`, while its machine exists. A guest
//! reset changes neither identity nor counters.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use riscope_core::counters::{EngineCounters, EventSums, VmCounters};
use riscope_core::event::{Envelope, ExecutionEvent, PanicSource, VmId, VmState};

/// Events kept in the history of a machine: some lives, as one that ends well has about ten.
const HISTORY: usize = 64;

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
    /// What the machine's published engine events say.
    published: EventSums,
    /// Failures by kind of device, name of the device and error.
    pub(crate) device_errors: BTreeMap<(&'static str, Arc<str>, &'static str), u64>,
    /// Number of boots after the first.
    pub(crate) resets: u64,
    /// Start of the last boot in nanoseconds since the Unix epoch, once there was one.
    pub(crate) booted_ns: Option<u64>,
    /// Panics by source.
    pub(crate) panics: [u64; PanicSource::ALL.len()],
    /// Whether the guest has panicked since its last boot.
    pub(crate) has_panicked: bool,
    /// Its last events that are not the engine's, oldest first.
    pub(crate) history: VecDeque<Envelope>,
    /// Harts that are stalled.
    pub(crate) stalled: BTreeSet<u32>,
    pub(crate) counters: Option<VmCounters>,
}

impl Machine {
    fn new() -> Self {
        Self {
            description: None,
            state: VmState::Created,
            published: EventSums::default(),
            device_errors: BTreeMap::new(),
            resets: 0,
            booted_ns: None,
            panics: Default::default(),
            has_panicked: false,
            history: VecDeque::new(),
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
        self.has_panicked = false;
        self.stalled.clear();
    }

    /// Records a guest panic.
    pub(crate) fn panic(&mut self, source: PanicSource) {
        self.panics[source.index()] += 1;
        self.has_panicked = true;
    }

    /// Adds an event to the history.
    pub(crate) fn remember(&mut self, envelope: &Envelope) {
        if self.history.len() >= HISTORY {
            self.history.pop_front();
        }
        self.history.push_back(envelope.clone());
    }

    /// What the machine's engine events say, published or not.
    pub(crate) fn event_sums(&self) -> EventSums {
        let mut sums = self.published.clone();
        if let Some(engine) = self.engine() {
            sums.add_all(&engine.coalesced.read());
        }
        sums
    }

    fn engine(&self) -> Option<&EngineCounters> {
        self.counters.as_ref().map(|counters| &*counters.engine)
    }

    fn totals(&self) -> Totals {
        let load = |counter: fn(&EngineCounters) -> &AtomicU64| {
            self.engine().map_or(0, |engine| counter(engine).load(Ordering::Relaxed))
        };
        Totals {
            rejected: load(|engine| &engine.queue_rejected),
            compiler_cpu_ns: load(|engine| &engine.compiler_cpu_ns),
            coalesced: self.engine().map_or_else(EventSums::default, |engine| engine.coalesced.read()),
            events: self.event_sums(),
        }
    }
}

/// Counts without `vm_id`, which must not decrease when a machine is deleted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Totals {
    /// Compilations rejected by the queues.
    pub(crate) rejected: u64,
    /// CPU time of compiler threads in nanoseconds.
    pub(crate) compiler_cpu_ns: u64,
    /// What engine events say that were not published.
    pub(crate) coalesced: EventSums,
    /// What all engine events say.
    pub(crate) events: EventSums,
}

impl Totals {
    fn add(&mut self, other: &Self) {
        self.rejected += other.rejected;
        self.compiler_cpu_ns += other.compiler_cpu_ns;
        self.coalesced.add_all(&other.coalesced);
        self.events.add_all(&other.events);
    }
}

/// All machines, with counts that outlive them.
#[derive(Debug, Default)]
pub(crate) struct Table {
    machines: BTreeMap<VmId, Machine>,
    /// Counts of deleted machines, and of events of machines that are not known.
    outlived: Totals,
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
        if let Some(deleted) = self.machines.remove(&vm_id) {
            self.outlived.add(&deleted.totals());
        }
    }

    /// Counts a published engine event.
    pub(crate) fn count(&mut self, vm_id: VmId, event: &ExecutionEvent) {
        let published = match self.machines.get_mut(&vm_id) {
            Some(machine) => &mut machine.published,
            None => &mut self.outlived.events,
        };
        published.add(event);
    }

    /// Counts over all machines, past and present.
    pub(crate) fn totals(&self) -> Totals {
        let mut totals = self.outlived.clone();
        self.machines.values().for_each(|machine| totals.add(&machine.totals()));
        totals
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
