//! Statistics of the event bus.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::event::EventType;

/// Statistics of one subscriber. At any moment,
///
/// ```text
/// published = delivered + dropped + coalesced + queued
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriberStats {
    /// Name given at subscription.
    pub name: Arc<str>,
    /// Events that its filter selected.
    pub published: u64,
    /// Events that it received, each counted once however many it stands for.
    pub delivered: u64,
    /// Events that did not fit its queue, or remained in it at the end of the subscription.
    pub dropped: u64,
    /// Part of `dropped` that remained in the queue.
    pub abandoned: u64,
    /// Events that have become part of another one, because its queue was full.
    pub coalesced: u64,
    /// Events in its queue, on their way into it, or on their way out.
    pub queued: u64,
    /// Subscriptions of the name that ended by a panic of their subscriber.
    pub panics: u64,
    /// Events that its queue holds at most, in all of its parts.
    pub capacity: usize,
}

impl SubscriberStats {
    /// Statistics of a new subscriber.
    pub(super) fn new(name: &Arc<str>) -> Self {
        Self {
            name: Arc::clone(name),
            published: 0,
            delivered: 0,
            dropped: 0,
            abandoned: 0,
            coalesced: 0,
            queued: 0,
            panics: 0,
            capacity: 0,
        }
    }

    /// Adds the statistics of another subscriber.
    pub(super) fn add(&mut self, other: &Self) {
        self.published += other.published;
        self.delivered += other.delivered;
        self.dropped += other.dropped;
        self.abandoned += other.abandoned;
        self.coalesced += other.coalesced;
        self.panics += other.panics;
        self.queued += other.queued;
        self.capacity += other.capacity;
    }
}

/// Statistics of the whole bus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BusStats {
    /// Events published while there was a subscriber, by type in the order of
    /// [`EventType::ALL`].
    pub published: [u64; EventType::ALL.len()],
    /// Present subscribers.
    pub subscribers: Vec<SubscriberStats>,
    /// Sums over past subscribers, one entry per name. `queued` and `capacity` are 0.
    pub departed: Vec<SubscriberStats>,
}

impl BusStats {
    /// Sums over all subscribers of each name, present and past, so that every count is
    /// monotonic. Sorted by name.
    pub fn by_name(&self) -> Vec<SubscriberStats> {
        let mut sums: BTreeMap<&str, SubscriberStats> = BTreeMap::new();
        for stats in self.departed.iter().chain(&self.subscribers) {
            sums.entry(&stats.name).or_insert_with(|| SubscriberStats::new(&stats.name)).add(stats);
        }
        sums.into_values().collect()
    }
}
