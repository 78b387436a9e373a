//! What the bus counts about itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::event::EventType;

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
    /// The part of `dropped` that was left in the queue.
    pub abandoned: u64,
    /// Events in its queue.
    pub queued: u64,
    /// Size of its queue.
    pub capacity: usize,
}

impl SubscriberStats {
    /// Nothing happened yet.
    pub(super) fn new(name: &Arc<str>) -> Self {
        Self { name: Arc::clone(name), published: 0, delivered: 0, dropped: 0, abandoned: 0, queued: 0, capacity: 0 }
    }

    /// Adds the numbers of another subscriber.
    pub(super) fn add(&mut self, other: &Self) {
        self.published += other.published;
        self.delivered += other.delivered;
        self.dropped += other.dropped;
        self.abandoned += other.abandoned;
        self.queued += other.queued;
        self.capacity += other.capacity;
    }
}

/// Numbers of the whole bus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BusStats {
    /// Events published while there was a subscriber, by type as in [`EventType::ALL`].
    pub published: [u64; EventType::ALL.len()],
    /// Every subscriber there is.
    pub subscribers: Vec<SubscriberStats>,
    /// Sums over the subscribers that went away, one entry for each name. Their
    /// queues are gone, so `queued` and `capacity` are 0.
    pub departed: Vec<SubscriberStats>,
}

impl BusStats {
    /// Sums over all subscribers of a name, present and departed, so that each
    /// count only grows. Sorted by name.
    pub fn by_name(&self) -> Vec<SubscriberStats> {
        let mut sums: BTreeMap<&str, SubscriberStats> = BTreeMap::new();
        for stats in self.departed.iter().chain(&self.subscribers) {
            sums.entry(&stats.name).or_insert_with(|| SubscriberStats::new(&stats.name)).add(stats);
        }
        sums.into_values().collect()
    }
}
