//! What happens in a machine's life.

use std::sync::Arc;

use super::family::events;
use crate::labels;

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
        /// The guest panicked, and the machine was to end then.
        GuestPanic "guest_panic",
        /// The host stopped it.
        Killed "killed",
        /// Its time was up.
        Timeout "timeout",
        /// The host failed it.
        Error "error",
    }
}

labels! {
    /// What tells that a guest panicked.
    pub enum PanicSource {
        /// An SBI system reset with reason "system failure".
        Sbi "sbi",
        /// The kernel's message on a console.
        Console "console",
        /// The guest's driver of the pvpanic device.
        Pvpanic "pvpanic",
    }
}

events! {
    /// Events of a machine's life.
    pub enum VmEvent, types VmEventType {
        /// A machine exists.
        Created "vm.created" {
            /// Its name, for people.
            name: Arc<str>,
            /// Name of its engine.
            engine: &'static str,
            /// Number of harts.
            vcpus: u32,
            /// Bytes of guest memory.
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
        /// The guest asked for a reset and boots again, in the same machine.
        Reset "vm.reset" {
            /// Boots of the machine, this one included: 2 at the first reset.
            boots: u64,
        }
        /// The guest's kernel panicked, as far as the machine can tell.
        GuestPanicked "vm.guest_panicked" {
            /// What told so.
            source: PanicSource,
        }
        /// A hart has been executing for long with interrupts masked although one is
        /// enabled and pending.
        HartStalled "vm.hart_stalled" {
            /// Index of the hart.
            vcpu: u32,
        }
        /// A hart that was stalled takes interrupts again.
        HartResumed "vm.hart_resumed" {
            /// Index of the hart.
            vcpu: u32,
        }
        /// A machine ended.
        Exited "vm.exited" {
            /// Why.
            reason: ExitReason,
            /// Exit status of the process for it.
            code: i32,
        }
        /// A machine no longer exists; nobody will hear of it again.
        Deleted "vm.deleted" {}
    }
}
