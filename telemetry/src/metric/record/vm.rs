//! Events of a machine's life as metrics.

use std::sync::Arc;

use riscope_core::event::VmEvent;

use crate::metric::machines::Description;
use crate::metric::registry::Metrics;
use crate::metric::samples::seconds;

pub(super) fn record(metrics: &Metrics, event: &VmEvent) {
    match event {
        VmEvent::Created { vm_id, name, engine, vcpus, memory_bytes } => {
            metrics.machines.lock().enter(*vm_id).description = Some(Description {
                name: Arc::clone(name),
                engine,
                vcpus: u64::from(*vcpus),
                memory_bytes: *memory_bytes,
            });
        }
        VmEvent::StateChanged { vm_id, from, to } => {
            metrics.transitions(*from, *to).inc();
            metrics.machines.lock().enter(*vm_id).state = *to;
        }
        VmEvent::BootPhaseCompleted { vm_id: _, phase, start_ns, end_ns } => {
            metrics.boot_phases[phase.index()].observe(seconds(end_ns.saturating_sub(*start_ns)));
        }
        VmEvent::Exited { vm_id: _, reason, code: _ } => metrics.exits[reason.index()].inc(),
        VmEvent::Deleted { vm_id } => metrics.machines.lock().delete(*vm_id),
    }
}
