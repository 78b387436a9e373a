//! Failures of devices.

use std::sync::Arc;

use super::family::events;

events! {
    /// Events of devices.
    pub enum DeviceEvent, types DeviceEventType {
        /// A device could not do what the guest asked for, through no fault of the
        /// guest: a host I/O error, for example.
        Failed "device.failed" {
            /// Kind of device, such as `virtio-blk`.
            device: &'static str,
            /// Which of the machine's devices of this kind, such as `disk0`.
            name: Arc<str>,
            /// Short name of the error.
            error: &'static str,
        }
    }
}
