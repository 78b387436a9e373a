//! Table of existing machines: everything with a `vm_id`, while its machine exists. A guest
//! reset changes neither identity nor counters.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use riscope_core::counters::{
    DISK_DURATION_BOUNDS_NS, DeviceInfo, DiskOperation, EngineCounters, EventSums, VmCounters,
};
use riscope_core::event::{Envelope, ExecutionEvent, ExitReason, PanicSource, VmId, VmState};

use crate::label::Condition;

/// Resets within [`LOOP_WINDOW_NS`] from which a machine loops.
const LOOP_RESETS: usize = 3;
/// See [`LOOP_RESETS`].
const LOOP_WINDOW_NS: u64 = 300_000_000_000;

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

/// End of a boot.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    pub(crate) reason: ExitReason,
    /// Time since the Unix epoch in nanoseconds.
    pub(crate) wall_ns: u64,
    /// Exit status, if the machine has ended with it.
    pub(crate) status: Option<i32>,
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
    /// Times of the last resets on the monotonic clock, oldest first.
    recent_resets: VecDeque<u64>,
    /// How the last boot ended.
    pub(crate) end: Option<End>,
    /// Whether the guest has panicked in this boot.
    pub(crate) has_panicked: bool,
    /// Start of the last boot in nanoseconds since the Unix epoch, once there was one.
    pub(crate) booted_ns: Option<u64>,
    /// Panics by source.
    pub(crate) panics: [u64; PanicSource::ALL.len()],
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
            recent_resets: VecDeque::new(),
            end: None,
            has_panicked: false,
            booted_ns: None,
            panics: Default::default(),
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
    pub(crate) fn reset(&mut self, envelope: &Envelope) {
        self.resets += 1;
        self.stalled.clear();
        if self.recent_resets.len() == LOOP_RESETS {
            self.recent_resets.pop_front();
        }
        self.recent_resets.push_back(envelope.monotonic_ns);
        let reason = if self.has_panicked { ExitReason::GuestPanic } else { ExitReason::Reset };
        self.has_panicked = false;
        self.end = Some(End { reason, wall_ns: envelope.wall_ns, status: None });
    }

    /// Records a panic of the guest.
    pub(crate) fn panicked(&mut self, source: PanicSource) {
        self.panics[source.index()] += 1;
        self.has_panicked = true;
    }

    /// Records the end of the machine.
    pub(crate) fn exited(&mut self, reason: ExitReason, status: i32, wall_ns: u64) {
        self.end = Some(End { reason, wall_ns, status: Some(status) });
    }

    /// How the machine is at `now` on the monotonic clock.
    pub(crate) fn condition(&self, now: u64) -> Condition {
        let is_recent = |reset: &u64| now.saturating_sub(*reset) <= LOOP_WINDOW_NS;
        match self.state {
            VmState::Stopped | VmState::Failed => Condition::Ended,
            VmState::Pausing | VmState::Paused => Condition::Paused,
            _ if self.recent_resets.iter().filter(|reset| is_recent(reset)).count() == LOOP_RESETS => {
                Condition::Looping
            }
            _ if self.has_panicked => Condition::Panicked,
            _ if !self.stalled.is_empty() => Condition::Hung,
            VmState::Creating | VmState::Created if self.resets == 0 => Condition::Created,
            VmState::Creating | VmState::Created | VmState::Booting => Condition::Booting,
            VmState::Running => Condition::Up,
            VmState::Stopping => Condition::Ended,
        }
    }

    /// Its devices, once it is registered.
    pub(crate) fn devices(&self) -> impl Iterator<Item = &DeviceInfo> {
        self.counters.iter().flat_map(|counters| &counters.devices)
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

    pub(crate) fn engine(&self) -> Option<&EngineCounters> {
        self.counters.as_ref().map(|counters| &*counters.engine)
    }

    fn disks(&self) -> DiskTotals {
        let mut totals = DiskTotals::default();
        for page in self.devices().filter_map(|device| device.disk.as_ref()) {
            for &operation in DiskOperation::ALL {
                totals.ns[operation.index()] += page.ns(operation);
                let ranges = totals.ranges[operation.index()].iter_mut();
                ranges.zip(page.durations(operation)).for_each(|(sum, number)| *sum += number);
            }
        }
        totals
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
            disks: self.disks(),
        }
    }
}

/// Durations of requests to disks, by operation.
#[derive(Clone, Debug, Default)]
pub(crate) struct DiskTotals {
    /// Sums in nanoseconds.
    pub(crate) ns: [u64; DiskOperation::ALL.len()],
    /// Requests by range of [`DISK_DURATION_BOUNDS_NS`].
    pub(crate) ranges: [[u64; DISK_DURATION_BOUNDS_NS.len() + 1]; DiskOperation::ALL.len()],
}

impl DiskTotals {
    fn add(&mut self, other: &Self) {
        let sums = self.ns.iter_mut().chain(self.ranges.as_flattened_mut());
        let others = other.ns.iter().chain(other.ranges.as_flattened());
        sums.zip(others).for_each(|(sum, number)| *sum = sum.wrapping_add(*number));
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
    /// How long requests to disks took.
    pub(crate) disks: DiskTotals,
}

impl Totals {
    fn add(&mut self, other: &Self) {
        self.rejected += other.rejected;
        self.compiler_cpu_ns += other.compiler_cpu_ns;
        self.coalesced.add_all(&other.coalesced);
        self.events.add_all(&other.events);
        self.disks.add(&other.disks);
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
