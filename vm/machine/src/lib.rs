//! Virtual machine: board, boot, SBI, devices and lifecycle around the harts.
//!
//! | module | holds |
//! |---|---|
//! | [`machine`] | [`Machine`]: build, start, pause, end |
//! | `lifecycle` | state machine, and the gate of the hart threads |
//! | `hart_thread` | host thread of a hart |
//! | [`board`] | specification of a machine, and construction of its board |
//! | [`boot`] | loaders, device tree, signatures |
//! | [`sbi`] | built-in SBI |
//! | [`device`] | MMIO devices, and HTIF |
//! | [`layout`] | memory map |
//! | [`image`] | boot files, decompressed |
//! | [`watch`] | detection of guest panics and stalled harts |
//! | [`profile`] | profiler: samples of the harts on demand |
//! | [`console`] | host side of a guest console |
//!
//! The crate takes an engine factory and knows no compiler, exporter or network. It
//! publishes lifecycle events and keeps no counters beyond the harts' counter pages.

pub mod board;
pub mod boot;
pub mod console;
pub mod device;
mod entropy;
mod exit;
mod hart_thread;
pub mod image;
pub mod layout;
mod lifecycle;
mod lineage;
pub mod machine;
pub mod profile;
pub mod sbi;
mod sync;
#[cfg(test)]
mod testing;
pub mod watch;

pub use board::{DiskSpec, MachineSpec, TimeSource};
pub use entropy::Entropy;
pub use exit::{ExitLatch, MachineExit};
pub use image::ImageSource;
pub use lifecycle::WrongState;
pub use lineage::Lineage;
pub use machine::{Machine, MachineError};
pub use watch::{OnPanic, WatchSpec};
