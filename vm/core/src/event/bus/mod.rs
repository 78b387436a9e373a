//! Event bus: bounded fan-out with publishers that never wait for a subscriber.
//!
//! ```text
//!                   routes, by type and machine     queues
//!                        ┌────────────────┐  ┌── channel ──────────► Subscription, EventStream
//!  publish(vm, event) ──►│ who gets this? ├──┼── channel ──────────► ..
//!                        └────────────────┘  └── channel, backlog ─► ..
//! ```
//!
//! Every subscriber has a bounded queue, and decides what becomes of an event that does not fit
//! ([`WhenFull`]). One that stalls fills its own queue and concerns nobody else; one whose thread
//! panics is removed and counted. For each subscriber, at any moment,
//!
//! ```text
//! published = delivered + dropped + coalesced + queued
//! ```
//!
//! where *published* counts the events that its filter selects. This holds beyond the end of a
//! subscription: events left in its queue count as dropped. Without subscribers, publishing costs
//! one relaxed load.
//!
//! Of two events of which one was published before the other, by one thread or by several that
//! have synchronised, as those of a machine do, each subscriber gets the earlier one first.
//!
//! | file | holds |
//! |---|---|
//! | `subscriber.rs` | subscribers, and the routes to them |
//! | `filter.rs` | which events a subscriber gets |
//! | `queue.rs` | its queue: policies, waking |
//! | `backlog.rs` | the second part of a queue that coalesces |
//! | `attempt.rs` | locks that publishers only try |
//! | `ledger.rs` | what became of each event |
//! | `shared.rs` | replacing the routes while publishers read them |
//! | `subscription.rs` | the receiving end |
//! | `stats.rs` | statistics |
//! | `sync.rs` | what the concurrent parts are made of |

mod attempt;
mod backlog;
mod filter;
mod ledger;
mod queue;
mod shared;
mod stats;
mod subscriber;
mod subscription;
mod sync;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Envelope, Event, EventType, VmId, time};
pub(super) use backlog::Coalesce;
pub use filter::Filter;
use queue::EventQueue;
pub use queue::WhenFull;
use shared::Shared;
pub use stats::{BusStats, SubscriberStats};
use subscriber::{Routes, Subscriber};
pub use subscription::{EventStream, Iter, Received, Subscription};

/// Name of the subscriptions of flight recorders.
const RECORDER: &str = "flight_recorder";

/// Size of a queue, and what becomes of events that do not fit. A number is a queue that drops
/// the newest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queue {
    /// Number of events, at least 1.
    pub capacity: usize,
    /// What becomes of an event for which there is no room.
    pub when_full: WhenFull,
}

impl From<usize> for Queue {
    fn from(capacity: usize) -> Self {
        Self { capacity, when_full: WhenFull::DropNewest }
    }
}

/// Everyone who has subscribed.
#[derive(Debug, Default)]
struct Roster {
    present: Vec<Arc<Subscriber>>,
    departed: Vec<SubscriberStats>,
}

#[derive(Debug)]
struct Inner {
    /// Number of subscribers; lets publishers skip everything if it is 0.
    active: AtomicUsize,
    sequence: AtomicU64,
    published: [AtomicU64; EventType::ALL.len()],
    routes: Shared<Routes>,
    /// Not touched by publishers. Held while the routes are replaced.
    roster: Mutex<Roster>,
}

/// Handle to an event bus; clones refer to the same bus.
#[derive(Clone, Debug)]
pub struct DomainEventBus(Arc<Inner>);

impl Default for DomainEventBus {
    fn default() -> Self {
        Self::new()
    }
}

impl DomainEventBus {
    /// A bus without subscribers.
    pub fn new() -> Self {
        Self(Arc::new(Inner {
            active: AtomicUsize::new(0),
            sequence: AtomicU64::new(0),
            published: [const { AtomicU64::new(0) }; EventType::ALL.len()],
            routes: Shared::new(Routes::default()),
            roster: Mutex::default(),
        }))
    }

    /// Whether there are subscribers. Lets a publisher avoid gathering the fields of an
    /// event.
    #[inline]
    pub fn has_subscribers(&self) -> bool {
        self.0.active.load(Ordering::Relaxed) != 0
    }

    /// Delivers an event of the machine `vm_id` to every subscriber whose filter selects it:
    /// first those to that machine, then those to all, in the order of their subscription. Never
    /// waits for a subscriber, nor for someone who subscribes.
    #[inline]
    pub fn publish(&self, vm_id: VmId, event: impl Into<Event>) {
        if self.has_subscribers() {
            self.fan_out(vm_id, event.into());
        }
    }

    fn fan_out(&self, vm_id: VmId, event: Event) {
        let inner = &*self.0;
        let kind = event.kind();
        inner.published[kind.index()].fetch_add(1, Ordering::Relaxed);
        let sequence = inner.sequence.fetch_add(1, Ordering::Relaxed);
        let routes = inner.routes.read();
        if !routes.lead_anywhere(kind) {
            return;
        }
        let (monotonic_ns, wall_ns) = time::now();
        let wakers = routes.offer(kind, Envelope { sequence, monotonic_ns, wall_ns, vm_id, event, count: 1 });
        drop(routes);
        // After the routes are given up, as the executor may drop subscriptions here.
        for waker in wakers {
            // A panic is that of the subscriber's executor, and not the publisher's business.
            let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
        }
    }

    /// Adds a subscriber with this queue; dropping the [`Subscription`] removes it. Use a closed
    /// set of names: the bus keeps the statistics of each name for ever.
    pub fn subscribe(&self, name: &str, filter: Filter, queue: impl Into<Queue>) -> Subscription {
        self.add(name, filter, queue.into(), false)
    }

    /// Adds a subscriber to the machine `vm_id` that keeps its last `capacity` events. It does
    /// not appear in the statistics.
    pub(super) fn record(&self, vm_id: VmId, capacity: usize) -> Subscription {
        let queue = Queue { capacity, when_full: WhenFull::DropOldest };
        self.add(RECORDER, Filter::all().vm(vm_id), queue, true)
    }

    fn add(&self, name: &str, filter: Filter, queue: Queue, records: bool) -> Subscription {
        let queue = EventQueue::new(queue.capacity.max(1), queue.when_full);
        let subscriber = Arc::new(Subscriber { name: name.into(), filter, queue, records });
        let mut roster = self.roster();
        roster.present.push(Arc::clone(&subscriber));
        self.route(&roster);
        drop(roster);
        Subscription::new(self.clone(), subscriber)
    }

    /// Statistics of the bus. Those of each subscriber are exact, also while others publish and
    /// receive; see [`SubscriberStats`].
    pub fn stats(&self) -> BusStats {
        let roster = self.roster();
        let present = roster.present.iter().filter(|subscriber| !subscriber.records);
        BusStats {
            published: std::array::from_fn(|i| self.0.published[i].load(Ordering::Relaxed)),
            subscribers: present.map(|subscriber| subscriber.stats()).collect(),
            departed: roster.departed.clone(),
        }
    }

    /// Removes a subscriber, on the thread that drops the subscription.
    fn remove(&self, subscriber: &Arc<Subscriber>) {
        let mut roster = self.roster();
        roster.present.retain(|present| !Arc::ptr_eq(present, subscriber));
        self.route(&roster);
        // No publisher has the subscriber any more.
        let abandoned = subscriber.queue.abandon();
        if subscriber.records {
            return;
        }
        let panics = u64::from(std::thread::panicking());
        let stats = SubscriberStats { abandoned, panics, capacity: 0, ..subscriber.stats() };
        match roster.departed.iter_mut().find(|it| it.name == stats.name) {
            Some(same_name) => same_name.add(&stats),
            None => roster.departed.push(stats),
        }
    }

    /// Returns when every publisher sees what has changed before the call.
    fn reroute(&self) {
        self.route(&self.roster());
    }

    fn route(&self, roster: &Roster) {
        self.0.routes.replace(Routes::to(&roster.present));
        self.0.active.store(roster.present.len(), Ordering::Release);
    }

    fn roster(&self) -> MutexGuard<'_, Roster> {
        self.0.roster.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
