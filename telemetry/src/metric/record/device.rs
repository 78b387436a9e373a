//! Device events as metrics.

use std::sync::Arc;

use riscope_core::event::{DeviceEvent, VmId};

use crate::metric::registry::Metrics;

pub(super) fn record(metrics: &Metrics, vm_id: VmId, event: &DeviceEvent) {
    match event {
        DeviceEvent::Failed { device, name, error } => {
            if let Some(machine) = metrics.machines.lock().known(vm_id) {
                *machine.device_errors.entry((device, Arc::clone(name), error)).or_insert(0) += 1;
            }
        }
    }
}
