//! Flight recorder: the last events of each machine, for when one of them has crashed.
//!
//! Each machine has a queue on the bus in which new events replace the oldest. Nobody takes
//! events from it before somebody asks for them, so recording costs publishers what another
//! subscriber costs, and needs no thread.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{DomainEventBus, Envelope, Subscription, VmId};

/// Bounds of a flight recorder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Events kept of each machine.
    pub events: usize,
    /// Machines; the one that was added first gives way to another.
    pub machines: usize,
    /// Memory for the events of all machines in bytes; if it is too little for `events`, fewer
    /// are kept, but one of each machine. Names in events belong to their machines and are not
    /// copied. What [`FlightRecorder::dump`] returns is not included.
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { events: 1024, machines: 64, bytes: 16 << 20 }
    }
}

/// Bytes of an event in a queue, where it has a position beside it.
const QUEUED: usize = size_of::<Envelope>() + size_of::<usize>();
/// Bytes of an event among those that were taken.
const TAKEN: usize = size_of::<Envelope>();

impl Limits {
    /// Events of each machine. There may be as many in the queue as among those that were taken.
    fn capacity(&self) -> usize {
        let room = self.bytes / (QUEUED + TAKEN) / self.machines.max(1);
        self.events.min(room).max(1)
    }
}

/// Recording of one machine.
#[derive(Debug)]
struct Recording {
    vm_id: VmId,
    latest: Subscription,
    /// What was taken from `latest` earlier.
    earlier: VecDeque<Envelope>,
}

impl Recording {
    fn events(&mut self, capacity: usize) -> Vec<Envelope> {
        keep(&mut self.earlier, self.latest.drain(), capacity);
        self.earlier.iter().cloned().collect()
    }
}

/// Adds `latest` to `earlier`, of which the last `capacity` remain, in the order of their
/// publication.
fn keep(earlier: &mut VecDeque<Envelope>, latest: impl Iterator<Item = Envelope>, capacity: usize) {
    // All of it at once and never more, which `Limits::capacity` relies on.
    earlier.reserve_exact(capacity.saturating_sub(earlier.len()));
    for envelope in latest {
        if earlier.len() >= capacity {
            earlier.pop_front();
        }
        earlier.push_back(envelope);
    }
    // Threads that publish at the same time may add their events in another order. A stable sort
    // would allocate.
    earlier.make_contiguous().sort_unstable_by_key(|envelope| envelope.sequence);
}

/// See the head of the file.
#[derive(Debug)]
pub struct FlightRecorder {
    bus: DomainEventBus,
    limits: Limits,
    recordings: Mutex<VecDeque<Recording>>,
}

impl FlightRecorder {
    /// A recorder of no machine.
    pub fn new(bus: &DomainEventBus, limits: Limits) -> Self {
        Self { bus: bus.clone(), limits, recordings: Mutex::default() }
    }

    /// Records the machine `vm_id` from now on.
    pub fn watch(&self, vm_id: VmId) {
        let mut recordings = self.lock();
        if recordings.iter().any(|recording| recording.vm_id == vm_id) {
            return;
        }
        while recordings.len() >= self.limits.machines.max(1) {
            recordings.pop_front();
        }
        let latest = self.bus.record(vm_id, self.limits.capacity());
        recordings.push_back(Recording { vm_id, latest, earlier: VecDeque::new() });
    }

    /// Forgets a machine.
    pub fn forget(&self, vm_id: VmId) {
        self.lock().retain(|recording| recording.vm_id != vm_id);
    }

    /// Machines that are recorded, in the order in which they were added.
    pub fn machines(&self) -> Vec<VmId> {
        self.lock().iter().map(|recording| recording.vm_id).collect()
    }

    /// The last events of a machine, oldest first; none of a machine that is not recorded.
    /// They stay recorded.
    pub fn dump(&self, vm_id: VmId) -> Vec<Envelope> {
        let mut recordings = self.lock();
        let recording = recordings.iter_mut().find(|recording| recording.vm_id == vm_id);
        recording.map(|recording| recording.events(self.limits.capacity())).unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Recording>> {
        self.recordings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{VmEvent, VmId};

    fn vm(number: u128) -> VmId {
        VmId::from_u128(number)
    }

    fn boot(bus: &DomainEventBus, number: u128, boots: u64) {
        bus.publish(vm(number), VmEvent::Reset { boots });
    }

    /// Boots in the recording of a machine.
    fn boots(recorder: &FlightRecorder, number: u128) -> Vec<u64> {
        let boots = |envelope: Envelope| match envelope.event {
            super::super::Event::Vm(VmEvent::Reset { boots }) => boots,
            other => panic!("{other:?} was not published"),
        };
        recorder.dump(vm(number)).into_iter().map(boots).collect()
    }

    #[test]
    fn the_last_events_of_each_machine_are_kept_also_by_those_who_look() {
        let bus = DomainEventBus::new();
        let recorder = FlightRecorder::new(&bus, Limits { events: 4, ..Limits::default() });
        boot(&bus, 1, 99);
        recorder.watch(vm(1));
        recorder.watch(vm(2));
        recorder.watch(vm(1));
        assert_eq!(recorder.machines(), [vm(1), vm(2)]);
        for number in 1..=10 {
            boot(&bus, 1, number);
        }
        boot(&bus, 2, 1);
        assert_eq!(boots(&recorder, 1), [7, 8, 9, 10]);
        boot(&bus, 1, 11);
        assert_eq!(boots(&recorder, 1), [8, 9, 10, 11]);
        assert_eq!(boots(&recorder, 1), [8, 9, 10, 11]);
        assert_eq!(boots(&recorder, 2), [1]);
        assert_eq!(boots(&recorder, 3), [0; 0]);
        assert_eq!(bus.stats().by_name(), [], "it is no subscriber that loses events");
        recorder.forget(vm(1));
        assert_eq!(boots(&recorder, 1), [0; 0]);
        drop(recorder);
        assert!(!bus.has_subscribers());
    }

    /// Bytes that the recorder has for events.
    fn memory(recorder: &FlightRecorder) -> usize {
        let capacity = recorder.limits.capacity();
        recorder.lock().iter().map(|it| capacity * QUEUED + it.earlier.capacity() * TAKEN).sum()
    }

    #[test]
    fn the_usual_number_of_events_fits_the_usual_memory() {
        assert_eq!(Limits::default().capacity(), Limits::default().events);
    }

    #[test]
    fn events_that_come_in_another_order_are_kept_in_that_of_their_publication() {
        let bus = DomainEventBus::new();
        let all = bus.subscribe("all", crate::event::Filter::all(), 8);
        (0..6).for_each(|boots| boot(&bus, 1, boots));
        let mut events: Vec<_> = all.drain().collect();
        events.swap(1, 2);
        events.swap(4, 5);
        let mut kept = VecDeque::new();
        let sequences = |kept: &VecDeque<Envelope>| kept.iter().map(|it| it.sequence).collect::<Vec<_>>();
        keep(&mut kept, events.drain(..3), 4);
        assert_eq!(sequences(&kept), [0, 1, 2]);
        keep(&mut kept, events.drain(..), 4);
        assert_eq!(sequences(&kept), [2, 3, 4, 5]);
    }

    #[test]
    fn machines_and_memory_are_bounded() {
        let bus = DomainEventBus::new();
        let bytes = 3 * 5 * (QUEUED + TAKEN);
        let recorder = FlightRecorder::new(&bus, Limits { events: 1000, machines: 3, bytes });
        for number in 1..=4 {
            recorder.watch(vm(number));
            for boots in 1..=100 {
                boot(&bus, number, boots);
            }
        }
        assert_eq!(recorder.machines(), [vm(2), vm(3), vm(4)]);
        for number in 2..=4 {
            assert_eq!(boots(&recorder, number), (96..=100).collect::<Vec<_>>());
        }
        assert_eq!(memory(&recorder), bytes, "once");
        for number in 2..=4 {
            (101..=200).for_each(|boots| boot(&bus, number, boots));
            assert_eq!(boots(&recorder, number), (196..=200).collect::<Vec<_>>());
        }
        assert_eq!(memory(&recorder), bytes, "and when twice as many were there");
        let none = FlightRecorder::new(&bus, Limits { events: 0, machines: 0, bytes: 0 });
        none.watch(vm(1));
        boot(&bus, 1, 1);
        boot(&bus, 1, 2);
        assert_eq!(boots(&none, 1), [2], "one is kept at least");
    }
}
