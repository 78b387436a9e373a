//! Subscribers as publishers see them, and the table of who gets which event.

use std::sync::Arc;
use std::task::Waker;

use rustc_hash::FxHashMap;

use super::filter::Filter;
use super::queue::EventQueue;
use super::stats::SubscriberStats;
use crate::event::{Envelope, EventType, VmId};

/// One subscriber.
#[derive(Debug)]
pub(super) struct Subscriber {
    pub(super) name: Arc<str>,
    pub(super) filter: Filter,
    pub(super) queue: EventQueue<Envelope>,
    /// Whether it is a flight recorder, whose queue is always full and not in the statistics.
    pub(super) records: bool,
}

impl Subscriber {
    pub(super) fn stats(&self) -> SubscriberStats {
        let balance = self.queue.balance();
        SubscriberStats {
            published: balance.published,
            delivered: balance.delivered,
            dropped: balance.dropped,
            coalesced: balance.coalesced,
            queued: balance.queued,
            capacity: self.queue.capacity(),
            ..SubscriberStats::new(&self.name)
        }
    }
}

/// Who gets which event: a list for each type, of subscribers to all machines, and one for each
/// machine that has subscribers of its own. Publishing therefore costs nothing for those who
/// want something else.
#[derive(Debug, Default)]
pub(super) struct Routes {
    of_types: [Vec<Arc<Subscriber>>; EventType::ALL.len()],
    of_machines: FxHashMap<VmId, Vec<Arc<Subscriber>>>,
}

impl Routes {
    /// Routes to these subscribers, in their order.
    pub(super) fn to(subscribers: &[Arc<Subscriber>]) -> Self {
        let mut routes = Self::default();
        for subscriber in subscribers {
            if let Some(vm_id) = subscriber.filter.machine() {
                routes.of_machines.entry(vm_id).or_default().push(Arc::clone(subscriber));
                continue;
            }
            for (kind, list) in EventType::ALL.into_iter().zip(&mut routes.of_types) {
                if subscriber.filter.selects(kind) {
                    list.push(Arc::clone(subscriber));
                }
            }
        }
        routes
    }

    /// Whether anyone may get events of this type.
    #[inline]
    pub(super) fn lead_anywhere(&self, kind: EventType) -> bool {
        !self.of_types[kind.index()].is_empty() || !self.of_machines.is_empty()
    }

    /// Offers an event of this type to those who get it; returns whom to wake.
    #[inline]
    pub(super) fn offer(&self, kind: EventType, envelope: Envelope) -> Vec<Waker> {
        let mut wakers = Vec::new();
        if !self.of_machines.is_empty() {
            for subscriber in self.of_machines.get(&envelope.vm_id).into_iter().flatten() {
                if subscriber.filter.selects(kind) {
                    wakers.extend(subscriber.queue.offer(envelope.clone()));
                }
            }
        }
        if let Some((last, others)) = self.of_types[kind.index()].split_last() {
            for subscriber in others {
                wakers.extend(subscriber.queue.offer(envelope.clone()));
            }
            wakers.extend(last.queue.offer(envelope));
        }
        wakers
    }
}
