//! Jump cache of one hart: virtual address to generated code, probed inline by computed
//! jumps; behind it, physical address to generated code.
//!
//! Direct-mapped by `pc`, with one table per privilege mode. The whole `pc` is the tag,
//! canonical address or not, so it has no spare bit for the mode. The table by physical
//! address is for what the others miss: its entries outlive changes of address translation.

use std::mem::offset_of;

use riscope_core::addr::{GuestPhys, PAGE_BYTES, PAGE_MASK, PAGE_SHIFT};
use riscope_core::hart::PrivilegeMode;

use crate::abi::offset;

const SLOTS: usize = 16_384;
const SLOT_BYTES: usize = size_of::<Entry>();

/// Left shift from a `pc` to the byte offset of its slot: instructions are two bytes apart,
/// slots sixteen.
pub(crate) const SLOT_SHIFT: u32 = SLOT_BYTES.trailing_zeros() - 1;
/// Mask of the slot offset.
pub(crate) const SLOT_MASK: i64 = offset((SLOTS - 1) * SLOT_BYTES) as i64;
/// Offset of the `pc` in a slot.
pub(crate) const PC: i32 = offset(offset_of!(Entry, pc));
/// Offset of the code address in a slot.
pub(crate) const CODE: i32 = offset(offset_of!(Entry, code));

/// Tag of an empty slot: no `pc` is odd.
const NO_PC: u64 = 1;

#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct Entry {
    pc: u64,
    code: *const u8,
}

const EMPTY: Entry = Entry { pc: NO_PC, code: std::ptr::null() };

/// Slots of one mode, with a record of those in use, so that clearing costs as much as was
/// inserted: kernels flush a page or the whole TLB thousands of times a second, and the
/// slots exceed a first-level cache.
#[derive(Debug)]
struct Table {
    slots: Box<[Entry; SLOTS]>,
    /// Slots filled since the last clear, with repetitions; treated as all slots once it is
    /// full.
    filled: Vec<u16>,
    /// Filter of the pages with entries: a bit per page number modulo [`PAGE_BITS`].
    pages: [u64; PAGE_BITS / 64],
}

/// Size of the page filter in bits.
const PAGE_BITS: usize = 4096;

impl Default for Table {
    fn default() -> Self {
        Self { slots: Box::new([EMPTY; SLOTS]), filled: Vec::with_capacity(SLOTS), pages: [0; PAGE_BITS / 64] }
    }
}

impl Table {
    fn insert(&mut self, pc: u64, code: *const u8) {
        let place = slot(pc);
        if self.slots[place].pc == NO_PC && self.filled.len() < SLOTS {
            self.filled.push(slot_number(pc));
        }
        self.slots[place] = Entry { pc, code };
        let (word, bit) = page_bit(pc);
        self.pages[word] |= bit;
    }

    fn forget_page(&mut self, page: u64) {
        const PAGE_SLOTS: usize = PAGE_BYTES / 2;
        let (word, bit) = page_bit(page);
        if self.pages[word] & bit == 0 {
            return;
        }
        let first = slot(page);
        for entry in &mut self.slots[first..first + PAGE_SLOTS] {
            if entry.pc & !PAGE_MASK == page {
                *entry = EMPTY;
            }
        }
    }

    fn clear(&mut self) {
        if self.filled.len() == SLOTS {
            self.slots.fill(EMPTY);
        }
        for place in self.filled.drain(..) {
            self.slots[usize::from(place)] = EMPTY;
        }
        self.pages.fill(0);
    }
}

/// Word and mask of a page's filter bit.
fn page_bit(address: u64) -> (usize, u64) {
    let number = (address >> PAGE_SHIFT) as usize % PAGE_BITS;
    (number / 64, 1 << (number % 64))
}

/// Jump cache of one hart.
#[derive(Debug, Default)]
pub(crate) struct JumpCache {
    user: Table,
    supervisor: Table,
    machine: Table,
    /// By physical address: what a change of address translation leaves valid.
    physical: Table,
}

// SAFETY: the pointers refer to code that lives as long as the code cache.
unsafe impl Send for JumpCache {}

impl JumpCache {
    fn table(&self, mode: PrivilegeMode) -> &Table {
        match mode {
            PrivilegeMode::User => &self.user,
            PrivilegeMode::Supervisor => &self.supervisor,
            PrivilegeMode::Machine => &self.machine,
        }
    }

    fn table_mut(&mut self, mode: PrivilegeMode) -> &mut Table {
        match mode {
            PrivilegeMode::User => &mut self.user,
            PrivilegeMode::Supervisor => &mut self.supervisor,
            PrivilegeMode::Machine => &mut self.machine,
        }
    }

    fn tables(&mut self) -> [&mut Table; 3] {
        [&mut self.user, &mut self.supervisor, &mut self.machine]
    }

    /// Address of the first slot for `mode`, for generated code.
    pub(crate) fn base(&mut self, mode: PrivilegeMode) -> *mut u8 {
        self.table_mut(mode).slots.as_mut_ptr().cast()
    }

    /// Code for `pc` in `mode`.
    pub(crate) fn get(&self, pc: u64, mode: PrivilegeMode) -> Option<*const u8> {
        let entry = self.table(mode).slots[slot(pc)];
        (entry.pc == pc).then_some(entry.code)
    }

    /// Adds the code for `pc` in `mode`.
    pub(crate) fn insert(&mut self, pc: u64, mode: PrivilegeMode, code: *const u8) {
        self.table_mut(mode).insert(pc, code);
    }

    /// Removes the entries of the page at virtual address `page`, in every mode.
    pub(crate) fn forget_page(&mut self, page: u64) {
        self.tables().into_iter().for_each(|table| table.forget_page(page));
    }

    /// Code for physical address `phys`.
    pub(crate) fn get_physical(&self, phys: GuestPhys) -> Option<*const u8> {
        let entry = self.physical.slots[slot(phys.0)];
        (entry.pc == phys.0).then_some(entry.code)
    }

    /// Remembers code for physical address `phys`.
    pub(crate) fn insert_physical(&mut self, phys: GuestPhys, code: *const u8) {
        self.physical.insert(phys.0, code);
    }

    /// Removes all entries by virtual address: they may translate differently.
    pub(crate) fn clear(&mut self) {
        self.tables().into_iter().for_each(Table::clear);
    }

    /// Removes all entries: there may be other code, or none.
    pub(crate) fn clear_code(&mut self) {
        self.clear();
        self.physical.clear();
    }
}

fn slot(pc: u64) -> usize {
    (pc >> 1) as usize & (SLOTS - 1)
}

/// Slot number as `filled` stores it.
#[expect(clippy::cast_possible_truncation, reason = "there are fewer slots than the type has values")]
fn slot_number(pc: u64) -> u16 {
    const _: () = assert!(SLOTS <= 1 << u16::BITS);
    slot(pc) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_do_not_see_each_others_entries() {
        let mut cache = JumpCache::default();
        let (user, supervisor) = (PrivilegeMode::User, PrivilegeMode::Supervisor);
        let code = std::ptr::dangling::<u8>();
        cache.insert(0x1000, user, code);
        assert_eq!(cache.get(0x1000, user), Some(code));
        assert_eq!(cache.get(0x1000, supervisor), None);
        assert_eq!(cache.get(0x1002, user), None);
        for bit in 0..64 {
            let elsewhere = 0x1000 ^ 1 << bit;
            assert_eq!(cache.get(elsewhere, supervisor), None, "bit {bit}");
            assert_eq!(cache.get(elsewhere, user), None, "bit {bit}");
        }
        cache.clear();
        assert_eq!(cache.get(0x1000, user), None);
    }

    #[test]
    fn a_page_is_forgotten_in_every_mode_and_no_other_page() {
        let mut cache = JumpCache::default();
        let (user, supervisor) = (PrivilegeMode::User, PrivilegeMode::Supervisor);
        let (code, high) = (std::ptr::dangling::<u8>(), 0xffff_ffff_8000_0000);
        cache.insert(0x1ffe, user, code);
        cache.insert(high, supervisor, code);
        cache.insert(0x3000, user, code);
        cache.forget_page(0x1000);
        assert_eq!(cache.get(0x1ffe, user), None);
        cache.forget_page(high);
        assert_eq!(cache.get(high, supervisor), None);
        assert_eq!(cache.get(0x3000, user), Some(code));
    }

    #[test]
    fn nothing_is_left_however_much_there_was() {
        let mut cache = JumpCache::default();
        let (mode, code) = (PrivilegeMode::Supervisor, std::ptr::dangling::<u8>());
        for pages in [1, 3, 1000] {
            let all = (0..pages * PAGE_BYTES as u64).step_by(10).map(|pc| pc * 2);
            for pc in all.clone() {
                cache.insert(pc, mode, code);
                cache.forget_page(pc & !PAGE_MASK);
                assert_eq!(cache.get(pc, mode), None);
                cache.insert(pc, mode, code);
                assert_eq!(cache.get(pc, mode), Some(code));
            }
            cache.clear();
            assert!(all.clone().all(|pc| cache.get(pc, mode).is_none()), "{pages} pages");
        }
    }

    #[test]
    fn the_offset_that_code_computes_is_the_slot() {
        for pc in [0u64, 2, 0x1ffe, 0x2000, 0xffff_ffff_8000_1234] {
            let offset = (pc << SLOT_SHIFT).cast_signed() & SLOT_MASK;
            assert_eq!(usize::try_from(offset).unwrap() / SLOT_BYTES, slot(pc));
        }
    }
}
