//! The event bus: bounded fan-out that never blocks a publisher.
//!
//! Every subscriber has its own bounded queue. What a full queue cannot take is
//! dropped and counted, so for each subscriber, at any quiescent moment,
//!
//! ```text
//! published = delivered + dropped + queued
//! ```
//!
//! where *published* counts the events that its filter lets through. With no
//! subscriber, publishing is one relaxed load.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crossbeam_channel::{Receiver, RecvError, RecvTimeoutError, Sender, TryRecvError, TrySendError};

use super::{Envelope, Event, Family, VmId, monotonic_ns};

/// Which events a subscriber wants. The default is all of them.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    families: Option<Vec<Family>>,
    types: Option<Vec<&'static str>>,
    vm: Option<VmId>,
}

impl Filter {
    /// Everything.
    pub fn all() -> Self {
        Self::default()
    }

    /// Only these families.
    #[must_use]
    pub fn families(mut self, families: &[Family]) -> Self {
        self.families = Some(families.to_vec());
        self
    }

    /// Only these [`Event::event_type`]s.
    #[must_use]
    pub fn types(mut self, types: &[&'static str]) -> Self {
        self.types = Some(types.to_vec());
        self
    }

    /// Only events of this machine.
    #[must_use]
    pub fn vm(mut self, vm: VmId) -> Self {
        self.vm = Some(vm);
        self
    }

    fn matches(&self, event: &Event) -> bool {
        self.families.as_ref().is_none_or(|families| families.contains(&event.family()))
            && self.types.as_ref().is_none_or(|types| types.contains(&event.event_type()))
            && self.vm.is_none_or(|vm| vm == event.vm_id())
    }
}

/// Numbers of one subscriber.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriberStats {
    /// Name given at subscription.
    pub name: Arc<str>,
    /// Events that matched its filter.
    pub published: u64,
    /// Events that it took from its queue.
    pub delivered: u64,
    /// Events that did not fit its queue, or were left in it when it went away.
    pub dropped: u64,
    /// Events in its queue.
    pub queued: u64,
    /// Size of its queue.
    pub capacity: usize,
}

/// Numbers of the whole bus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BusStats {
    /// Events published while there was a subscriber, by type as in [`Event::TYPES`].
    pub published: [u64; Event::TYPES.len()],
    /// Every subscriber there is.
    pub subscribers: Vec<SubscriberStats>,
}

#[derive(Debug)]
struct Subscriber {
    name: Arc<str>,
    filter: Filter,
    queue: Sender<Envelope>,
    capacity: usize,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    published: AtomicU64,
    delivered: AtomicU64,
    dropped: AtomicU64,
}

#[derive(Debug, Default)]
struct Shared {
    /// Length of `subscribers`, so that publishing to nobody takes no lock.
    active: AtomicUsize,
    sequence: AtomicU64,
    published: [AtomicU64; Event::TYPES.len()],
    subscribers: RwLock<Vec<Subscriber>>,
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

    /// Hands `event` to every subscriber whose filter matches. Never blocks on a
    /// subscriber: what a full queue cannot take is dropped there and counted.
    #[inline]
    pub fn publish(&self, event: impl Into<Event>) {
        if self.has_subscribers() {
            self.fan_out(event.into());
        }
    }

    fn fan_out(&self, event: Event) {
        let shared = &*self.0;
        shared.published[event.type_index()].fetch_add(1, Ordering::Relaxed);
        let envelope = Envelope {
            sequence: shared.sequence.fetch_add(1, Ordering::Relaxed),
            monotonic_ns: monotonic_ns(),
            wall_ns: wall_ns(),
            event,
        };
        let subscribers = shared.subscribers.read().unwrap_or_else(PoisonError::into_inner);
        for subscriber in subscribers.iter().filter(|subscriber| subscriber.filter.matches(&envelope.event)) {
            subscriber.counts.published.fetch_add(1, Ordering::Relaxed);
            match subscriber.queue.try_send(envelope.clone()) {
                Ok(()) => {}
                Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                    subscriber.counts.dropped.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }

    /// Adds a subscriber with a queue of `capacity` events (at least 1). Dropping
    /// the [`Subscription`] removes it.
    pub fn subscribe(&self, name: &str, filter: Filter, capacity: usize) -> Subscription {
        let capacity = capacity.max(1);
        let (queue, receiver) = crossbeam_channel::bounded(capacity);
        let counts = Arc::new(Counts::default());
        let subscriber = Subscriber { name: name.into(), filter, queue, capacity, counts: Arc::clone(&counts) };
        let mut subscribers = self.0.subscribers.write().unwrap_or_else(PoisonError::into_inner);
        subscribers.push(subscriber);
        self.0.active.store(subscribers.len(), Ordering::Release);
        drop(subscribers);
        Subscription { bus: self.clone(), receiver, counts }
    }

    /// Numbers for telemetry. Exact when nobody publishes or receives meanwhile.
    pub fn stats(&self) -> BusStats {
        let subscribers = self.0.subscribers.read().unwrap_or_else(PoisonError::into_inner);
        BusStats {
            published: std::array::from_fn(|i| self.0.published[i].load(Ordering::Relaxed)),
            subscribers: subscribers.iter().map(Subscriber::stats).collect(),
        }
    }

    fn remove(&self, counts: &Arc<Counts>) {
        let mut subscribers = self.0.subscribers.write().unwrap_or_else(PoisonError::into_inner);
        subscribers.retain(|subscriber| !Arc::ptr_eq(&subscriber.counts, counts));
        self.0.active.store(subscribers.len(), Ordering::Release);
    }
}

impl Subscriber {
    fn stats(&self) -> SubscriberStats {
        SubscriberStats {
            name: Arc::clone(&self.name),
            published: self.counts.published.load(Ordering::Relaxed),
            delivered: self.counts.delivered.load(Ordering::Relaxed),
            dropped: self.counts.dropped.load(Ordering::Relaxed),
            queued: self.queue.len() as u64,
            capacity: self.capacity,
        }
    }
}

fn wall_ns() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_nanos()).unwrap_or(u64::MAX)
}

/// The receiving end of one subscriber.
#[derive(Debug)]
pub struct Subscription {
    bus: DomainEventBus,
    receiver: Receiver<Envelope>,
    counts: Arc<Counts>,
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

    /// The next event if there is one.
    ///
    /// # Errors
    /// When the queue is empty.
    pub fn try_recv(&self) -> Result<Envelope, TryRecvError> {
        self.receiver.try_recv().inspect(|_| self.count_delivery())
    }

    /// All events that are queued now.
    pub fn drain(&self) -> impl Iterator<Item = Envelope> {
        std::iter::from_fn(|| self.try_recv().ok())
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
