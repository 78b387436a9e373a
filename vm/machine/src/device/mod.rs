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

use std::sync::Arc;

use riscope_core::clock::Clock;
use riscope_core::mmio::MmioDevice;
use vm_fdt::{Error, FdtWriter};

use crate::console::Console;
use crate::exit::ExitLatch;
use crate::layout::{RTC, Slot, UART};
use crate::watch::Panics;
use irqchip::{IrqLine, Plic};
use pvpanic::PvPanic;
use rtc::Rtc;
use serial::SerialPort;
use test_device::TestDevice;

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

/// Parts of the board and the host that devices are connected to.
pub(crate) struct Surroundings<'b> {
    /// Ends the machine.
    pub(crate) exit: &'b Arc<ExitLatch>,
    /// Receives reports of guest panics.
    pub(crate) panics: &'b Arc<Panics>,
    /// The machine's clock.
    pub(crate) clock: &'b Clock,
    /// Wall-clock nanoseconds since the Unix epoch when that clock is at 0.
    pub(crate) epoch_nanos: u64,
    /// Console of the serial port.
    pub(crate) console: &'b Arc<Console>,
    /// The interrupt controller.
    pub(crate) plic: &'b Arc<Plic>,
}

/// The devices with registers of their own: each board has them, where
/// [`layout`](crate::layout) says.
pub(crate) fn at_fixed_places(board: &Surroundings<'_>) -> Vec<Arc<dyn Device>> {
    vec![
        Arc::new(TestDevice::new(Arc::clone(board.exit))),
        Arc::new(PvPanic::new(Arc::clone(board.panics), Arc::clone(board.exit))),
        Rtc::new(board.epoch_nanos, board.clock, line(board.plic, RTC)),
        SerialPort::new(Arc::clone(board.console), line(board.plic, UART)),
    ]
}

/// The interrupt line of the device at `slot`; it leads nowhere if the device has none.
pub(crate) fn line(plic: &Arc<Plic>, slot: Slot) -> IrqLine {
    IrqLine::new(Arc::clone(plic), slot.irq.unwrap_or(0))
}
