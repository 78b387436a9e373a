//! Device events.

use std::sync::Arc;

use super::family::events;

events! {
    /// Events of devices. Repeated failures can be coalesced: a full disk fails every request.
    pub enum DeviceEvent, types DeviceEventType {
        /// A device failed to serve a valid request, for example because of a host I/O
        /// error.
        Failed "device.failed" {
            /// Kind of device, such as `virtio-blk`.
            device: &'static str,
            /// Its name among the machine's devices of that kind, such as `disk0`.
            name: Arc<str>,
            /// Short name of the error.
            error: &'static str,
        } => coalesced by (device, name, error)
    }
}
