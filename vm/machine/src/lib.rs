//! The virt board.
mod entropy;
mod exit;
mod sync;
pub mod board;
pub mod boot;
pub mod console;
pub mod device;
pub mod sbi;
#[cfg(test)]
mod testing;
pub use entropy::Entropy;
pub use exit::{ExitLatch, MachineExit};
