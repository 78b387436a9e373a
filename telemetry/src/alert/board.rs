//! What others see of the alerts: metrics, and the response of `/api/v1/alerts`.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, SecondsFormat};
use prometheus::proto::MetricFamily;
use serde_json::{Map, Value, json};

use super::format;
use super::labels::Labels;
use super::state::{Alert, State};
use crate::label::{AlertState, ErrorType, QueueLoss};
use crate::metric::catalog;
use crate::metric::collect::Source;
use crate::metric::family::Family;
use crate::metric::samples::{Samples, seconds, to_f64};

/// Alerts and figures about their evaluation, shared with scrapes.
#[derive(Debug, Default)]
pub(crate) struct Board {
    state: Mutex<Snapshot>,
    evaluations: AtomicU64,
    failures: AtomicU64,
    evaluation_ns: AtomicU64,
    /// Alerts sent, by what became of them.
    sent: Mutex<BTreeMap<&'static str, u64>>,
}

/// The result of the last evaluation.
#[derive(Debug, Default)]
struct Snapshot {
    /// With whether they are silenced.
    alerts: Vec<(Alert, bool)>,
    series: usize,
    samples: usize,
    refused: u64,
}

/// What becomes of an alert that is sent: empty if it was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    Accepted,
    Failed(ErrorType),
    Dropped,
}

impl Delivery {
    fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "",
            Self::Failed(error) => error.as_str(),
            Self::Dropped => QueueLoss::Full.as_str(),
        }
    }
}

impl Board {
    /// Replaces the alerts, of which the resolved ones are not shown, and the numbers of
    /// series and samples that are kept and of samples that were refused.
    pub(super) fn show(&self, alerts: Vec<(Alert, bool)>, (series, samples): (usize, usize), refused: u64) {
        *lock(&self.state) = Snapshot { alerts, series, samples, refused };
    }

    /// Counts an evaluation of so many rules.
    pub(super) fn evaluated(&self, rules: u64, failures: u64, took: Duration) {
        self.evaluations.fetch_add(rules, Ordering::Relaxed);
        self.failures.fetch_add(failures, Ordering::Relaxed);
        let ns = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.evaluation_ns.fetch_add(ns, Ordering::Relaxed);
    }

    /// Counts alerts that were sent.
    pub(super) fn delivered(&self, number: u64, delivery: Delivery) {
        *lock(&self.sent).entry(delivery.as_str()).or_insert(0) += number;
    }

    /// Pending and firing alerts, as Prometheus responds to `/api/v1/alerts`; `silenced` is
    /// an addition.
    pub(crate) fn json(&self) -> String {
        let shown = |(alert, silenced): &(Alert, bool)| {
            json!({
                "labels": object(&alert.labels),
                "annotations": object(&alert.annotations),
                "state": alert.state.as_str(),
                "activeAt": time(alert.active_ms),
                "value": format::shortest(alert.value),
                "silenced": silenced,
            })
        };
        let alerts: Vec<Value> = lock(&self.state).alerts.iter().map(shown).collect();
        json!({"status": "success", "data": {"alerts": alerts}}).to_string()
    }
}

impl Source for std::sync::Arc<Board> {
    fn families(&self) -> Vec<&'static Family> {
        vec![
            catalog::alert::ALERTS,
            catalog::alert::ALERT_EVALUATIONS,
            catalog::alert::ALERT_FAILURES,
            catalog::alert::ALERT_SECONDS,
            catalog::alert::ALERT_SERIES,
            catalog::alert::ALERT_SAMPLES,
            catalog::alert::ALERT_REFUSED,
            catalog::alert::ALERT_NOTIFICATIONS,
        ]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let mut notifications = Samples::new(catalog::alert::ALERT_NOTIFICATIONS);
        {
            let sent = lock(&self.sent);
            let (_, outcomes) = catalog::alert::ALERT_NOTIFICATIONS.values[0];
            for outcome in outcomes {
                notifications.count(&[outcome], sent.get(outcome).copied().unwrap_or_default());
            }
        }
        let snapshot = lock(&self.state);
        let mut families = vec![
            Samples::single(catalog::alert::ALERT_EVALUATIONS, to_f64(load(&self.evaluations))),
            Samples::single(catalog::alert::ALERT_FAILURES, to_f64(load(&self.failures))),
            Samples::single(catalog::alert::ALERT_SECONDS, seconds(load(&self.evaluation_ns))),
            Samples::single(catalog::alert::ALERT_SERIES, to_f64(snapshot.series as u64)),
            Samples::single(catalog::alert::ALERT_SAMPLES, to_f64(snapshot.samples as u64)),
            Samples::single(catalog::alert::ALERT_REFUSED, to_f64(snapshot.refused)),
            notifications.finish(),
        ];
        // A family without a sample cannot be encoded.
        if !snapshot.alerts.is_empty() {
            families.push(alerts(&snapshot.alerts));
        }
        families
    }
}

/// Number of alerts by rule, state, severity and machine.
fn alerts(alerts: &[(Alert, bool)]) -> MetricFamily {
    let mut numbers: BTreeMap<[&str; 4], u64> = BTreeMap::new();
    for (alert, _) in alerts {
        let state = match alert.state {
            State::Pending => AlertState::Pending,
            State::Firing => AlertState::Firing,
            State::Resolved => continue,
        };
        let labels = [alert.name(), state.as_str(), alert.labels.get("severity"), alert.labels.get("vm_id")];
        *numbers.entry(labels).or_insert(0) += 1;
    }
    let mut samples = Samples::new(catalog::alert::ALERTS);
    numbers.iter().for_each(|(labels, number)| samples.count(labels, *number));
    samples.finish()
}

pub(super) fn object(labels: &Labels) -> Map<String, Value> {
    labels.iter().map(|(name, value)| (name.to_owned(), value.into())).collect()
}

/// A time in milliseconds since the Unix epoch, as RFC 3339 has it.
pub(super) fn time(ms: i64) -> String {
    DateTime::from_timestamp_millis(ms).unwrap_or_default().to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
