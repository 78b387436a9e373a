//! Machine events: lifecycle and health.

use std::sync::Arc;

use super::family::events;
use crate::labels;

labels! {
    /// Lifecycle states of a machine.
    pub enum VmState {
        /// Resources are being allocated.
        Creating "creating",
        /// Ready to start.
        Created "created",
        /// Started; the kernel is not up yet.
        Booting "booting",
        /// Executing the guest.
        Running "running",
        /// Harts are being paused.
        Pausing "pausing",
        /// Paused at an instruction boundary.
        Paused "paused",
        /// Harts are being stopped.
        Stopping "stopping",
        /// Ended.
        Stopped "stopped",
        /// Ended by a failure of the host.
        Failed "failed",
    }
}

labels! {
    /// Boot phases, in order.
    pub enum BootPhase {
        /// Files are loaded into guest memory.
        Load "load",
        /// The device tree is generated.
        Fdt "fdt",
        /// Firmware executes.
        Firmware "firmware",
        /// The kernel executes.
        Kernel "kernel",
    }
}

labels! {
    /// Why a machine ended.
    pub enum ExitReason {
        /// The guest powered off.
        Poweroff "poweroff",
        /// The guest requested a reset.
        Reset "reset",
        /// The guest reported a failure.
        GuestFailure "guest_failure",
        /// The guest panicked, and the machine is configured to end then.
        GuestPanic "guest_panic",
        /// Stopped by the host.
        Killed "killed",
        /// The time limit was reached.
        Timeout "timeout",
        /// The host failed.
        Error "error",
    }
}

labels! {
    /// Evidence of a guest panic.
    pub enum PanicSource {
        /// An SBI system reset with reason "system failure".
        Sbi "sbi",
        /// The kernel's panic message on a console.
        Console "console",
        /// A report of the guest's pvpanic driver.
        Pvpanic "pvpanic",
    }
}

events! {
    /// Events of a machine. Panics can be coalesced: a guest that panics and resets itself may do
    /// so many times a second. Everything else is rare, and means something by its place in the
    /// life of the machine.
    pub enum VmEvent, types VmEventType {
        /// A machine was created.
        Created "vm.created" {
            /// Its name.
            name: Arc<str>,
            /// Name of its engine.
            engine: &'static str,
            /// Number of harts.
            vcpus: u32,
            /// Guest RAM in bytes.
            memory_bytes: u64,
        }
        /// A machine changed its lifecycle state.
        StateChanged "vm.state_changed" {
            /// State it left.
            from: VmState,
            /// State it is in.
            to: VmState,
        }
        /// A phase of booting ended.
        BootPhaseCompleted "vm.boot_phase_completed" {
            /// Which phase.
            phase: BootPhase,
            /// Its start on the clock of [`super::monotonic_ns`].
            start_ns: u64,
            /// Its end on that clock.
            end_ns: u64,
        }
        /// The guest requested a reset and boots again in the same machine.
        Reset "vm.reset" {
            /// Boots of the machine, this one included: 2 at the first reset.
            boots: u64,
        }
        /// The guest kernel panicked.
        GuestPanicked "vm.guest_panicked" {
            /// Evidence.
            source: PanicSource,
        } => coalesced by (source)
        /// A hart executes with interrupts masked for longer than the stall limit, although
        /// an enabled one is pending.
        HartStalled "vm.hart_stalled" {
            /// Index of the hart.
            vcpu: u32,
        }
        /// A stalled hart takes interrupts again.
        HartResumed "vm.hart_resumed" {
            /// Index of the hart.
            vcpu: u32,
        }
        /// A machine ended.
        Exited "vm.exited" {
            /// Why.
            reason: ExitReason,
            /// Exit status of the process.
            code: i32,
        }
        /// A machine was deleted; no event of it follows.
        Deleted "vm.deleted" {}
    }
}
