//! pvpanic: register by which the guest kernel reports a panic (QEMU,
//! `docs/specs/pvpanic.rst`; Linux's `pvpanic-mmio` on a bus without PCI).
//!
//! The byte at offset 0 reads as the set of events that the host supports; writing it
//! reports events.

use std::sync::Arc;

use riscope_core::event::PanicSource;
use riscope_core::mmio::{MmioDevice, MmioFault, Width};
use vm_fdt::{Error, FdtWriter};

use super::Device;
use crate::exit::{ExitLatch, MachineExit};
use crate::layout::{PVPANIC, Slot};
use crate::watch::Panics;

/// The guest has panicked.
const PANICKED: u64 = 1;
/// The guest has panicked and its crash kernel takes over.
const CRASH_LOADED: u64 = 2;
/// The guest has shut down.
const SHUT_DOWN: u64 = 4;

/// pvpanic device.
#[derive(Debug)]
pub struct PvPanic {
    panics: Arc<Panics>,
    exit: Arc<ExitLatch>,
}

impl PvPanic {
    /// A device that reports panics to `panics` and a shutdown to `exit`.
    pub fn new(panics: Arc<Panics>, exit: Arc<ExitLatch>) -> Self {
        Self { panics, exit }
    }
}

impl MmioDevice for PvPanic {
    fn read(&self, offset: u64, _width: Width) -> Result<u64, MmioFault> {
        Ok(if offset == 0 { PANICKED | CRASH_LOADED | SHUT_DOWN } else { 0 })
    }

    fn write(&self, offset: u64, _width: Width, value: u64) -> Result<(), MmioFault> {
        if offset != 0 {
            return Ok(());
        }
        if value & (PANICKED | CRASH_LOADED) != 0 {
            self.panics.report(PanicSource::Pvpanic);
        }
        if value & SHUT_DOWN != 0 {
            self.exit.request(MachineExit::PowerOff);
        }
        Ok(())
    }
}

impl Device for PvPanic {
    fn slot(&self) -> Slot {
        PVPANIC
    }

    fn write_fdt_node(&self, fdt: &mut FdtWriter) -> Result<(), Error> {
        let node = fdt.begin_node(&PVPANIC.node_name("pvpanic"))?;
        fdt.property_string("compatible", "qemu,pvpanic-mmio")?;
        PVPANIC.write_properties(fdt)?;
        fdt.end_node(node)
    }
}

#[cfg(test)]
mod tests {
    use riscope_core::event::{DomainEventBus, Filter, Publisher, VmId};

    use super::*;
    use crate::watch::OnPanic;

    /// Number of panics, and exit of the machine, after writing `value` to `offset`.
    fn after(offset: u64, value: u64) -> (usize, Option<MachineExit>) {
        let bus = DomainEventBus::new();
        let events = bus.subscribe("test", Filter::all(), 4);
        let exit = Arc::<ExitLatch>::default();
        let panics = Panics::new(Publisher::new(VmId::default(), Some(bus)), OnPanic::Report, Arc::clone(&exit));
        let device = PvPanic::new(panics, Arc::clone(&exit));
        assert_eq!(device.read(0, Width::Byte), Ok(7));
        device.write(offset, Width::Byte, value).unwrap();
        (std::iter::from_fn(|| events.try_recv().ok()).count(), exit.get())
    }

    #[test]
    fn a_guest_that_panics_says_so_by_either_bit() {
        for (value, panics) in [(0, 0), (1, 1), (2, 1), (3, 1), (8, 0), (0xf0, 0)] {
            assert_eq!(after(0, value), (panics, None), "{value}");
        }
        assert_eq!(after(1, 3), (0, None));
    }

    #[test]
    fn a_guest_that_shuts_down_powers_off() {
        assert_eq!(after(0, 4), (0, Some(MachineExit::PowerOff)));
    }
}
