//! Machine events as metrics.

use std::sync::Arc;

use riscope_core::event::{Envelope, VmEvent, VmId};

use crate::metric::machines::{Description, Machine};
use crate::metric::registry::Metrics;
use crate::metric::samples::seconds;

pub(super) fn record(metrics: &Metrics, envelope: &Envelope, event: &VmEvent) {
    let vm_id = envelope.vm_id;
    match event {
        VmEvent::Created { name, engine, vcpus, memory_bytes } => {
            metrics.machines.lock().enter(vm_id).description = Some(Description {
                name: Arc::clone(name),
                engine,
                vcpus: u64::from(*vcpus),
                memory_bytes: *memory_bytes,
            });
        }
        VmEvent::StateChanged { from, to } => {
            metrics.transitions(*from, *to).inc();
            metrics.machines.lock().enter(vm_id).enter(*to, envelope.wall_ns);
        }
        VmEvent::BootPhaseCompleted { phase, start_ns, end_ns } => {
            metrics.boot_phases[phase.index()].observe(seconds(end_ns.saturating_sub(*start_ns)));
        }
        VmEvent::Reset { boots: _ } => known(metrics, vm_id, Machine::reset),
        VmEvent::GuestPanicked { source } => known(metrics, vm_id, |machine| machine.panic(*source)),
        VmEvent::HartStalled { vcpu } => known(metrics, vm_id, |machine| {
            machine.stalled.insert(*vcpu);
        }),
        VmEvent::HartResumed { vcpu } => known(metrics, vm_id, |machine| {
            machine.stalled.remove(vcpu);
        }),
        VmEvent::Exited { reason, code: _ } => metrics.exits[reason.index()].inc(),
        VmEvent::Deleted {} => metrics.machines.lock().delete(vm_id),
    }
}

/// Updates the machine if it still exists: its watcher thread may publish after its
/// deletion.
fn known(metrics: &Metrics, vm_id: VmId, change: impl FnOnce(&mut Machine)) {
    if let Some(machine) = metrics.machines.lock().known(vm_id) {
        change(machine);
    }
}
