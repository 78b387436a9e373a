//! What happens in devices.

use super::VmId;

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
    pub(super) fn type_index(&self) -> usize {
        match self {
            Self::Failed { .. } => 10,
        }
    }

    /// Stable name, as [`super::Event::event_type`].
    pub fn event_type(&self) -> &'static str {
        super::Event::TYPES[self.type_index()]
    }

    /// The machine it happened in.
    pub fn vm_id(&self) -> VmId {
        match *self {
            Self::Failed { vm_id, .. } => vm_id,
        }
    }
}
