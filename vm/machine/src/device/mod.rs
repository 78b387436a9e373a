//! Devices of the board.
//!
//! A device is a file or folder with its registers, state and device-tree node. Rules for
//! all devices:
//!
//! - A guest may access any offset with any width at any time, from several harts at once.
//!   Every access has a defined result; none panics.
//! - No allocation and no loop is bounded only by a guest-chosen number.
//! - A device takes its own lock before the interrupt controller's, and calls no console
//!   backend or listener while it holds a lock that the backend could need.

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
    /// Address range and interrupt on the board.
    fn slot(&self) -> Slot;

    /// Writes its device-tree node below `/soc`.
    ///
    /// # Errors
    /// Those of the device-tree writer.
    fn write_fdt_node(&self, fdt: &mut FdtWriter) -> Result<(), Error>;
}
