//! Reports of device failures that the guest did not cause, for the host's operators.

use std::sync::Arc;

use riscope_core::event::{DeviceEvent, Publisher};

/// Reports failures of the devices of one machine.
#[derive(Clone, Debug, Default)]
pub struct FaultReporter(Publisher);

impl FaultReporter {
    /// A reporter for the devices of the publisher's machine.
    pub fn new(events: Publisher) -> Self {
        Self(events)
    }

    /// Reports that the device `name` of kind `device` failed with `error`. Kind and error
    /// are short names from closed sets.
    pub fn report(&self, device: &'static str, name: &Arc<str>, error: &'static str) {
        self.0.publish(DeviceEvent::Failed { device, name: Arc::clone(name), error });
    }
}
