//! Alert events as metrics.

use riscope_core::event::AlertEvent;

use crate::label::AlertChange;
use crate::metric::registry::Metrics;

pub(super) fn record(metrics: &Metrics, event: &AlertEvent) {
    let change = match event {
        AlertEvent::Firing { name: _, severity: _, description: _ } => AlertChange::Firing,
        AlertEvent::Resolved { name: _, severity: _, description: _ } => AlertChange::Resolved,
    };
    metrics.alert_transitions[change.index()].inc();
}
