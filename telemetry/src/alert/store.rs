//! Recent samples of the series that rules refer to.
//!
//! Each series has a ring that keeps what the longest range of any rule about its metric
//! needs. Metrics that no rule names are not kept. Memory is bounded by [`MAX_SERIES`] and
//! [`MAX_SAMPLES`]; what does not fit is refused and counted.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::labels::Labels;

/// Age in milliseconds up to which the last sample of a series stands for its present value,
/// as in Prometheus.
pub const LOOKBACK_MS: i64 = 5 * 60 * 1000;

/// Maximum number of series.
pub const MAX_SERIES: usize = 20_000;
/// Maximum number of samples of all series. With 16 bytes each, 16 MiB.
pub const MAX_SAMPLES: usize = 1 << 20;

/// A time in milliseconds since the Unix epoch, and a value.
pub type Point = (i64, f64);

/// Bits of the NaN by which Prometheus marks the end of a series.
const STALE_BITS: u64 = 0x7ff0_0000_0000_0002;

/// The value that marks the end of a series.
pub fn stale_marker() -> f64 {
    f64::from_bits(STALE_BITS)
}

/// Whether a value marks the end of a series.
pub fn is_stale(value: f64) -> bool {
    value.to_bits() == STALE_BITS
}

/// Series of one metric.
#[derive(Debug, Default)]
struct Metric {
    retention_ms: i64,
    series: HashMap<Labels, VecDeque<Point>>,
}

/// Samples by metric and labels.
#[derive(Debug)]
pub struct Store {
    metrics: HashMap<Arc<str>, Metric>,
    series: usize,
    samples: usize,
    refused: u64,
    max_series: usize,
}

impl Store {
    /// A store of the metrics in `retention`, with the age in milliseconds up to which their
    /// samples are needed.
    pub fn new(retention: impl IntoIterator<Item = (Arc<str>, i64)>) -> Self {
        let kept = |(name, retention_ms)| (name, Metric { retention_ms, ..Metric::default() });
        let metrics = retention.into_iter().map(kept).collect();
        Self { metrics, series: 0, samples: 0, refused: 0, max_series: MAX_SERIES }
    }

    /// Keeps no more than so many series.
    pub fn limit(&mut self, max_series: usize) {
        self.max_series = max_series.min(MAX_SERIES);
    }

    /// Whether samples of this metric are kept.
    pub fn keeps(&self, name: &str) -> bool {
        self.metrics.contains_key(name)
    }

    /// Whether there is such a series.
    pub fn has(&self, name: &str, labels: &Labels) -> bool {
        self.metrics.get(name).is_some_and(|metric| metric.series.contains_key(labels))
    }

    /// Adds a sample, unless it is older than the last one of its series. Forgets those that
    /// are too old.
    pub fn append(&mut self, name: &str, labels: Labels, (time_ms, value): Point) {
        let Some(metric) = self.metrics.get_mut(name) else { return };
        let oldest = time_ms - metric.retention_ms;
        let is_full = self.samples >= MAX_SAMPLES;
        let points = match metric.series.get_mut(&labels) {
            Some(points) => points,
            None if is_full || self.series >= self.max_series => {
                self.refused += 1;
                return;
            }
            None => {
                self.series += 1;
                metric.series.entry(labels).or_default()
            }
        };
        let before = points.len();
        while points.front().is_some_and(|(time, _)| *time < oldest) {
            points.pop_front();
        }
        let is_new = points.back().is_none_or(|(last, _)| *last < time_ms);
        if is_new && is_full && points.len() == before {
            self.refused += 1;
        } else if is_new {
            points.push_back((time_ms, value));
        }
        self.samples = self.samples + points.len() - before;
    }

    /// Marks the series of `name` that have no sample at `time_ms` as ended, and forgets
    /// those that ended before everything that is needed.
    pub fn end_others(&mut self, name: &str, time_ms: i64) {
        let Some(metric) = self.metrics.get_mut(name) else { return };
        let oldest = time_ms - metric.retention_ms;
        let (series, samples) = (&mut self.series, &mut self.samples);
        metric.series.retain(|_, points| {
            let last = points.back().copied();
            if last.is_none_or(|(time, _)| time < oldest) {
                *series -= 1;
                *samples -= points.len();
                return false;
            }
            if last.is_some_and(|(time, value)| time < time_ms && !is_stale(value)) && *samples < MAX_SAMPLES {
                points.push_back((time_ms, stale_marker()));
                *samples += 1;
            }
            true
        });
    }

    /// Metrics that are kept.
    pub fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.metrics.keys()
    }

    /// Series of a metric with their samples, oldest first.
    pub fn series(&self, name: &str) -> impl Iterator<Item = (&Labels, &VecDeque<Point>)> {
        self.metrics.get(name).into_iter().flat_map(|metric| metric.series.iter())
    }

    /// Numbers of series and of samples that are kept.
    pub fn size(&self) -> (usize, usize) {
        (self.series, self.samples)
    }

    /// Number of samples that did not fit.
    pub fn refused(&self) -> u64 {
        self.refused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> Store {
        Store::new([("a".into(), 10_000), ("b".into(), 1_000)])
    }

    #[test]
    fn samples_are_kept_for_as_long_as_their_metric_needs() {
        let mut store = store();
        for second in 0..100 {
            for name in ["a", "b", "c"] {
                store.append(name, Labels::default(), (second * 1000, 1.0));
            }
        }
        let times = |name| store.series(name).flat_map(|(_, points)| points).map(|point| point.0).collect::<Vec<_>>();
        assert_eq!(times("a"), (89..100).map(|second| second * 1000).collect::<Vec<_>>());
        assert_eq!(times("b"), [98_000, 99_000]);
        assert_eq!((times("c"), store.size()), (vec![], (2, 13)));
    }

    #[test]
    fn a_series_without_a_new_sample_ends_once_and_is_forgotten_later() {
        let mut store = store();
        let labels = Labels::new([("vm_id", "1")]);
        store.append("b", labels.clone(), (0, 1.0));
        store.end_others("b", 500);
        store.end_others("b", 600);
        assert_eq!(store.size(), (1, 2));
        let (_, points) = store.series("b").next().expect("a series");
        assert!(is_stale(points[1].1) && points[1].0 == 500);
        store.end_others("b", 1_501);
        assert_eq!(store.size(), (0, 0));
    }

    #[test]
    fn what_does_not_fit_is_refused_and_counted() {
        let mut store = store();
        for number in 0..=MAX_SERIES {
            store.append("a", Labels::new([("n", number.to_string())]), (0, 1.0));
        }
        assert_eq!((store.size(), store.refused()), ((MAX_SERIES, MAX_SERIES), 1));
        // A known series goes on.
        store.append("a", Labels::new([("n", "0")]), (1, 1.0));
        assert_eq!((store.size(), store.refused()), ((MAX_SERIES, MAX_SERIES + 1), 1));
        for time in 1.. {
            (0..MAX_SERIES).for_each(|n| store.append("a", Labels::new([("n", n.to_string())]), (time, 1.0)));
            if store.refused() > 1 {
                break;
            }
        }
        assert_eq!(store.size().1, MAX_SAMPLES);
    }
}
