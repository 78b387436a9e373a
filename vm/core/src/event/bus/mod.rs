//! Event bus: bounded fan-out with publishers that never block.
//!
//! Every subscriber has a bounded queue. Events that do not fit are dropped and counted.
//! For each subscriber, at any quiescent moment,
//!
//! ```text
//! published = delivered + dropped + queued
//! ```
//!
//! where *published* counts the events that its filter selects. This holds beyond the end
//! of a subscription: events left in its queue count as dropped. Without subscribers,
//! publishing costs one relaxed load.
//!
//! Publishers deliver under a read lock; subscribing and unsubscribing take the write lock.
//! A subscriber removed under the write lock receives no further event, so its queue can be
//! counted.

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

/// Aligned to cache lines of its own, as publishers and the subscriber write it.
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
    /// Number of subscribers; lets publishers skip the lock if it is 0.
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

/// Handle to an event bus; clones refer to the same bus.
#[derive(Clone, Debug, Default)]
pub struct DomainEventBus(Arc<Shared>);

impl DomainEventBus {
    /// A bus without subscribers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether there are subscribers. Lets a publisher avoid gathering the fields of an
    /// event.
    #[inline]
    pub fn has_subscribers(&self) -> bool {
        self.0.active.load(Ordering::Relaxed) != 0
    }

    /// Delivers an event of the machine `vm_id` to every subscriber whose filter selects
    /// it. Never blocks on a subscriber: a full queue drops the event and counts it.
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

    /// Adds a subscriber with a queue of `capacity` events (at least 1); dropping the
    /// [`Subscription`] removes it. Use a closed set of names: the bus keeps the statistics
    /// of each name for ever.
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

    /// Statistics of the bus. Exact while no one publishes or receives.
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

/// Receiving end of a subscription.
#[derive(Debug)]
pub struct Subscription {
    bus: DomainEventBus,
    receiver: Receiver<Envelope>,
    counts: Arc<Counts>,
}

/// Source of the value from [`Subscription::recv_or`].
#[derive(Debug)]
pub enum Received<T> {
    /// An event.
    Event(Envelope),
    /// A message from the other channel, or its disconnection.
    Other(Result<T, RecvError>),
}

impl Subscription {
    /// Waits for the next event.
    ///
    /// # Errors
    /// None while the bus exists, which the subscription keeps alive.
    pub fn recv(&self) -> Result<Envelope, RecvError> {
        self.receiver.recv().inspect(|_| self.count_delivery())
    }

    /// Waits for the next event, at most `timeout`.
    ///
    /// # Errors
    /// When no event arrived in time.
    pub fn recv_timeout(&self, timeout: Duration) -> Result<Envelope, RecvTimeoutError> {
        self.receiver.recv_timeout(timeout).inspect(|_| self.count_delivery())
    }

    /// Waits for the next event or for `other`, which has precedence.
    pub fn recv_or<T>(&self, other: &Receiver<T>) -> Received<T> {
        select_biased! {
            recv(other) -> message => Received::Other(message),
            recv(self.receiver) -> envelope => match envelope {
                Ok(envelope) => {
                    self.count_delivery();
                    Received::Event(envelope)
                }
                // Unreachable while this subscription lives: the bus owns the sender.
                Err(RecvError) => Received::Other(other.recv()),
            },
        }
    }

    /// Takes the next event without waiting.
    ///
    /// # Errors
    /// When the queue is empty.
    pub fn try_recv(&self) -> Result<Envelope, TryRecvError> {
        self.receiver.try_recv().inspect(|_| self.count_delivery())
    }

    /// Takes the events queued at the time of the call, so that it ends even while
    /// publishers go on.
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
