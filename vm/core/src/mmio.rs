//! Routing of physical addresses to devices.

use std::fmt::Debug;
use std::sync::Arc;

use crate::addr::GuestPhys;

/// Width of a device access. Other sizes do not reach a device: the hart raises an access
/// fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// One byte.
    Byte = 1,
    /// Two bytes.
    Half = 2,
    /// Four bytes.
    Word = 4,
    /// Eight bytes.
    Double = 8,
}

impl Width {
    /// Width of `bytes` bytes, if it is one of them.
    pub fn from_bytes(bytes: usize) -> Option<Self> {
        match bytes {
            1 => Some(Self::Byte),
            2 => Some(Self::Half),
            4 => Some(Self::Word),
            8 => Some(Self::Double),
            _ => None,
        }
    }

    /// Number of bytes, 1 to 8.
    pub fn bytes(self) -> u64 {
        self as u64
    }

    /// Mask of the bits of this width.
    pub fn mask(self) -> u64 {
        u64::MAX >> (64 - 8 * self.bytes())
    }
}

/// The device has no register at this offset and width; the guest gets a load or store
/// access fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MmioFault;

/// Registers of a device. Harts call it concurrently from their own threads; a device does
/// its own locking.
pub trait MmioDevice: Send + Sync + Debug {
    /// Reads `width` bytes at `offset` from the device's base; the value is
    /// zero-extended.
    ///
    /// # Errors
    /// [`MmioFault`] where the device has no register of that width.
    fn read(&self, offset: u64, width: Width) -> Result<u64, MmioFault>;

    /// Writes the low `width` bytes of `value` at `offset` from the base.
    ///
    /// # Errors
    /// [`MmioFault`] where the device has no register of that width.
    fn write(&self, offset: u64, width: Width, value: u64) -> Result<(), MmioFault>;
}

/// Error of mapping a range that overlaps another device or wraps around.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("device range {base} + {size:#x} is empty, wraps around or overlaps another device")]
pub struct MmioOverlap {
    /// First address of the rejected range.
    pub base: GuestPhys,
    /// Its length in bytes.
    pub size: u64,
}

#[derive(Clone, Debug)]
struct MmioRange {
    base: u64,
    size: u64,
    device: Arc<dyn MmioDevice>,
}

/// Devices of a machine by physical address; immutable once harts run.
#[derive(Clone, Debug, Default)]
pub struct MmioMap {
    /// Sorted by base, without overlaps.
    ranges: Vec<MmioRange>,
}

impl MmioMap {
    /// Maps `device` at `base` for `size` bytes.
    ///
    /// # Errors
    /// [`MmioOverlap`] if the range is empty, wraps around or overlaps another.
    pub fn insert(&mut self, base: GuestPhys, size: u64, device: Arc<dyn MmioDevice>) -> Result<(), MmioOverlap> {
        let overlap = MmioOverlap { base, size };
        let end = base.checked_add(size).filter(|end| end.0 > base.0).ok_or(overlap)?.0;
        let at = self.ranges.partition_point(|range| range.base < base.0);
        let meets_next = self.ranges.get(at).is_some_and(|next| next.base < end);
        let meets_previous = at > 0 && self.ranges[at - 1].base + self.ranges[at - 1].size > base.0;
        if meets_next || meets_previous {
            return Err(overlap);
        }
        self.ranges.insert(at, MmioRange { base: base.0, size, device });
        Ok(())
    }

    /// Reads from the device at `addr`.
    ///
    /// # Errors
    /// [`MmioFault`] if no device is there, the access crosses its end, or the device
    /// refuses it.
    pub fn read(&self, addr: GuestPhys, width: Width) -> Result<u64, MmioFault> {
        let (device, offset) = self.find(addr, width)?;
        device.read(offset, width).map(|value| value & width.mask())
    }

    /// Writes to the device at `addr`.
    ///
    /// # Errors
    /// As for [`MmioMap::read`].
    pub fn write(&self, addr: GuestPhys, width: Width, value: u64) -> Result<(), MmioFault> {
        let (device, offset) = self.find(addr, width)?;
        device.write(offset, width, value & width.mask())
    }

    fn find(&self, addr: GuestPhys, width: Width) -> Result<(&dyn MmioDevice, u64), MmioFault> {
        let at = self.ranges.partition_point(|range| range.base <= addr.0);
        let range = self.ranges[..at].last().ok_or(MmioFault)?;
        let offset = addr.0 - range.base;
        let fits = offset < range.size && range.size - offset >= width.bytes();
        if fits { Ok((range.device.as_ref(), offset)) } else { Err(MmioFault) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Echo;

    impl MmioDevice for Echo {
        fn read(&self, offset: u64, _width: Width) -> Result<u64, MmioFault> {
            Ok(0xffff_ffff_ffff_0000 | offset)
        }

        fn write(&self, _offset: u64, _width: Width, _value: u64) -> Result<(), MmioFault> {
            Ok(())
        }
    }

    fn map_of(ranges: &[(u64, u64)]) -> Result<MmioMap, MmioOverlap> {
        let mut map = MmioMap::default();
        for &(base, size) in ranges {
            map.insert(GuestPhys(base), size, Arc::new(Echo))?;
        }
        Ok(map)
    }

    #[test]
    fn overlapping_empty_and_wrapping_ranges_are_refused() {
        assert!(map_of(&[(0x1000, 0x100), (0x1100, 0x100), (0xf00, 0x100)]).is_ok());
        assert!(map_of(&[(0x1000, 0x100), (0x10ff, 0x100)]).is_err());
        assert!(map_of(&[(0x1000, 0x100), (0xf01, 0x100)]).is_err());
        assert!(map_of(&[(0x1000, 0)]).is_err());
        assert!(map_of(&[(u64::MAX - 1, 3)]).is_err());
    }

    #[test]
    fn accesses_are_routed_masked_and_bounded() {
        let map = map_of(&[(0x1000, 0x10)]).unwrap();
        assert_eq!(map.read(GuestPhys(0x100c), Width::Word), Ok(0xffff_000c));
        assert_eq!(map.read(GuestPhys(0x100d), Width::Word), Err(MmioFault), "leaves the device");
        assert_eq!(map.read(GuestPhys(0x1010), Width::Byte), Err(MmioFault));
        assert_eq!(map.read(GuestPhys(0xfff), Width::Byte), Err(MmioFault));
        assert_eq!(map.write(GuestPhys(0x1000), Width::Double, 1), Ok(()));
    }
}
