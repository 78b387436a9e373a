//! Evaluation of rules over the recent samples of a process.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use super::labels::Labels;
use super::promql::{self, Sample};
use super::rules::{Group, Recording, Rules};
use super::state::{Alert, Alerts, Transition};
use super::store::Store;

/// A sample of a metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// Name of the metric; for parts of histograms with `_bucket`, `_sum` or `_count`.
    pub name: Arc<str>,
    /// Labels of the series.
    pub labels: Labels,
    /// Value.
    pub value: f64,
    /// Whether the series was 0 before it existed, as a counter is.
    pub is_counter: bool,
}

/// Rules with their samples and alerts.
#[derive(Debug)]
pub struct Evaluator {
    store: Store,
    groups: Vec<Progress>,
    external_labels: Labels,
    recorded: HashSet<Arc<str>>,
    /// Time of the last observation.
    observed_ms: Option<i64>,
}

/// A group of rules and how far it is.
#[derive(Debug)]
struct Progress {
    rules: Group,
    /// By rule.
    alerts: Vec<Alerts>,
    /// Time of the last evaluation.
    last_ms: Option<i64>,
}

/// What an evaluation has led to.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Alerts that began or ceased to fire.
    pub transitions: Vec<Transition>,
    /// Number of rules that were evaluated.
    pub evaluated: u64,
    /// Messages about rules without a result, with their names.
    pub failures: Vec<(Arc<str>, String)>,
}

impl Evaluator {
    /// An evaluator of these rules, without samples. `external_labels` are those of
    /// templates.
    pub fn new(rules: Rules, external_labels: Labels) -> Self {
        let store = Store::new(rules.needs());
        let of_group = |group: &Group| group.recordings.iter().map(|rule| Arc::clone(&rule.name)).collect::<Vec<_>>();
        let recorded = rules.groups.iter().flat_map(of_group).collect();
        let progress = |rules: Group| Progress {
            alerts: rules.alerts.iter().map(|_| Alerts::default()).collect(),
            rules,
            last_ms: None,
        };
        Self {
            store,
            groups: rules.groups.into_iter().map(progress).collect(),
            external_labels,
            recorded,
            observed_ms: None,
        }
    }

    /// Keeps no more than so many series.
    pub fn limit(&mut self, max_series: usize) {
        self.store.limit(max_series);
    }

    /// Whether a rule refers to this metric.
    pub fn needs(&self, name: &str) -> bool {
        self.store.keeps(name)
    }

    /// Adds samples of everything that is observed at `time_ms`, in milliseconds since the
    /// Unix epoch. Series that are not among them have ended. A counter that is new was 0 at
    /// the last observation, so that what it counted since is an increase: Prometheus does the
    /// same for metrics that tell when they were created.
    pub fn observe(&mut self, time_ms: i64, observations: impl IntoIterator<Item = Observation>) {
        for Observation { name, labels, value, is_counter } in observations {
            if let Some(before_ms) = self.observed_ms.filter(|_| is_counter && value > 0.0)
                && !self.store.has(&name, &labels)
            {
                self.store.append(&name, labels.clone(), (before_ms, 0.0));
            }
            self.store.append(&name, labels, (time_ms, value));
        }
        self.observed_ms = Some(time_ms);
        let scraped: Vec<_> = self.store.names().filter(|name| !self.recorded.contains(*name)).cloned().collect();
        scraped.iter().for_each(|name| self.store.end_others(name, time_ms));
    }

    /// Adds a sample at `time_ms` to a series, which others are independent of.
    pub fn append(&mut self, name: &str, labels: Labels, time_ms: i64, value: f64) {
        self.store.append(name, labels, (time_ms, value));
    }

    /// Evaluates the groups that are due at `time_ms`.
    pub fn evaluate(&mut self, time_ms: i64) -> Outcome {
        self.evaluate_if(time_ms, |group| group.is_due(time_ms))
    }

    /// Evaluates all groups.
    pub fn evaluate_all(&mut self, time_ms: i64) -> Outcome {
        self.evaluate_if(time_ms, |_| true)
    }

    fn evaluate_if(&mut self, time_ms: i64, is_due: impl Fn(&Progress) -> bool) -> Outcome {
        let mut outcome = Outcome::default();
        let due: Vec<_> = (0..self.groups.len()).filter(|&index| is_due(&self.groups[index])).collect();
        for &index in &due {
            let group = &mut self.groups[index];
            group.last_ms = Some(time_ms);
            for rule in &group.rules.recordings {
                outcome.evaluated += 1;
                if let Err(error) = record(&mut self.store, rule, time_ms) {
                    outcome.failures.push((Arc::clone(&rule.name), error));
                }
            }
        }
        for index in due {
            let Progress { rules, alerts, .. } = &mut self.groups[index];
            for (rule, alerts) in rules.alerts.iter().zip(alerts) {
                outcome.evaluated += 1;
                let result = promql::evaluate(&rule.expr, &self.store, time_ms).map_err(|error| error.to_string());
                let transitions = result.and_then(|value| {
                    let samples = value.into_vector();
                    alerts.update(rule, samples, &self.external_labels, time_ms).map_err(|error| error.to_string())
                });
                match transitions {
                    Ok(transitions) => outcome.transitions.extend(transitions),
                    Err(error) => outcome.failures.push((Arc::clone(&rule.name), error)),
                }
            }
        }
        outcome
    }

    /// Alerts in any state, by rule.
    pub fn alerts(&self) -> impl Iterator<Item = &Alert> {
        self.groups.iter().flat_map(|group| &group.alerts).flat_map(Alerts::iter)
    }

    /// The samples.
    pub fn store(&self) -> &Store {
        &self.store
    }
}

impl Progress {
    /// Whether its interval has passed, by a tenth of it more or less.
    fn is_due(&self, time_ms: i64) -> bool {
        let interval: Duration = self.rules.interval * 9 / 10;
        let interval_ms = i64::try_from(interval.as_millis()).unwrap_or(i64::MAX);
        self.last_ms.is_none_or(|last| time_ms - last >= interval_ms)
    }
}

/// Evaluates a recording rule and stores the result.
fn record(store: &mut Store, rule: &Recording, time_ms: i64) -> Result<(), String> {
    if !store.keeps(&rule.name) {
        return Ok(());
    }
    let value = promql::evaluate(&rule.expr, store, time_ms).map_err(|error| error.to_string())?;
    let mut results: HashMap<Labels, f64> = HashMap::new();
    for Sample { mut labels, value } in value.into_vector() {
        rule.labels.iter().for_each(|(name, value)| labels.set(Arc::clone(name), Arc::clone(value)));
        if results.insert(labels.clone(), value).is_some() {
            return Err(format!("two results have the labels {labels}"));
        }
    }
    for (labels, value) in results {
        store.append(&rule.name, labels, (time_ms, value));
    }
    store.end_others(&rule.name, time_ms);
    Ok(())
}
