//! Memory map: that of QEMU's `virt` machine, so that software built for it runs unchanged.
//! Devices that QEMU does not have use addresses and interrupt sources that it leaves free.
//!
//! ```text
//!  0x0010_0000  test device (power off, reboot)
//!  0x0010_1000  goldfish RTC                        source 11
//!  0x0010_2000  pvpanic
//!  0x0200_0000  CLINT (64 KiB)
//!  0x0c00_0000  PLIC (6 MiB)                        sources 1 to 95
//!  0x1000_0000  16550 UART                          source 10
//!  0x1000_1000  virtio-mmio slot 0 (4 KiB each)     source 1
//!       …
//!  0x1000_8000  virtio-mmio slot 7                  source 8
//!  0x1001_0000  power button (virtio input)         source 12
//!  0x8000_0000  RAM ─┬─ firmware, or nothing under the built-in SBI
//!  0x8020_0000       ├─ kernel
//!                    ├─ …
//!                    ├─ initrd
//!   end of RAM       └─ device tree
//! ```

use riscope_core::addr::GuestPhys;
use vm_fdt::{Error, FdtWriter};

/// Address range of a device and its PLIC source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// First physical address.
    pub base: u64,
    /// Size of the address range in bytes.
    pub size: u64,
    /// PLIC source, if the device has an interrupt.
    pub irq: Option<u32>,
}

impl Slot {
    /// First physical address, typed for the MMIO map.
    pub fn address(self) -> GuestPhys {
        GuestPhys(self.base)
    }

    /// Device-tree node name `kind@base`.
    pub fn node_name(self, kind: &str) -> String {
        format!("{kind}@{:x}", self.base)
    }

    /// Writes the `reg` property and, if the device has an interrupt, the `interrupts`
    /// properties.
    ///
    /// # Errors
    /// Those of the device-tree writer.
    pub fn write_properties(self, fdt: &mut FdtWriter) -> Result<(), Error> {
        fdt.property_array_u64("reg", &[self.base, self.size])?;
        if let Some(irq) = self.irq {
            fdt.property_u32("interrupt-parent", PLIC_PHANDLE)?;
            fdt.property_u32("interrupts", irq)?;
        }
        Ok(())
    }
}

/// Test device, by which the guest ends its machine.
pub const TEST_DEVICE: Slot = Slot { base: 0x10_0000, size: 0x1000, irq: None };
/// Goldfish real-time clock.
pub const RTC: Slot = Slot { base: 0x10_1000, size: 0x1000, irq: Some(11) };
/// pvpanic, by which a guest reports a panic.
pub const PVPANIC: Slot = Slot { base: 0x10_2000, size: 0x1000, irq: None };
/// Core-local interruptor: software interrupts and machine timers.
pub const CLINT: Slot = Slot { base: 0x200_0000, size: 0x1_0000, irq: None };
/// Platform-level interrupt controller.
pub const PLIC: Slot = Slot { base: 0xc00_0000, size: 0x60_0000, irq: None };
/// Serial port.
pub const UART: Slot = Slot { base: 0x1000_0000, size: 0x100, irq: Some(10) };

/// Number of virtio-mmio slots.
pub const VIRTIO_SLOTS: usize = 8;

/// Virtio-mmio slot `index`, 0 to 7.
pub fn virtio_slot(index: usize) -> Slot {
    debug_assert!(index < VIRTIO_SLOTS, "no such virtio slot");
    let step = u32::try_from(index).unwrap_or(u32::MAX);
    Slot { base: 0x1000_1000 + u64::from(step) * 0x1000, size: 0x1000, irq: Some(1 + step) }
}

/// Power button, separate from the slots available to other devices.
pub const POWER_BUTTON: Slot = Slot { base: 0x1001_0000, size: 0x1000, irq: Some(12) };

/// First address of RAM.
pub const RAM_BASE: u64 = 0x8000_0000;
/// Offset of kernels without one in their header: 2 MiB into RAM, above the firmware.
pub const KERNEL_OFFSET: u64 = 0x20_0000;
/// Upper limit of device tree and initrd, because firmware and boot loaders may use 32-bit
/// pointers.
pub const LOW_LIMIT: u64 = 1 << 32;

/// Device-tree phandle of the PLIC.
pub const PLIC_PHANDLE: u32 = 1;
/// Device-tree phandle of the test device.
pub const TEST_DEVICE_PHANDLE: u32 = 2;

/// Device-tree phandle of hart `hart`.
pub fn cpu_phandle(hart: usize) -> u32 {
    0x10 + u32::try_from(hart).unwrap_or(u32::MAX - 0x10)
}

/// Device-tree phandle of hart `hart`'s local interrupt controller.
pub fn cpu_intc_phandle(hart: usize) -> u32 {
    0x100 + u32::try_from(hart).unwrap_or(u32::MAX - 0x100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn virtio_slots_follow_each_other_from_source_one() {
        assert_eq!(virtio_slot(0), Slot { base: 0x1000_1000, size: 0x1000, irq: Some(1) });
        assert_eq!(virtio_slot(7), Slot { base: 0x1000_8000, size: 0x1000, irq: Some(8) });
    }
}
