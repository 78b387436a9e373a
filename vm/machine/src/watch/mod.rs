//! Watches over a guest: has it panicked, does a hart hang.
//!
//! | file | holds |
//! |---|---|
//! | `panics.rs` | who tells of a panic, and what follows from it |
//! | `panic_line.rs` | the kernel's line on a console |
//! | `suspicion.rs` | whether such a line was a panic |
//! | `stall.rs` | whether a hart spins with interrupts off |
//! | `watcher.rs` | the thread that looks |
//!
//! Watching costs the guest nothing but an answer to a question once a second
//! ([`riscope_core::hart::HartSample`]), and changes nothing for it. A machine that runs by
//! instructions instead of time is not asked even that: its harts' quanta are part of what
//! repeats.

mod panic_line;
mod panics;
mod stall;
mod suspicion;
mod watcher;

use std::time::Duration;

pub use panics::Panics;
pub(crate) use watcher::{Watcher, WatcherParts};

use crate::exit::MachineExit;

/// How long a hart has an interrupt pending, enabled and not taken before it counts as
/// stalled, unless the specification says otherwise. Linux's own watchdog speaks after 20
/// seconds, too.
const STALL_AFTER: Duration = Duration::from_secs(20);

/// What becomes of a machine whose guest has panicked, after the event was published.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnPanic {
    /// Nothing: the guest may still wait for its debugger, write its memory to a disk or
    /// reset itself.
    #[default]
    Report,
    /// It ends with [`MachineExit::GuestPanic`].
    Exit,
    /// It is reset, as if the guest had asked for that.
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

/// How a guest is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WatchSpec {
    /// What follows from a panic.
    pub on_panic: OnPanic,
    /// Guest time after which a hart that does not take a pending and enabled interrupt
    /// is stalled.
    pub stall_after: Duration,
}

impl Default for WatchSpec {
    fn default() -> Self {
        Self { on_panic: OnPanic::default(), stall_after: STALL_AFTER }
    }
}
