//! Reading of guest virtual memory by observers, without effect on the guest.
//!
//! A [`Peek`] walks the page tables of one address space as the hart would, but sets no accessed or
//! dirty bit, fills no TLB, raises no exception, and reads RAM only, never a device. It needs no hart,
//! so that any thread can use it while the guest executes; what it reads may then be changing.

use super::PagingMode;
use super::walk::{LEVEL_BITS, PPN_MASK, pte};
use crate::addr::{GuestPhys, PAGE_MASK, PAGE_SHIFT, PAGE_SIZE, to_usize};
use crate::mem::{GuestRam, access as raw};

/// Readable view of the address space of a `satp` value.
#[derive(Clone, Copy, Debug)]
pub struct Peek<'a> {
    ram: &'a GuestRam,
    satp: u64,
}

impl<'a> Peek<'a> {
    /// View of the address space of `satp`; of physical memory if that selects no page tables,
    /// as 0 does.
    #[must_use]
    pub fn new(ram: &'a GuestRam, satp: u64) -> Self {
        Self { ram, satp }
    }

    /// Physical address of `va`, and the number of bytes from it to the end of its page or
    /// superpage. `None` if no valid entry maps it.
    #[must_use]
    pub fn translate(&self, va: u64) -> Option<(GuestPhys, u64)> {
        let levels = match PagingMode::from_satp(self.satp)? {
            PagingMode::Bare => return Some((GuestPhys(va), PAGE_SIZE - (va & PAGE_MASK))),
            PagingMode::Levels(levels) => levels,
        };
        let unused = 64 - (PAGE_SHIFT + LEVEL_BITS * levels);
        if (va.cast_signed() << unused >> unused).cast_unsigned() != va {
            return None;
        }
        let mut table = (self.satp & PPN_MASK) << PAGE_SHIFT;
        for level in (0..levels).rev() {
            let shift = PAGE_SHIFT + LEVEL_BITS * level;
            let index = va >> shift & ((1 << LEVEL_BITS) - 1);
            let entry = self.physical_u64(GuestPhys(table + index * 8))?;
            if entry & pte::VALID == 0 || entry & (pte::READ | pte::WRITE) == pte::WRITE {
                return None;
            }
            let target = (entry >> pte::PPN_SHIFT & pte::PPN) << PAGE_SHIFT;
            if entry & (pte::READ | pte::EXECUTE) == 0 {
                table = target;
                continue;
            }
            let size = 1u64 << shift;
            let offset = va & (size - 1);
            return (target & (size - 1) == 0).then_some((GuestPhys(target + offset), size - offset));
        }
        None
    }

    /// Fills `out` from `va` on; returns how many bytes there are before the first that cannot be
    /// read.
    pub fn read(&self, va: u64, out: &mut [u8]) -> usize {
        let mut done = 0;
        while done < out.len() {
            let Some(at) = va.checked_add(done as u64) else { break };
            let Some((phys, left)) = self.translate(at) else { break };
            let length = to_usize(left.min(PAGE_SIZE - (at & PAGE_MASK))).min(out.len() - done);
            let Some(host) = self.ram.host_ptr(phys, length as u64) else { break };
            for (offset, byte) in out[done..done + length].iter_mut().enumerate() {
                // SAFETY: `host_ptr` returns a pointer to `length` bytes of guest RAM.
                *byte = unsafe { raw::load_u8(host.wrapping_add(offset)) }.to_le_bytes()[0];
            }
            done += length;
        }
        done
    }

    /// Doubleword at `va`, if all of it can be read.
    #[must_use]
    pub fn read_u64(&self, va: u64) -> Option<u64> {
        let mut bytes = [0; 8];
        (self.read(va, &mut bytes) == bytes.len()).then(|| u64::from_le_bytes(bytes))
    }

    fn physical_u64(&self, at: GuestPhys) -> Option<u64> {
        let host = self.ram.host_ptr(at, 8)?;
        // SAFETY: `host_ptr` returns a pointer to 8 bytes of guest RAM.
        Some(unsafe { raw::load_u64(host) })
    }
}

#[cfg(test)]
mod tests {
    use vm_memory::{Bytes, GuestAddress};

    use super::*;

    const RAM: u64 = 0x8000_0000;
    const SATP: u64 = 8 << 60 | (RAM + 0x1000) >> PAGE_SHIFT;

    /// Sv39 tables at RAM + 0x1000 to 0x3000. Pages 1 and 2 are those at RAM + 0x6000 and 0x5000,
    /// without accessed and dirty bits; page 3 is a device's, and 4 is not mapped.
    fn ram() -> GuestRam {
        let ram = GuestRam::new(GuestPhys(RAM), 0x8000).unwrap();
        let entry = |offset: u64, target: u64, bits: u64| {
            ram.memory().write_obj(target >> 2 | bits, GuestAddress(RAM + offset)).unwrap();
        };
        entry(0x1000, RAM + 0x2000, pte::VALID);
        entry(0x2000, RAM + 0x3000, pte::VALID);
        entry(0x3008, RAM + 0x6000, pte::VALID | pte::READ);
        entry(0x3010, RAM + 0x5000, pte::VALID | pte::EXECUTE | pte::USER);
        entry(0x3018, 0x1000_0000, pte::VALID | pte::READ);
        ram.memory().write_slice(b"first", GuestAddress(RAM + 0x6ffb)).unwrap();
        ram.memory().write_slice(b"second", GuestAddress(RAM + 0x5000)).unwrap();
        ram
    }

    #[test]
    fn what_is_mapped_is_read_across_pages_and_no_entry_changes() {
        let ram = ram();
        let peek = Peek::new(&ram, SATP);
        let mut bytes = [0; 11];
        assert_eq!(peek.read(0x1ffb, &mut bytes), 11);
        assert_eq!(&bytes, b"firstsecond");
        assert_eq!(peek.translate(0x2004), Some((GuestPhys(RAM + 0x5004), 0xffc)));
        let entries: Vec<u64> =
            (1..4).map(|index| ram.memory().read_obj(GuestAddress(RAM + 0x3000 + index * 8)).unwrap()).collect();
        assert!(entries.iter().all(|entry| entry & (pte::ACCESSED | pte::DIRTY) == 0), "{entries:x?}");
    }

    #[test]
    fn reading_ends_at_what_is_no_ram() {
        let ram = ram();
        let peek = Peek::new(&ram, SATP);
        let mut bytes = [0; 16];
        assert_eq!(peek.read(0x2ff8, &mut bytes), 8, "a device follows");
        assert_eq!(peek.read(0x4000, &mut bytes), 0, "nothing is mapped");
        assert_eq!(peek.read_u64(0x2ff8), Some(0));
        assert_eq!(peek.read_u64(0x2ffc), None);
        assert_eq!(peek.translate(1 << 38), None, "no Sv39 address");
        assert_eq!(peek.read(u64::MAX - 3, &mut bytes), 0);
    }

    #[test]
    fn without_page_tables_addresses_are_physical_and_nonsense_is_nothing() {
        let ram = ram();
        let mut bytes = [0; 6];
        assert_eq!(Peek::new(&ram, 0).read(RAM + 0x5000, &mut bytes), 6);
        assert_eq!(&bytes, b"second");
        assert_eq!(Peek::new(&ram, 0).read(0, &mut bytes), 0);
        for satp in [8 << 60, 8 << 60 | PPN_MASK, 15 << 60, u64::MAX] {
            assert_eq!(Peek::new(&ram, satp).read(0x1000, &mut bytes), 0, "{satp:#x}");
        }
    }
}
