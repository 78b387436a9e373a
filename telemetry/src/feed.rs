//! Event source of the pump: all events in order, with no loss of lifecycle events.
//!
//! The queue of all events may overflow when an engine publishes more than the pump can
//! handle. Losing a compilation there makes a count too low; losing `Deleted` would leave
//! the series of a machine behind for ever, and losing `StateChanged` a wrong state. The
//! rare lifecycle events therefore also go through their own queue:
//!
//! ```text
//! bus ─┬─ lifecycle only ──► lifecycle ──► held, by sequence ─┐
//!      └─ everything ──────► all ──────────────────────────────┴─► handler
//! ```
//!
//! Lifecycle events are taken from their own queue; in the other one they only mark their
//! position. The bus delivers an event to the lifecycle queue first, so an event that has
//! reached the other queue, or was dropped there, is already in the lifecycle queue.
//!
//! While events come, the queues are looked at once in [`PAUSE`] instead of at each event: to
//! wake a thread takes its publisher, often a hart, longer than the rest of publishing.

use std::collections::BTreeMap;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvError, RecvTimeoutError};
use riscope_core::event::{DomainEventBus, Envelope, Family, Filter, Received, Subscription};

/// Names of the two subscriptions.
pub(crate) const ALL: &str = "telemetry";
const LIFECYCLE: &str = "telemetry_lifecycle";
/// Capacity of the lifecycle queue in events: a machine has about ten.
const LIFECYCLE_CAPACITY: usize = 4096;

/// Time between two looks at queues that were empty, while events come.
const PAUSE: Duration = Duration::from_millis(5);

/// The two subscriptions.
#[derive(Debug)]
pub(crate) struct Feed {
    lifecycle: Subscription,
    all: Subscription,
    /// Lifecycle events waiting for their position.
    held: BTreeMap<u64, Envelope>,
    /// Whether an event has come since the last pause.
    is_busy: bool,
}

impl Feed {
    /// Subscribes to the bus; `capacity` is that of the queue of all events.
    pub(crate) fn subscribe(bus: &DomainEventBus, capacity: usize) -> Self {
        // In this order, as the bus delivers to subscribers in the order of their
        // subscription.
        let lifecycle = bus.subscribe(LIFECYCLE, Filter::all().families(&[Family::Vm]), LIFECYCLE_CAPACITY);
        let all = bus.subscribe(ALL, Filter::all(), capacity);
        Self { lifecycle, all, held: BTreeMap::new(), is_busy: false }
    }

    /// Handles the next events; returns what came from `other` if there are none or it came
    /// first.
    pub(crate) fn next<T>(
        &mut self,
        other: &Receiver<T>,
        mut handle: impl FnMut(&Envelope),
    ) -> Option<Result<T, RecvError>> {
        loop {
            self.collect();
            if let Ok(envelope) = self.all.try_recv() {
                self.take(&envelope, &mut handle);
                return other.try_recv().ok().map(Ok);
            }
            // Events held before the other queue was found empty need not wait any more.
            self.release(u64::MAX, &mut handle);
            if std::mem::take(&mut self.is_busy) {
                match other.recv_timeout(PAUSE) {
                    Ok(message) => return Some(Ok(message)),
                    Err(RecvTimeoutError::Disconnected) => return Some(Err(RecvError)),
                    Err(RecvTimeoutError::Timeout) => {}
                }
            } else {
                match self.all.recv_or(other) {
                    Received::Event(envelope) => {
                        self.take(&envelope, &mut handle);
                        return None;
                    }
                    Received::Other(result) => return Some(result),
                }
            }
        }
    }

    /// Handles all events published before the call.
    pub(crate) fn drain(&mut self, mut handle: impl FnMut(&Envelope)) {
        let queued: Vec<Envelope> = self.all.drain().collect();
        for envelope in queued {
            self.take(&envelope, &mut handle);
        }
        self.collect();
        self.release(u64::MAX, &mut handle);
    }

    /// Handles an event of the queue of all events, after the lifecycle events that precede
    /// it.
    fn take(&mut self, envelope: &Envelope, handle: &mut impl FnMut(&Envelope)) {
        self.is_busy = true;
        self.collect();
        self.release(envelope.sequence, handle);
        if envelope.event.family() != Family::Vm {
            handle(envelope);
        }
    }

    fn collect(&mut self) {
        self.held.extend(self.lifecycle.drain().map(|envelope| (envelope.sequence, envelope)));
    }

    /// Handles held events up to an event of the other queue.
    fn release(&mut self, sequence: u64, handle: &mut impl FnMut(&Envelope)) {
        while let Some(first) = self.held.first_entry().filter(|first| *first.key() <= sequence) {
            handle(&first.remove());
        }
    }
}

#[cfg(test)]
mod tests {
    use riscope_core::event::{DeviceEventType, Event, EventType, VmEventType, VmId};

    use super::*;

    fn publish(bus: &DomainEventBus, vm: u128, kind: impl Into<EventType>) {
        bus.publish(VmId::from_u128(vm), Event::blank(kind.into()));
    }

    const DELETED: VmEventType = VmEventType::Deleted;
    const FAILED: DeviceEventType = DeviceEventType::Failed;

    /// Machines of the remaining events, in order.
    fn rest(feed: &mut Feed) -> Vec<u128> {
        let mut seen = Vec::new();
        feed.drain(|envelope| seen.push(envelope.vm_id.as_u128()));
        seen
    }

    #[test]
    fn lifecycles_survive_an_overflow_of_everything_else() {
        let bus = DomainEventBus::new();
        let mut feed = Feed::subscribe(&bus, 2);
        (0..10).for_each(|vm| publish(&bus, vm, FAILED));
        (10..20).for_each(|vm| publish(&bus, vm, DELETED));
        assert_eq!(rest(&mut feed), [&[0, 1][..], &(10..20).collect::<Vec<_>>()].concat());
    }

    #[test]
    fn events_come_once_and_in_the_order_of_their_publication() {
        let bus = DomainEventBus::new();
        let mut feed = Feed::subscribe(&bus, 100);
        for vm in 0..9 {
            let kind = if vm % 3 == 0 { EventType::from(DELETED) } else { FAILED.into() };
            publish(&bus, vm, kind);
        }
        assert_eq!(rest(&mut feed), (0..9).collect::<Vec<_>>());
        assert_eq!(rest(&mut feed), [0; 0]);
    }

    #[test]
    fn waiting_gives_events_and_then_what_came_from_elsewhere() {
        let bus = DomainEventBus::new();
        let mut feed = Feed::subscribe(&bus, 1);
        let (sender, other) = crossbeam_channel::unbounded();
        publish(&bus, 1, FAILED);
        // The queue of all events is full.
        publish(&bus, 2, DELETED);
        sender.send(()).expect("it is open");
        let mut seen = Vec::new();
        let came = feed.next(&other, |envelope| seen.push(envelope.vm_id.as_u128()));
        assert_eq!((came, seen.as_slice()), (Some(Ok(())), &[1][..]));
        sender.send(()).expect("it is open");
        let came = feed.next(&other, |envelope| seen.push(envelope.vm_id.as_u128()));
        assert_eq!((came, seen.as_slice()), (Some(Ok(())), &[1, 2][..]));
        publish(&bus, 3, DELETED);
        let came = feed.next(&other, |envelope| seen.push(envelope.vm_id.as_u128()));
        assert_eq!((came, seen.as_slice()), (None, &[1, 2, 3][..]));
    }
}
