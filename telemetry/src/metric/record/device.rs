//! Events of devices as metrics.

use riscope_core::event::DeviceEvent;

use crate::metric::registry::Metrics;

pub(super) fn record(metrics: &Metrics, event: &DeviceEvent) {
    match *event {
        DeviceEvent::Failed { vm_id, device, error } => {
            if let Some(machine) = metrics.machines.lock().known(vm_id) {
                *machine.device_errors.entry((device, error)).or_insert(0) += 1;
            }
        }
    }
}
