//! What an event means for the metrics. One file per family of events, and in it
//! one exhaustive match: a new event does not compile until it is decided here.

mod device;
mod execution;
mod vm;

use riscope_core::event::{Envelope, Event};

use super::registry::Metrics;

/// Counts an event.
pub(crate) fn record(metrics: &Metrics, envelope: &Envelope) {
    match &envelope.event {
        Event::Execution(event) => execution::record(metrics, envelope.vm_id, event),
        Event::Vm(event) => vm::record(metrics, envelope, event),
        Event::Device(event) => device::record(metrics, envelope.vm_id, event),
    }
}
