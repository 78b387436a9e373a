//! What happens in a machine's life.

use std::sync::Arc;

use super::{EventType, VmId};
use crate::label::labels;

labels! {
    /// Lifecycle states of a machine.
    pub enum VmState {
        /// Resources are being set up.
        Creating "creating",
        /// Ready to start.
        Created "created",
        /// Started, the kernel is not up yet.
        Booting "booting",
        /// Executing.
        Running "running",
        /// On the way to paused.
        Pausing "pausing",
        /// Stopped at an instruction boundary.
        Paused "paused",
        /// State is being saved.
        Snapshotting "snapshotting",
        /// State is being loaded.
        Restoring "restoring",
        /// On the way to stopped.
        Stopping "stopping",
        /// Ended.
        Stopped "stopped",
        /// Ended by an error of the host.
        Failed "failed",
    }
}

labels! {
    /// Phases of booting, in order.
    pub enum BootPhase {
        /// Files are read and placed into guest memory.
        Load "load",
        /// The device tree is made.
        Fdt "fdt",
        /// Firmware runs.
        Firmware "firmware",
        /// The kernel runs.
        Kernel "kernel",
    }
}

labels! {
    /// Why a machine ended.
    pub enum ExitReason {
        /// The guest powered off.
        Poweroff "poweroff",
        /// The guest asked for a reset.
        Reset "reset",
        /// The guest reported a failure.
        GuestFailure "guest_failure",
        /// The host stopped it.
        Killed "killed",
        /// Its time was up.
        Timeout "timeout",
        /// The host failed it.
        Error "error",
    }
}

/// Events of a machine's life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VmEvent {
    /// A machine exists.
    Created {
        /// The machine.
        vm_id: VmId,
        /// Its name, for people.
        name: Arc<str>,
        /// Name of its engine.
        engine: &'static str,
        /// Number of harts.
        vcpus: u32,
        /// Bytes of guest memory.
        memory_bytes: u64,
    },
    /// A machine changed its lifecycle state.
    StateChanged {
        /// The machine.
        vm_id: VmId,
        /// State it left.
        from: VmState,
        /// State it is in.
        to: VmState,
    },
    /// A phase of booting ended.
    BootPhaseCompleted {
        /// The machine.
        vm_id: VmId,
        /// Which phase.
        phase: BootPhase,
        /// Its start on the clock of [`super::monotonic_ns`].
        start_ns: u64,
        /// Its end on that clock.
        end_ns: u64,
    },
    /// A machine ended.
    Exited {
        /// The machine.
        vm_id: VmId,
        /// Why.
        reason: ExitReason,
        /// Exit status of the process for it.
        code: i32,
    },
    /// A machine no longer exists; nobody will hear of it again.
    Deleted {
        /// The machine.
        vm_id: VmId,
    },
}

impl VmEvent {
    /// Which event it is.
    pub const fn kind(&self) -> EventType {
        match self {
            Self::Created { .. } => EventType::VmCreated,
            Self::StateChanged { .. } => EventType::VmStateChanged,
            Self::BootPhaseCompleted { .. } => EventType::BootPhaseCompleted,
            Self::Exited { .. } => EventType::VmExited,
            Self::Deleted { .. } => EventType::VmDeleted,
        }
    }

    /// The machine it happened to.
    pub const fn vm_id(&self) -> VmId {
        match *self {
            Self::Created { vm_id, .. }
            | Self::StateChanged { vm_id, .. }
            | Self::BootPhaseCompleted { vm_id, .. }
            | Self::Exited { vm_id, .. }
            | Self::Deleted { vm_id } => vm_id,
        }
    }
}
