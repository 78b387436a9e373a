//! A scrape: all registered families, then those about the scrape itself.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use prometheus::Registry;
use prometheus::proto::MetricFamily;

use super::collect::{Duration, Source, Timed, about_the_scrape};
use crate::label::CollectorName;

/// Registry with timed sources.
pub(crate) struct Gatherer {
    registry: Registry,
    collectors: Vec<(CollectorName, Duration)>,
}

impl Gatherer {
    pub(crate) fn new(registry: Registry) -> Self {
        Self { registry, collectors: Vec::new() }
    }

    /// Registers a source under a name.
    pub(crate) fn add(&mut self, name: CollectorName, source: impl Source + 'static) -> Result<(), prometheus::Error> {
        let last = Arc::new(AtomicU64::new(0));
        self.registry.register(Box::new(Timed::new(source, Arc::clone(&last))?))?;
        self.collectors.push((name, last));
        Ok(())
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    /// All families, sorted by name.
    pub(crate) fn gather(&self) -> Vec<MetricFamily> {
        let mut families = self.registry.gather();
        let about = about_the_scrape(&families, &self.collectors);
        families.extend(about);
        families.sort_by(|a, b| a.name().cmp(b.name()));
        families
    }
}

impl std::fmt::Debug for Gatherer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.collectors.iter().map(|(name, _)| name).collect();
        f.debug_struct("Gatherer").field("collectors", &names).finish_non_exhaustive()
    }
}
