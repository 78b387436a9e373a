//! Devices of the board.
//!
//! A device is one file or one folder that holds its registers, its state and its
//! device-tree node. Rules for all of them:
//!
//! - A guest may read and write any offset with any width at any time, from
//!   several harts at once. The answer is defined for each; none panics.
//! - No allocation and no loop is bounded only by a number that a guest chose.
//! - A device takes its own lock, then perhaps the interrupt controller's, never
//!   the other way round, and calls no console backend or listener while holding
//!   a lock that the backend could need.

mod alarm;

pub mod fault;
pub mod htif;
pub mod irqchip;
pub mod pvpanic;
pub mod rtc;
pub mod serial;
pub mod test_device;
pub mod virtio;

use riscope_core::mmio::MmioDevice;
use vm_fdt::{Error, FdtWriter};

use crate::layout::Slot;

/// A device that the board places and describes.
pub trait Device: MmioDevice {
    /// Where it sits.
    fn slot(&self) -> Slot;

    /// Writes its device-tree node below `/soc`.
    ///
    /// # Errors
    /// Whatever the device-tree writer objects to.
    fn write_fdt_node(&self, fdt: &mut FdtWriter) -> Result<(), Error>;
}
