//! SiFive test device: a store ends the machine.
//!
//! The low half of the word at offset 0 selects how: 0x5555 powers off, 0x7777 resets,
//! 0x3333 fails with the exit code in the high half. Linux uses the first two through the
//! `syscon` nodes that this device writes.

use std::sync::Arc;

use riscope_core::mmio::{MmioDevice, MmioFault, Width};
use vm_fdt::{Error, FdtWriter};

use super::Device;
use crate::exit::{ExitLatch, MachineExit};
use crate::layout::{Slot, TEST_DEVICE, TEST_DEVICE_PHANDLE};

const POWER_OFF: u64 = 0x5555;
const RESET: u64 = 0x7777;
const FAILURE: u64 = 0x3333;

/// The test device.
#[derive(Debug)]
pub struct TestDevice {
    exit: Arc<ExitLatch>,
}

impl TestDevice {
    /// A test device that reports to `exit`.
    pub fn new(exit: Arc<ExitLatch>) -> Self {
        Self { exit }
    }
}

impl MmioDevice for TestDevice {
    fn read(&self, _offset: u64, _width: Width) -> Result<u64, MmioFault> {
        Ok(0)
    }

    fn write(&self, offset: u64, _width: Width, value: u64) -> Result<(), MmioFault> {
        if offset == 0 {
            match value & 0xffff {
                POWER_OFF => self.exit.request(MachineExit::PowerOff),
                RESET => self.exit.request(MachineExit::Reset),
                FAILURE => {
                    // Cannot fail: the mask leaves 16 bits.
                    let code = u32::try_from(value >> 16 & 0xffff).unwrap_or(u32::MAX);
                    self.exit.request(MachineExit::Failure(code));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl Device for TestDevice {
    fn slot(&self) -> Slot {
        TEST_DEVICE
    }

    fn write_fdt_node(&self, fdt: &mut FdtWriter) -> Result<(), Error> {
        let node = fdt.begin_node(&TEST_DEVICE.node_name("test"))?;
        let compatible = ["sifive,test1", "sifive,test0", "syscon"].map(String::from).to_vec();
        fdt.property_string_list("compatible", compatible)?;
        TEST_DEVICE.write_properties(fdt)?;
        fdt.property_phandle(TEST_DEVICE_PHANDLE)?;
        fdt.end_node(node)
    }
}

/// Writes the `/poweroff` and `/reboot` nodes that refer to the test device.
///
/// # Errors
/// Those of the device-tree writer.
pub fn write_syscon_nodes(fdt: &mut FdtWriter) -> Result<(), Error> {
    for (name, compatible, value) in [("poweroff", "syscon-poweroff", 0x5555), ("reboot", "syscon-reboot", 0x7777)] {
        let node = fdt.begin_node(name)?;
        fdt.property_string("compatible", compatible)?;
        fdt.property_u32("regmap", TEST_DEVICE_PHANDLE)?;
        fdt.property_u32("offset", 0)?;
        fdt.property_u32("value", value)?;
        fdt.end_node(node)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exit_after(value: u64) -> Option<MachineExit> {
        let exit = Arc::new(ExitLatch::new(Vec::new()));
        let device = TestDevice::new(Arc::clone(&exit));
        device.write(0, Width::Word, value).unwrap();
        exit.get()
    }

    #[test]
    fn stores_end_the_machine() {
        assert_eq!(exit_after(0x5555), Some(MachineExit::PowerOff));
        assert_eq!(exit_after(0x7777), Some(MachineExit::Reset));
        assert_eq!(exit_after(0x002a_3333), Some(MachineExit::Failure(42)));
        assert_eq!(exit_after(0x0000_1234), None);
    }

    #[test]
    fn other_offsets_do_nothing_and_all_widths_read_zero() {
        let exit = Arc::new(ExitLatch::new(Vec::new()));
        let device = TestDevice::new(Arc::clone(&exit));
        for offset in 1..TEST_DEVICE.size {
            for width in [Width::Byte, Width::Half, Width::Word, Width::Double] {
                assert_eq!(device.write(offset, width, 0x5555), Ok(()));
                assert_eq!(device.read(offset, width), Ok(0));
            }
        }
        assert_eq!(exit.get(), None);
    }
}
