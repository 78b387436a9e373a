//! The event bus.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus::proto::MetricFamily;
use riscope_core::event::{DomainEventBus, EventType};

use super::Source;
use crate::label::Loss;
use crate::metric::catalog;
use crate::metric::family::Family;
use crate::metric::samples::{Samples, to_f64};

/// Collector of the event bus.
pub(crate) struct BusSource {
    pub(crate) bus: DomainEventBus,
    /// Name of the pump's subscription, and the number of events that made its handler
    /// panic.
    pub(crate) pump: (&'static str, Arc<AtomicU64>),
}

impl Source for BusSource {
    fn families(&self) -> Vec<&'static Family> {
        vec![
            catalog::bus::BUS_PUBLISHED,
            catalog::bus::BUS_DELIVERED,
            catalog::bus::BUS_DROPPED,
            catalog::bus::BUS_SUBSCRIBER_COALESCED,
            catalog::bus::BUS_SUBSCRIBER_PANICS,
            catalog::bus::BUS_QUEUE_DEPTH,
            catalog::bus::BUS_QUEUE_CAPACITY,
            catalog::bus::BUS_SUBSCRIBERS,
        ]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let stats = self.bus.stats();
        let mut published = Samples::new(catalog::bus::BUS_PUBLISHED);
        for (event, number) in EventType::NAMES.iter().zip(stats.published) {
            published.count(&[event], number);
        }
        let mut delivered = Samples::new(catalog::bus::BUS_DELIVERED);
        let mut dropped = Samples::new(catalog::bus::BUS_DROPPED);
        let mut coalesced = Samples::new(catalog::bus::BUS_SUBSCRIBER_COALESCED);
        let mut panics = Samples::new(catalog::bus::BUS_SUBSCRIBER_PANICS);
        let mut depth = Samples::new(catalog::bus::BUS_QUEUE_DEPTH);
        let mut capacity = Samples::new(catalog::bus::BUS_QUEUE_CAPACITY);
        for subscriber in stats.by_name() {
            let name = &*subscriber.name;
            let panicked = if name == self.pump.0 { self.pump.1.load(Ordering::Relaxed) } else { 0 };
            delivered.count(&[name], subscriber.delivered.saturating_sub(panicked));
            for (loss, number) in [
                (Loss::Full, subscriber.dropped - subscriber.abandoned),
                (Loss::Closed, subscriber.abandoned),
                (Loss::Panicked, panicked),
            ] {
                dropped.count(&[name, loss.as_str()], number);
            }
            coalesced.count(&[name], subscriber.coalesced);
            panics.count(&[name], subscriber.panics);
            depth.count(&[name], subscriber.queued);
            capacity.count(&[name], subscriber.capacity as u64);
        }
        let subscribers = Samples::single(catalog::bus::BUS_SUBSCRIBERS, to_f64(stats.subscribers.len() as u64));
        let counted = [published, delivered, dropped, coalesced, panics, depth, capacity];
        let mut families: Vec<_> = counted.map(Samples::finish).into();
        families.push(subscribers);
        families
    }
}
