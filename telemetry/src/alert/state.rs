//! State machine of the alerts of a rule, as in Prometheus.
//!
//! ```text
//!              condition holds                 for so long as `for` says
//!  (none) ───────────────────────► pending ─────────────────────────────► firing
//!    ▲ ▲                              │                                     │
//!    │ └───── condition is over ──────┘       condition is over, and so is  │
//!    │                                        `keep_firing_for`             ▼
//!    └──────────────────────── after RESOLVED_MS ◄───────────────────── resolved
//! ```
//!
//! A resolved alert whose condition holds again is pending anew.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::labels::Labels;
use super::promql::Sample;
use super::rules::AlertRule;
use super::template::{Subject, Template};

/// How long a resolved alert is remembered, so that receivers learn of it, in milliseconds.
pub const RESOLVED_MS: i64 = 15 * 60 * 1000;
/// Most alerts of a rule at a time.
pub const MAX_ALERTS: usize = 1_000;

/// State of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Its condition holds, but not for long enough.
    Pending,
    /// It fires.
    Firing,
    /// It fired and does no longer.
    Resolved,
}

impl State {
    /// As in the label `alertstate`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Firing => "firing",
            Self::Resolved => "resolved",
        }
    }
}

/// An alert. Times are in milliseconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// Labels, with `alertname`; they identify it.
    pub labels: Labels,
    /// Annotations.
    pub annotations: Labels,
    /// State.
    pub state: State,
    /// Value of the expression when its condition last held.
    pub value: f64,
    /// When its condition began to hold.
    pub active_ms: i64,
    /// When it began to fire.
    pub fired_ms: Option<i64>,
    /// When it ceased to fire.
    pub resolved_ms: Option<i64>,
    /// Since when it only goes on because of `keep_firing_for`.
    kept_since_ms: Option<i64>,
}

impl Alert {
    /// Name of its rule.
    pub fn name(&self) -> &str {
        self.labels.get("alertname")
    }
}

/// An alert that began or ceased to fire; see its state.
pub type Transition = Alert;

/// Why a rule has no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum StateError {
    #[error("two alerts would have the labels {0}")]
    SameLabels(Labels),
    #[error("more than {MAX_ALERTS} alerts at a time")]
    TooMany,
}

/// Alerts of a rule, by their labels.
#[derive(Debug, Default)]
pub(super) struct Alerts(BTreeMap<Labels, Alert>);

impl Alerts {
    /// All alerts.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Alert> {
        self.0.values()
    }

    /// Applies the result of the rule's expression at `time_ms`; returns the alerts that
    /// began or ceased to fire.
    ///
    /// # Errors
    /// If the result has no clear or too many alerts, which stay as they were.
    pub(super) fn update(
        &mut self,
        rule: &AlertRule,
        samples: Vec<Sample>,
        external_labels: &Labels,
        time_ms: i64,
    ) -> Result<Vec<Transition>, StateError> {
        if samples.len() > MAX_ALERTS {
            return Err(StateError::TooMany);
        }
        let mut present: BTreeMap<Labels, Alert> = BTreeMap::new();
        for sample in samples {
            let alert = made(rule, sample, external_labels, time_ms);
            if let Some(other) = present.insert(alert.labels.clone(), alert) {
                return Err(StateError::SameLabels(other.labels));
            }
        }
        // Those that have ended make room, before the bound is that of all.
        if self.0.len() + present.len() > MAX_ALERTS {
            self.0.retain(|labels, alert| alert.state != State::Resolved || present.contains_key(labels));
        }
        let known = present.keys().filter(|labels| self.0.contains_key(*labels)).count();
        if self.0.len() + present.len() - known > MAX_ALERTS {
            return Err(StateError::TooMany);
        }
        let mut transitions = Vec::new();
        self.0.retain(|labels, alert| {
            if let Some(new) = present.remove(labels) {
                renew(alert, new);
                alert.kept_since_ms = None;
            } else if !stays(alert, rule, time_ms, &mut transitions) {
                return false;
            }
            promote(alert, rule, time_ms, &mut transitions);
            true
        });
        for (labels, mut alert) in present {
            promote(&mut alert, rule, time_ms, &mut transitions);
            self.0.insert(labels, alert);
        }
        Ok(transitions)
    }
}

/// The pending alert of an element of the result.
fn made(rule: &AlertRule, sample: Sample, external_labels: &Labels, time_ms: i64) -> Alert {
    let subject = Subject { labels: &sample.labels, external_labels, value: sample.value };
    let rendered = |templates: &[(Arc<str>, Template)]| -> Vec<(Arc<str>, String)> {
        templates.iter().map(|(name, template)| (Arc::clone(name), template.render(subject))).collect()
    };
    let mut labels = sample.labels.clone();
    rendered(&rule.labels).into_iter().for_each(|(name, value)| labels.set(name, value));
    labels.set("alertname", Arc::clone(&rule.name));
    Alert {
        labels,
        annotations: Labels::new(rendered(&rule.annotations)),
        state: State::Pending,
        value: sample.value,
        active_ms: time_ms,
        fired_ms: None,
        resolved_ms: None,
        kept_since_ms: None,
    }
}

fn renew(alert: &mut Alert, new: Alert) {
    if alert.state == State::Resolved {
        *alert = new;
    } else {
        (alert.value, alert.annotations) = (new.value, new.annotations);
    }
}

/// Whether an alert whose condition does not hold is still to be known.
fn stays(alert: &mut Alert, rule: &AlertRule, time_ms: i64, transitions: &mut Vec<Transition>) -> bool {
    match (alert.state, alert.resolved_ms) {
        (State::Pending, _) => false,
        (State::Resolved, resolved_ms) => resolved_ms.is_some_and(|since| time_ms - since <= RESOLVED_MS),
        (State::Firing, _) => {
            let since = *alert.kept_since_ms.get_or_insert(time_ms);
            if time_ms - since >= milliseconds(rule.keep_firing) {
                (alert.state, alert.resolved_ms) = (State::Resolved, Some(time_ms));
                transitions.push(alert.clone());
            }
            true
        }
    }
}

/// Lets a pending alert fire when it is time.
fn promote(alert: &mut Alert, rule: &AlertRule, time_ms: i64, transitions: &mut Vec<Transition>) {
    if alert.state == State::Pending && time_ms - alert.active_ms >= milliseconds(rule.hold) {
        (alert.state, alert.fired_ms) = (State::Firing, Some(time_ms));
        transitions.push(alert.clone());
    }
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
