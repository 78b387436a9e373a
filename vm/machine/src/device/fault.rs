//! Tells the host's operators what a device could not do through no fault of its
//! guest.

use riscope_core::event::{DeviceEvent, DomainEventBus, VmId};

/// Publishes failures of one machine's devices, if anybody may listen.
#[derive(Clone, Debug, Default)]
pub struct FaultReporter {
    vm_id: VmId,
    bus: Option<DomainEventBus>,
}

impl FaultReporter {
    /// A reporter for the devices of `vm_id`.
    pub fn new(vm_id: VmId, bus: Option<DomainEventBus>) -> Self {
        Self { vm_id, bus }
    }

    /// `device` failed with `error`, both short fixed names.
    pub fn report(&self, device: &'static str, error: &'static str) {
        if let Some(bus) = &self.bus {
            bus.publish(DeviceEvent::Failed { vm_id: self.vm_id, device, error });
        }
    }
}
