//! Allocation of guest RAM before the guest runs.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use riscope_core::addr::GuestPhys;
use riscope_core::mem::{GuestMemory, GuestRam};
use vm_memory::{Bytes, GuestAddress};

/// Errors of placing data in guest RAM.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlacementError {
    /// The address range is not in RAM.
    #[error(
        "{what} needs memory from {start:#x} to {end:#x}, but RAM is from {ram_start:#x} to {ram_end:#x}; give the machine more memory, or a file that is linked for it"
    )]
    OutsideRam {
        /// What was to be placed.
        what: String,
        /// First address.
        start: u64,
        /// End address, exclusive; saturated.
        end: u64,
        /// First address of RAM.
        ram_start: u64,
        /// End address of RAM, exclusive.
        ram_end: u64,
    },
    /// The address range is in use.
    #[error(
        "{what} overlaps {other} at {at:#x}; give the machine more memory, or use files that are linked for different addresses"
    )]
    Overlap {
        /// What was to be placed.
        what: String,
        /// What occupies it.
        other: String,
        /// First shared address.
        at: u64,
    },
    /// No free range below the address limit is large enough.
    #[error("no room for {what} of {len} bytes below {limit:#x}, where firmware can reach it; make it smaller")]
    NoRoomBelow {
        /// What was to be placed.
        what: String,
        /// Its length in bytes.
        len: u64,
        /// Exclusive upper limit of the address.
        limit: u64,
    },
    /// No free range is large enough.
    #[error("no room for {what} of {len} bytes; give the machine more memory")]
    NoRoom {
        /// What was to be placed.
        what: String,
        /// Its length in bytes.
        len: u64,
    },
}

/// Allocated ranges of guest RAM.
pub struct Placement {
    ram: Arc<GuestRam>,
    taken: Vec<(String, Range<u64>)>,
}

impl Placement {
    /// A placement with all of `ram` free.
    pub fn new(ram: Arc<GuestRam>) -> Self {
        Self { ram, taken: Vec::new() }
    }

    /// First address of RAM.
    pub fn ram_start(&self) -> u64 {
        self.ram.base().0
    }

    /// End address of RAM, exclusive.
    pub fn ram_end(&self) -> u64 {
        // Cannot overflow: checked when the RAM was mapped.
        self.ram.base().0 + self.ram.size()
    }

    /// Guest RAM.
    pub fn memory(&self) -> &GuestMemory {
        self.ram.memory()
    }

    /// Whether `[start, start + len)` is RAM.
    pub fn is_ram(&self, start: u64, len: u64) -> bool {
        self.ram.contains(GuestPhys(start), len)
    }

    /// Claims `[start, start + len)` for `what`.
    ///
    /// # Errors
    /// [`PlacementError`] unless it is entirely free RAM.
    pub fn claim(&mut self, what: &str, start: u64, len: u64) -> Result<(), PlacementError> {
        let outside = || PlacementError::OutsideRam {
            what: what.into(),
            start,
            end: start.saturating_add(len),
            ram_start: self.ram_start(),
            ram_end: self.ram_end(),
        };
        if !self.is_ram(start, len) {
            return Err(outside());
        }
        let range = start..start + len;
        if let Some((other, at)) = self.conflict(&range) {
            return Err(PlacementError::Overlap { what: what.into(), other: other.into(), at });
        }
        self.taken.push((what.into(), range));
        Ok(())
    }

    /// Claims `[start, start + len)` and copies `bytes` to its start. The rest stays zero.
    ///
    /// # Errors
    /// [`PlacementError`] unless it is entirely free RAM and holds `bytes`.
    pub fn load(&mut self, what: &str, start: u64, len: u64, bytes: &[u8]) -> Result<(), PlacementError> {
        self.claim(what, start, len.max(bytes.len() as u64))?;
        self.write(what, start, bytes)
    }

    /// Copies `bytes` to `start` without claiming the range.
    ///
    /// # Errors
    /// [`PlacementError::OutsideRam`].
    pub fn write(&self, what: &str, start: u64, bytes: &[u8]) -> Result<(), PlacementError> {
        self.memory().write_slice(bytes, GuestAddress(start)).map_err(|_| PlacementError::OutsideRam {
            what: what.into(),
            start,
            end: start.saturating_add(bytes.len() as u64),
            ram_start: self.ram_start(),
            ram_end: self.ram_end(),
        })
    }

    /// Claims the highest free range of `len` bytes that ends at or below `limit` and
    /// starts at a multiple of `align`, a power of two. Returns its start.
    ///
    /// # Errors
    /// [`PlacementError::NoRoom`], or [`PlacementError::NoRoomBelow`] if more RAM would not
    /// help.
    pub fn claim_high(&mut self, what: &str, len: u64, align: u64, limit: u64) -> Result<u64, PlacementError> {
        let reaches_limit = self.ram_end() >= limit;
        let no_room = || match reaches_limit {
            true => PlacementError::NoRoomBelow { what: what.into(), len, limit },
            false => PlacementError::NoRoom { what: what.into(), len },
        };
        let mut end = self.ram_end().min(limit);
        loop {
            let start = end.checked_sub(len).ok_or_else(no_room)? & !(align - 1);
            if start < self.ram_start() {
                return Err(no_room());
            }
            match self.taken.iter().find(|(_, range)| overlaps(range, &(start..start + len))) {
                // Terminates: every iteration ends below another claimed range.
                Some((_, range)) => end = range.start,
                None => {
                    self.taken.push((what.into(), start..start + len));
                    return Ok(start);
                }
            }
        }
    }

    fn conflict(&self, range: &Range<u64>) -> Option<(&str, u64)> {
        let (other, taken) = self.taken.iter().find(|(_, taken)| overlaps(taken, range))?;
        Some((other, taken.start.max(range.start)))
    }
}

fn overlaps(a: &Range<u64>, b: &Range<u64>) -> bool {
    a.start < b.end && b.start < a.end
}

impl fmt::Debug for Placement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Placement").field("ram", &self.ram).field("taken", &self.taken).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: u64 = 0x8000_0000;

    fn placement() -> Placement {
        Placement::new(Arc::new(GuestRam::new(GuestPhys(BASE), 0x1_0000).unwrap()))
    }

    #[test]
    fn overlaps_and_addresses_outside_ram_are_refused() {
        let mut placement = placement();
        placement.load("kernel", BASE + 0x1000, 0x1000, b"code").unwrap();
        let overlap = placement.claim("initrd", BASE, 0x1001).unwrap_err();
        assert_eq!(
            overlap,
            PlacementError::Overlap { what: "initrd".into(), other: "kernel".into(), at: BASE + 0x1000 }
        );
        assert!(placement.claim("initrd", BASE, 0x1000).is_ok());
        for (start, len) in [(BASE + 0xffff, 2), (BASE - 1, 1), (u64::MAX, u64::MAX), (BASE + 0x8000, u64::MAX)] {
            let outside = placement.load("file", start, len, b"").unwrap_err();
            assert!(matches!(outside, PlacementError::OutsideRam { .. }), "{start:#x}+{len:#x}");
        }
        let text = placement.load("file", BASE + 0xfff8, 1, b"too long for it").unwrap_err().to_string();
        assert!(text.contains("file") && text.contains("0x80010007"), "{text}");
    }

    #[test]
    fn high_places_are_filled_from_the_top_around_what_is_there() {
        let mut placement = placement();
        placement.claim("kernel", BASE + 0xc000, 0x1000).unwrap();
        assert_eq!(placement.claim_high("tree", 0x1800, 0x1000, u64::MAX), Ok(BASE + 0xe000));
        assert_eq!(placement.claim_high("initrd", 0x2000, 0x1000, u64::MAX), Ok(BASE + 0xa000));
        assert_eq!(placement.claim_high("small", 0x1000, 0x1000, u64::MAX), Ok(BASE + 0xd000));
        assert_eq!(placement.claim_high("low", 1, 1, BASE + 0x100), Ok(BASE + 0xff));
        let none = placement.claim_high("large", 0x9f02, 1, u64::MAX);
        assert_eq!(none, Err(PlacementError::NoRoom { what: "large".into(), len: 0x9f02 }));
        assert!(placement.claim_high("huge", u64::MAX, 1, u64::MAX).is_err());
        let limit = BASE + 0x1_0000;
        let none = placement.claim_high("large", 0x9f02, 1, limit);
        assert_eq!(none, Err(PlacementError::NoRoomBelow { what: "large".into(), len: 0x9f02, limit }));
    }
}
