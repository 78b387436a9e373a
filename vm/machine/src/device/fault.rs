//! Tells the host's operators what a device could not do through no fault of its
//! guest.

use std::sync::Arc;

use riscope_core::event::{DeviceEvent, Publisher};

/// Publishes failures of one machine's devices.
#[derive(Clone, Debug, Default)]
pub struct FaultReporter(Publisher);

impl FaultReporter {
    /// A reporter for the devices of the publisher's machine.
    pub fn new(events: Publisher) -> Self {
        Self(events)
    }

    /// The device `name` of kind `device` failed with `error`; kind and error are short
    /// fixed names.
    pub fn report(&self, device: &'static str, name: &Arc<str>, error: &'static str) {
        self.0.publish(DeviceEvent::Failed { device, name: Arc::clone(name), error });
    }
}
