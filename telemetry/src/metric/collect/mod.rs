//! Values read at scrape time: counter pages, the table of machines and the event bus.
//!
//! Scrapes never stop a hart: pages are read with relaxed loads while their owners continue
//! to count.

mod bus;
mod device;
mod engine;
mod life;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;

use super::family::Family;
use super::machines::Machines;
use super::samples::{Samples, desc, seconds, to_f64};
use super::{catalog, guest};
use crate::label::CollectorName;
pub(crate) use bus::BusSource;

/// Collector of families.
pub(crate) trait Source: Send + Sync {
    /// Families that it collects.
    fn families(&self) -> Vec<&'static Family>;
    /// Collects them.
    fn collect(&self) -> Vec<MetricFamily>;
}

/// Duration of a source's last collection in nanoseconds.
pub(crate) type Duration = Arc<AtomicU64>;

/// A [`Source`] registered with its duration.
pub(crate) struct Timed<S> {
    source: S,
    descriptions: Vec<Desc>,
    last: Duration,
}

impl<S: Source> Timed<S> {
    pub(crate) fn new(source: S, last: Duration) -> Result<Self, prometheus::Error> {
        let descriptions = source.families().iter().map(|family| desc(family)).collect::<Result<_, _>>()?;
        Ok(Self { source, descriptions, last })
    }
}

impl<S: Source> Collector for Timed<S> {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let start = std::time::Instant::now();
        let families = self.source.collect();
        let ns = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.last.store(ns, Ordering::Relaxed);
        families
    }
}

/// Collector of machines: descriptions, counters and engines.
pub(crate) struct MachineSource(pub(crate) Arc<Machines>);

impl Source for MachineSource {
    fn families(&self) -> Vec<&'static Family> {
        let tables = [life::FAMILIES, engine::FAMILIES, device::FAMILIES];
        tables.into_iter().flatten().copied().chain(guest::families()).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let table = self.0.lock();
        let mut families = life::collect(&table);
        families.extend(engine::collect(&table));
        families.extend(device::collect(&table));
        families.extend(guest::collect(table.exported().filter_map(|(_, machine)| machine.counters.as_ref())));
        families
    }
}

/// Families about the scrape itself, collected after all others.
pub(super) fn about_the_scrape(
    families: &[MetricFamily],
    collectors: &[(CollectorName, Duration)],
) -> [MetricFamily; 2] {
    let mut durations = Samples::new(catalog::bus::SCRAPE_DURATION);
    for (name, last) in collectors {
        durations.push(&[name.as_str()], seconds(last.load(Ordering::Relaxed)));
    }
    let series = families.iter().map(series).sum::<usize>() + collectors.len();
    [Samples::single(catalog::bus::SERIES, to_f64(series as u64)), durations.finish()]
}

/// Number of time series that Prometheus creates for a family.
fn series(family: &MetricFamily) -> usize {
    let of_metric = |metric: &prometheus::proto::Metric| match family.get_field_type() {
        // The buckets with `+Inf`, the sum and the count.
        prometheus::proto::MetricType::HISTOGRAM => metric.get_histogram().get_bucket().len() + 3,
        _ => 1,
    };
    family.get_metric().iter().map(of_metric).sum()
}
