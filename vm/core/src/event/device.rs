//! What happens in devices.

use super::{EventType, VmId};

/// Events of devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceEvent {
    /// A device could not do what the guest asked for, through no fault of the
    /// guest: a host I/O error, for example.
    Failed {
        /// The machine.
        vm_id: VmId,
        /// Kind of device, such as `virtio-blk`.
        device: &'static str,
        /// Short name of the error.
        error: &'static str,
    },
}

impl DeviceEvent {
    /// Which event it is.
    pub const fn kind(&self) -> EventType {
        match self {
            Self::Failed { .. } => EventType::DeviceFailed,
        }
    }

    /// The machine it happened in.
    pub const fn vm_id(&self) -> VmId {
        match *self {
            Self::Failed { vm_id, .. } => vm_id,
        }
    }
}
