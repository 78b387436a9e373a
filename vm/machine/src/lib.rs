//! The virtual machine around the harts: board, boot, SBI, devices, lifecycle.
//!
//! | module | holds |
//! |---|---|
//! | [`machine`] | [`Machine`]: build, start, pause, end |
//! | `lifecycle` | its states, drawn, and the gate of its threads |
//! | `hart_thread` | one host thread for each hart |
//! | [`board`] | specification of a machine, and building its board from one |
//! | [`boot`] | loaders, device tree, signatures |
//! | [`sbi`] | the built-in firmware interface |
//! | [`device`] | everything that harts see through MMIO, and HTIF |
//! | [`layout`] | memory map |
//! | [`image`] | files that a machine boots from, unpacked |
//! | [`watch`] | panics of the guest, harts that hang |
//! | [`console`] | the host's end of a guest console |
//!
//! It takes an engine factory and knows no compiler, no exporter and no network. It
//! publishes events of the machine's life, and counts nothing that the counter pages of
//! the harts do not hold.

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
