//! The event bus: bounded fan-out that never blocks a publisher.
//!
//! Every subscriber has its own bounded queue. What a full queue cannot take is
//! dropped and counted, so for each subscriber, at any quiescent moment,
//!
//! ```text
//! published = delivered + dropped + queued
//! ```
//!
//! where *published* counts the events that its filter lets through. It holds
//! beyond the subscriber's end: what it leaves in its queue is dropped. With no
//! subscriber, publishing is one relaxed load.
//!
//! Publishers hold a read lock while they hand out an event; only coming and going
//! subscribers take it for writing. So a subscriber that has gone under the write
//! lock cannot get another event, and its queue can be counted.

mod filter;
mod stats;

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvError, RecvTimeoutError, Sender, TryRecvError, select_biased};

use super::{Envelope, Event, EventType, VmId, time};
pub use filter::Filter;
pub use stats::{BusStats, SubscriberStats};

#[derive(Debug)]
struct Subscriber {
    name: Arc<str>,
    filter: Filter,
    queue: Sender<Envelope>,
    capacity: usize,
    counts: Arc<Counts>,
}

/// On cache lines of its own: publishers and the subscriber write it.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Counts {
    published: AtomicU64,
    dropped: AtomicU64,
    delivered: AtomicU64,
}

#[derive(Debug, Default)]
struct Subscribers {
    present: Vec<Subscriber>,
    departed: Vec<SubscriberStats>,
}

#[derive(Debug, Default)]
struct Shared {
    /// Number of present subscribers, so that publishing to nobody takes no lock.
    active: AtomicUsize,
    sequence: AtomicU64,
    published: [AtomicU64; EventType::ALL.len()],
    subscribers: RwLock<Subscribers>,
}

impl Shared {
    fn read(&self) -> RwLockReadGuard<'_, Subscribers> {
        self.subscribers.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Subscribers> {
        self.subscribers.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Handle to the bus; clones share it.
#[derive(Clone, Debug, Default)]
pub struct DomainEventBus(Arc<Shared>);

impl DomainEventBus {
    /// A bus without subscribers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether anybody listens. Lets a publisher skip gathering what an event says.
    #[inline]
    pub fn has_subscribers(&self) -> bool {
        self.0.active.load(Ordering::Relaxed) != 0
    }

    /// Hands an event of the machine `vm_id` to every subscriber whose filter matches.
    /// Never blocks on a subscriber: what a full queue cannot take is dropped there and
    /// counted.
    #[inline]
    pub fn publish(&self, vm_id: VmId, event: impl Into<Event>) {
        if self.has_subscribers() {
            self.fan_out(vm_id, event.into());
        }
    }

    fn fan_out(&self, vm_id: VmId, event: Event) {
        let shared = &*self.0;
        shared.published[event.kind().index()].fetch_add(1, Ordering::Relaxed);
        let (monotonic_ns, wall_ns) = time::now();
        let sequence = shared.sequence.fetch_add(1, Ordering::Relaxed);
        let envelope = Envelope { sequence, monotonic_ns, wall_ns, vm_id, event };
        for subscriber in &shared.read().present {
            if subscriber.filter.matches(&envelope) {
                subscriber.offer(envelope.clone());
            }
        }
    }

    /// Adds a subscriber with a queue of `capacity` events (at least 1). Dropping
    /// the [`Subscription`] removes it. Names come from a closed set: the bus
    /// remembers the numbers of each for good.
    pub fn subscribe(&self, name: &str, filter: Filter, capacity: usize) -> Subscription {
        let capacity = capacity.max(1);
        let (queue, receiver) = crossbeam_channel::bounded(capacity);
        let counts = Arc::new(Counts::default());
        let subscriber = Subscriber { name: name.into(), filter, queue, capacity, counts: Arc::clone(&counts) };
        let mut subscribers = self.0.write();
        subscribers.present.push(subscriber);
        self.0.active.store(subscribers.present.len(), Ordering::Release);
        drop(subscribers);
        Subscription { bus: self.clone(), receiver, counts }
    }

    /// Numbers for telemetry. Exact when nobody publishes or receives meanwhile.
    pub fn stats(&self) -> BusStats {
        let subscribers = self.0.read();
        BusStats {
            published: std::array::from_fn(|i| self.0.published[i].load(Ordering::Relaxed)),
            subscribers: subscribers.present.iter().map(Subscriber::stats).collect(),
            departed: subscribers.departed.clone(),
        }
    }

    fn remove(&self, counts: &Arc<Counts>) {
        let mut subscribers = self.0.write();
        let Some(index) = subscribers.present.iter().position(|it| Arc::ptr_eq(&it.counts, counts)) else { return };
        let mut stats = subscribers.present.remove(index).stats();
        self.0.active.store(subscribers.present.len(), Ordering::Release);
        stats.abandoned = stats.queued;
        stats.dropped += stats.queued;
        stats.queued = 0;
        stats.capacity = 0;
        match subscribers.departed.iter_mut().find(|it| it.name == stats.name) {
            Some(same_name) => same_name.add(&stats),
            None => subscribers.departed.push(stats),
        }
    }
}

impl Subscriber {
    #[inline]
    fn offer(&self, envelope: Envelope) {
        self.counts.published.fetch_add(1, Ordering::Relaxed);
        if self.queue.try_send(envelope).is_err() {
            self.counts.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn stats(&self) -> SubscriberStats {
        SubscriberStats {
            published: self.counts.published.load(Ordering::Relaxed),
            delivered: self.counts.delivered.load(Ordering::Relaxed),
            dropped: self.counts.dropped.load(Ordering::Relaxed),
            queued: self.queue.len() as u64,
            capacity: self.capacity,
            ..SubscriberStats::new(&self.name)
        }
    }
}

/// The receiving end of one subscriber.
#[derive(Debug)]
pub struct Subscription {
    bus: DomainEventBus,
    receiver: Receiver<Envelope>,
    counts: Arc<Counts>,
}

/// What came first, see [`Subscription::recv_or`].
#[derive(Debug)]
pub enum Received<T> {
    /// An event.
    Event(Envelope),
    /// Something from the other channel, or the news that nothing can come from it
    /// any more.
    Other(Result<T, RecvError>),
}

impl Subscription {
    /// Waits for the next event.
    ///
    /// # Errors
    /// Never while the bus exists, which this subscription itself keeps alive.
    pub fn recv(&self) -> Result<Envelope, RecvError> {
        self.receiver.recv().inspect(|_| self.count_delivery())
    }

    /// Waits for the next event, at most `timeout`.
    ///
    /// # Errors
    /// When none arrived in time.
    pub fn recv_timeout(&self, timeout: Duration) -> Result<Envelope, RecvTimeoutError> {
        self.receiver.recv_timeout(timeout).inspect(|_| self.count_delivery())
    }

    /// Waits for the next event or for `other`, which goes first if both are there.
    pub fn recv_or<T>(&self, other: &Receiver<T>) -> Received<T> {
        select_biased! {
            recv(other) -> message => Received::Other(message),
            recv(self.receiver) -> envelope => match envelope {
                Ok(envelope) => {
                    self.count_delivery();
                    Received::Event(envelope)
                }
                // The bus keeps the sending end until this subscription is dropped.
                Err(RecvError) => Received::Other(other.recv()),
            },
        }
    }

    /// The next event if there is one.
    ///
    /// # Errors
    /// When the queue is empty.
    pub fn try_recv(&self) -> Result<Envelope, TryRecvError> {
        self.receiver.try_recv().inspect(|_| self.count_delivery())
    }

    /// The events that are queued now, and none that come meanwhile: it ends even if
    /// publishers do not.
    pub fn drain(&self) -> impl Iterator<Item = Envelope> {
        std::iter::from_fn(|| self.try_recv().ok()).take(self.receiver.len())
    }

    fn count_delivery(&self) {
        self.counts.delivered.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.bus.remove(&self.counts);
    }
}
