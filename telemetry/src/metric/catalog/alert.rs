//! Families of the alerts that are evaluated in process.

use super::sets::NOTIFICATION_OUTCOMES;
use crate::label::{AlertChange, AlertState};
use crate::metric::family::{Family, Unit};

families! {
    ALERTS = Family::gauge(
        "riscope_alerts",
        "Alerts of the rules evaluated in process by state, like ALERTS of Prometheus; vm_id is empty for those about the process.",
    )
    .labels(&["alertname", "alertstate", "severity", "vm_id"])
        .values(&[("alertstate", &AlertState::NAMES)]);
    ALERT_TRANSITIONS = Family::counter(
        "riscope_alert_transitions_total",
        "Alerts evaluated in process that began to fire or were resolved.",
    )
    .labels(&["alertstate"])
        .values(&[("alertstate", &AlertChange::NAMES)]);
    ALERT_EVALUATIONS = Family::counter("riscope_alert_evaluations_total", "Evaluations of rules in process.");
    ALERT_FAILURES = Family::counter(
        "riscope_alert_evaluation_failures_total",
        "Evaluations of rules in process without a result.",
    );
    ALERT_SECONDS = Family::counter(
        "riscope_alert_evaluation_seconds_total",
        "Time spent on evaluating rules in process, with the collection of their samples.",
    )
    .unit(Unit::Seconds);
    ALERT_SERIES = Family::gauge("riscope_alert_series", "Series whose samples are kept for rules evaluated in process.");
    ALERT_SAMPLES = Family::gauge("riscope_alert_samples", "Samples kept for rules evaluated in process.");
    ALERT_REFUSED = Family::counter(
        "riscope_alert_samples_refused_total",
        "Samples that did not fit the memory of the rules evaluated in process.",
    );
    ALERT_NOTIFICATIONS = Family::counter(
        "riscope_alert_notifications_total",
        "Alerts sent to Alertmanager, repetitions included; error_type is empty for those that it accepted.",
    )
    .labels(&["error_type"])
        .values(&[("error_type", &NOTIFICATION_OUTCOMES)]);
}
