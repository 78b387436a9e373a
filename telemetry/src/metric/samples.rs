//! Families whose values are computed at scrape time.

use prometheus::core::Desc;
use prometheus::proto::{Bucket, Counter, Gauge, Histogram, LabelPair, Metric, MetricFamily, MetricType};

use super::family::{Family, Kind};

/// A family under construction.
#[derive(Debug)]
pub(crate) struct Samples {
    family: &'static Family,
    metrics: Vec<Metric>,
}

impl Samples {
    pub(crate) fn new(family: &'static Family) -> Self {
        Self { family, metrics: Vec::new() }
    }

    /// A family with one value and no labels.
    pub(crate) fn single(family: &'static Family, value: f64) -> MetricFamily {
        let mut samples = Self::new(family);
        samples.push(&[], value);
        samples.finish()
    }

    /// Adds the value of the series with these label values, in the order of
    /// [`Family::labels`].
    pub(crate) fn push(&mut self, values: &[&str], value: f64) {
        let mut metric = self.metric(values);
        match self.family.kind {
            Kind::Counter => {
                let mut counter = Counter::default();
                counter.set_value(value);
                metric.set_counter(counter);
            }
            Kind::Gauge | Kind::Histogram => {
                let mut gauge = Gauge::default();
                gauge.set_value(value);
                metric.set_gauge(gauge);
            }
        }
        self.metrics.push(metric);
    }

    /// Adds a distribution: observations in each range that the family's buckets end, then those above,
    /// and the sum of their values.
    pub(crate) fn distribution(&mut self, values: &[&str], ranges: &[u64], sum: f64) {
        debug_assert_eq!(ranges.len(), self.family.buckets.len() + 1, "{}", self.family.name);
        let mut count = 0;
        let bucket = |(&bound, &number): (&f64, &u64)| {
            count += number;
            let mut bucket = Bucket::default();
            bucket.set_upper_bound(bound);
            bucket.set_cumulative_count(count);
            bucket
        };
        let buckets = self.family.buckets.iter().zip(ranges).map(bucket).collect();
        let mut histogram = Histogram::default();
        histogram.set_bucket(buckets);
        histogram.set_sample_count(ranges.iter().sum());
        histogram.set_sample_sum(sum);
        let mut metric = self.metric(values);
        metric.set_histogram(histogram);
        self.metrics.push(metric);
    }

    /// A metric with these label values and no value.
    fn metric(&self, values: &[&str]) -> Metric {
        debug_assert_eq!(values.len(), self.family.labels.len(), "{}", self.family.name);
        let mut pairs: Vec<_> = self.family.labels.iter().zip(values).map(|(name, value)| pair(name, value)).collect();
        pairs.sort_by(|a, b| a.name().cmp(b.name()));
        Metric::from_label(pairs)
    }

    /// Adds the integer value of the series with these label values.
    pub(crate) fn count(&mut self, values: &[&str], value: u64) {
        self.push(values, to_f64(value));
    }

    pub(crate) fn finish(self) -> MetricFamily {
        let mut family = MetricFamily::default();
        family.set_name(self.family.name.to_owned());
        family.set_help(self.family.help.to_owned());
        family.set_field_type(match self.family.kind {
            Kind::Counter => MetricType::COUNTER,
            Kind::Gauge => MetricType::GAUGE,
            Kind::Histogram => MetricType::HISTOGRAM,
        });
        family.set_metric(self.metrics);
        family
    }
}

fn pair(name: &str, value: &str) -> LabelPair {
    let mut pair = LabelPair::default();
    pair.set_name(name.to_owned());
    pair.set_value(value.to_owned());
    pair
}

/// Nearest number that Prometheus can represent; exact up to 2⁵³.
#[expect(clippy::cast_precision_loss, reason = "values of metrics are binary64 by definition")]
pub(crate) fn to_f64(value: u64) -> f64 {
    value as f64
}

/// Converts nanoseconds to seconds.
pub(crate) fn seconds(ns: u64) -> f64 {
    to_f64(ns) / 1e9
}

/// Converts seconds to nanoseconds; 0 for negative ones.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
pub(crate) fn to_ns(seconds: f64) -> u64 {
    (seconds * 1e9) as u64
}

/// Description of a family for the registry.
pub(crate) fn desc(family: &Family) -> Result<Desc, prometheus::Error> {
    let labels = family.labels.iter().map(|&label| label.to_owned()).collect();
    Desc::new(family.name.to_owned(), family.help.to_owned(), labels, std::collections::HashMap::new())
}
