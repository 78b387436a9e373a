//! Watching of a guest: detection of panics and stalled harts.
//!
//! | file | holds |
//! |---|---|
//! | `panics.rs` | sources of panic reports, and the policy |
//! | `panic_line.rs` | detection of the kernel's panic message on a console |
//! | `suspicion.rs` | confirmation that such a message was a panic |
//! | `stall.rs` | detection of harts that execute with interrupts masked |
//! | `sampler.rs` | samples of what the harts' threads do |
//! | `pmu.rs` | events of the host's CPU in these threads |
//! | `watcher.rs` | thread that polls the guest |
//!
//! Watching costs the guest one sample per hart and second
//! ([`riscope_core::hart::HartSample`]) and does not affect it. What the harts' threads do is read a
//! hundred times a second from outside. Machines with
//! instruction-count time are not sampled, as sampling would change the quanta that make
//! their runs reproducible.

mod panic_line;
mod panics;
mod pmu;
mod sampler;
mod stall;
mod suspicion;
mod watcher;

use std::time::Duration;

pub use panics::Panics;
pub(crate) use watcher::{Watcher, WatcherParts};

use crate::exit::MachineExit;

/// Default time for which a hart has an enabled interrupt pending without taking it before
/// it counts as stalled; the same as Linux's soft lockup watchdog.
const STALL_AFTER: Duration = Duration::from_secs(20);

/// Policy after a guest panic, applied after its event is published.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnPanic {
    /// Nothing: the guest may wait for a debugger, dump its memory or reset itself.
    #[default]
    Report,
    /// The machine ends with [`MachineExit::GuestPanic`].
    Exit,
    /// The machine is reset, as on a guest request.
    Reset,
}

impl OnPanic {
    fn exit(self) -> Option<MachineExit> {
        match self {
            Self::Report => None,
            Self::Exit => Some(MachineExit::GuestPanic),
            Self::Reset => Some(MachineExit::Reset),
        }
    }
}

/// Configuration of guest watching.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WatchSpec {
    /// Policy after a panic.
    pub on_panic: OnPanic,
    /// Guest time after which a hart that does not take an enabled pending interrupt is
    /// stalled.
    pub stall_after: Duration,
}

impl Default for WatchSpec {
    fn default() -> Self {
        Self { on_panic: OnPanic::default(), stall_after: STALL_AFTER }
    }
}
