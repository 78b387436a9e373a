//! Updates metrics from events. One file per family with an exhaustive match, so that a new
//! event compiles only once its effect is decided.

mod alert;
mod device;
mod execution;
mod vm;

use riscope_core::event::{Envelope, Event, Family};

use super::registry::Metrics;

/// Counts an event.
pub(crate) fn record(metrics: &Metrics, envelope: &Envelope) {
    match &envelope.event {
        Event::Execution(event) => execution::record(metrics, envelope.vm_id, event),
        Event::Vm(event) => vm::record(metrics, envelope, event),
        Event::Device(event) => device::record(metrics, envelope.vm_id, event),
        Event::Alert(event) => alert::record(metrics, event),
    }
    if envelope.event.family() != Family::Execution
        && let Some(machine) = metrics.machines.lock().known(envelope.vm_id)
    {
        machine.remember(envelope);
    }
}
