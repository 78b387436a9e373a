//! Samples of the registry, as Prometheus would have scraped them: with the labels `job` and
//! `instance`, and histograms as series of buckets, sums and counts.

use std::collections::HashMap;
use std::sync::Arc;

use prometheus::proto::{LabelPair, Metric, MetricFamily, MetricType};

use super::evaluator::Observation;
use super::labels::Labels;
use crate::metric::samples::to_f64;

/// Value of the label `job`, by which the shipped rules select.
const JOB: &str = "riscope";

/// Converter, which makes each name and common value once.
#[derive(Debug)]
pub(super) struct Sampler {
    target: [(Arc<str>, Arc<str>); 2],
    names: HashMap<String, Arc<str>>,
}

impl Sampler {
    pub(super) fn new(instance: &str) -> Self {
        let target = [("job".into(), JOB.into()), ("instance".into(), instance.into())];
        Self { target, names: HashMap::new() }
    }

    /// The samples whose metric is needed.
    pub(super) fn observations(
        &mut self,
        families: &[MetricFamily],
        is_needed: impl Fn(&str) -> bool,
    ) -> Vec<Observation> {
        let mut observations = Vec::new();
        for family in families {
            if family.get_field_type() == MetricType::HISTOGRAM {
                self.histograms(family, &is_needed, &mut observations);
                continue;
            }
            if !is_needed(family.name()) {
                continue;
            }
            let name = self.name(family.name());
            for metric in family.get_metric() {
                let value = match family.get_field_type() {
                    MetricType::COUNTER => metric.get_counter().get_value(),
                    _ => metric.get_gauge().get_value(),
                };
                let (name, labels) = (Arc::clone(&name), self.labels(metric.get_label()));
                let is_counter = family.get_field_type() == MetricType::COUNTER;
                observations.push(Observation { name, labels, value, is_counter });
            }
        }
        observations
    }

    fn histograms(
        &mut self,
        family: &MetricFamily,
        is_needed: impl Fn(&str) -> bool,
        observations: &mut Vec<Observation>,
    ) {
        let series = ["bucket", "sum", "count"].map(|suffix| format!("{}_{suffix}", family.name()));
        let [bucket, sum, count] = series.map(|name| is_needed(&name).then(|| self.name(&name)));
        for metric in family.get_metric() {
            let (labels, histogram) = (self.labels(metric.get_label()), metric.get_histogram());
            if let Some(name) = &sum {
                observations.push(counted(name, labels.clone(), histogram.get_sample_sum()));
            }
            if let Some(name) = &count {
                observations.push(counted(name, labels.clone(), to_f64(histogram.get_sample_count())));
            }
            if let Some(name) = &bucket {
                self.buckets(metric, name, &labels, observations);
            }
        }
    }

    fn buckets(&mut self, metric: &Metric, name: &Arc<str>, labels: &Labels, observations: &mut Vec<Observation>) {
        let histogram = metric.get_histogram();
        let finite = histogram.get_bucket().iter().filter(|bucket| bucket.upper_bound().is_finite());
        let finite = finite.map(|bucket| (bucket.upper_bound().to_string(), bucket.cumulative_count()));
        for (bound, number) in finite.chain([("+Inf".to_owned(), histogram.get_sample_count())]) {
            let mut labels = labels.clone();
            labels.set(self.name("le"), self.name(&bound));
            observations.push(counted(name, labels, to_f64(number)));
        }
    }

    /// Labels of a series, with those of the target.
    fn labels(&mut self, pairs: &[LabelPair]) -> Labels {
        let mut labels = Labels::new(self.target.iter().cloned());
        for pair in pairs {
            labels.set(self.name(pair.name()), pair.value());
        }
        labels
    }

    fn name(&mut self, name: &str) -> Arc<str> {
        if let Some(name) = self.names.get(name) {
            return Arc::clone(name);
        }
        let made: Arc<str> = name.into();
        self.names.insert(name.to_owned(), Arc::clone(&made));
        made
    }
}

/// A part of a histogram.
fn counted(name: &Arc<str>, labels: Labels, value: f64) -> Observation {
    Observation { name: Arc::clone(name), labels, value, is_counter: true }
}
