//! Jump cache of one hart: virtual address to generated code, probed inline by computed
//! jumps; behind it, physical address to generated code.
//!
//! Direct-mapped by `pc`, with a table for each address space of fetches ([`FetchSpace`]): one
//! for M-mode, one for S-mode, and one for each `satp` that U-mode ran with lately. The whole
//! `pc` is the tag, canonical address or not. Tables start small and grow with what is
//! inserted. What is flushed while another space is in use is removed when the table is
//! entered. The table by physical address is for what the others miss: its entries outlive
//! changes of address translation.

use std::mem::offset_of;

use riscope_core::addr::{GuestPhys, PAGE_BYTES, PAGE_MASK, PAGE_SHIFT};
use riscope_core::hart::Hart;
use riscope_core::mmu::FetchSpace;

use crate::abi::offset;

/// Slots of a new table.
const FIRST_SLOTS: usize = 256;
/// By how much a table grows.
const GROWTH: usize = 4;
/// Largest number of slots of a table.
const MAX_SLOTS: usize = 16_384;
/// Largest number of slots of the table by physical address: 1 MiB.
const MAX_PHYSICAL: usize = 65_536;
/// Largest number of slots of all tables by virtual address: 4 MiB.
const ALL_SLOTS: usize = 16 * MAX_SLOTS;
const SLOT_BYTES: usize = size_of::<Entry>();

/// Left shift from a `pc` to the byte offset of its slot before it is masked: instructions are
/// two bytes apart, slots sixteen.
pub(crate) const PC_TO_SLOT: u32 = SLOT_BYTES.trailing_zeros() - 1;
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

/// Slots of one space, with a record of those in use, so that clearing costs as much as was
/// inserted: kernels flush a page or the whole TLB thousands of times a second, and the
/// slots exceed a first-level cache.
#[derive(Debug)]
struct Table {
    /// A power of two, at least [`FIRST_SLOTS`].
    slots: Vec<Entry>,
    /// Slots filled since the last clear, with repetitions; treated as all slots once it is as
    /// long as these.
    filled: Vec<u16>,
    /// Filter of the pages with entries: a bit per page number modulo [`PAGE_BITS`].
    pages: [u64; PAGE_BITS / 64],
    /// Generation of the address space that the entries are for.
    generation: u64,
    /// Flushes of the hart that are applied.
    epoch: u64,
    /// [`JumpCache::dropped`] when it was last cleared for that.
    dropped: u64,
    /// When it was last entered from another one.
    used: u64,
}

/// Size of the page filter in bits.
const PAGE_BITS: usize = 4096;

impl Default for Table {
    fn default() -> Self {
        Self {
            slots: vec![EMPTY; FIRST_SLOTS],
            filled: Vec::new(),
            pages: [0; PAGE_BITS / 64],
            generation: 0,
            epoch: 0,
            dropped: 0,
            used: 0,
        }
    }
}

impl Table {
    fn slot(&self, pc: u64) -> usize {
        (pc >> 1) as usize & (self.slots.len() - 1)
    }

    fn get(&self, pc: u64) -> Option<*const u8> {
        let entry = self.slots[self.slot(pc)];
        (entry.pc == pc).then_some(entry.code)
    }

    #[expect(clippy::cast_possible_truncation, reason = "there are fewer slots than the type has values")]
    fn insert(&mut self, pc: u64, code: *const u8) {
        const _: () = assert!(MAX_SLOTS <= MAX_PHYSICAL && MAX_PHYSICAL <= 1 << u16::BITS);
        let place = self.slot(pc);
        if self.slots[place].pc == NO_PC && self.filled.len() < self.slots.len() {
            self.filled.push(place as u16);
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
        let first = self.slot(page);
        let behind = self.slots.len().min(first + PAGE_SLOTS);
        for entry in &mut self.slots[first..behind] {
            if entry.pc & !PAGE_MASK == page {
                *entry = EMPTY;
            }
        }
    }

    fn clear(&mut self) {
        if self.filled.len() == self.slots.len() {
            self.slots.fill(EMPTY);
        }
        for place in self.filled.drain(..) {
            self.slots[usize::from(place)] = EMPTY;
        }
        self.pages.fill(0);
    }

    /// Whether it is so full that entries replace each other.
    fn is_full(&self) -> bool {
        self.filled.len() >= self.slots.len() / 2
    }

    /// Gives it another number of slots and keeps what it holds.
    fn resize(&mut self, slots: usize) {
        let old = std::mem::replace(&mut self.slots, vec![EMPTY; slots]);
        self.filled = Vec::new();
        for entry in old.into_iter().filter(|entry| entry.pc != NO_PC) {
            self.insert(entry.pc, entry.code);
        }
    }

    /// Makes room for more if it is full and may have as many slots.
    fn grow(&mut self, most: usize) {
        let slots = self.slots.len() * GROWTH;
        if self.is_full() && slots <= most {
            self.resize(slots);
        }
    }
}

/// Word and mask of a page's filter bit.
fn page_bit(address: u64) -> (usize, u64) {
    let number = (address >> PAGE_SHIFT) as usize % PAGE_BITS;
    (number / 64, 1 << (number % 64))
}

/// What generated code needs to probe a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Probe {
    /// Address of the first slot.
    pub(crate) base: u64,
    /// Mask of the byte offset of a slot.
    pub(crate) mask: u64,
}

/// Jump cache of one hart.
#[derive(Debug)]
pub(crate) struct JumpCache {
    /// By [`FetchSpace::index`].
    tables: Vec<Table>,
    /// Index of the one that was entered last.
    current: usize,
    /// Number of times that another one was entered.
    entered: u64,
    /// Slots of all of them.
    slots: usize,
    /// Number of times that all entries were removed.
    dropped: u64,
    /// By physical address: what a change of address translation leaves valid.
    physical: Table,
}

// SAFETY: the pointers refer to code that lives as long as the code cache.
unsafe impl Send for JumpCache {}

impl Default for JumpCache {
    fn default() -> Self {
        Self {
            tables: (0..FetchSpace::COUNT).map(|_| Table::default()).collect(),
            current: FetchSpace::MACHINE,
            entered: 0,
            slots: FetchSpace::COUNT * FIRST_SLOTS,
            dropped: 0,
            physical: Table::default(),
        }
    }
}

impl JumpCache {
    /// Enters the table for the hart's fetches, and removes what was flushed since it was last
    /// entered. To be called after whatever may have changed address space or translations.
    /// Returns whether code that was reached before may go on: it is in the same space, and no
    /// page of code was flushed.
    pub(crate) fn enter(&mut self, hart: &Hart) -> bool {
        let space = hart.fetch_space();
        let mut same = self.open(space);
        let epoch = hart.translation_epoch();
        let table = &mut self.tables[space.index];
        if table.epoch != epoch {
            match hart.flushed_since(table.epoch) {
                Some(flushes) => {
                    for flushed in flushes.filter(|flushed| flushed.code && flushed.concerns(space.generation)) {
                        table.forget_page(flushed.page);
                        same = false;
                    }
                }
                None => {
                    table.clear();
                    same = false;
                }
            }
            table.epoch = epoch;
        }
        same
    }

    /// Makes the table of `space` the current one, without entries of another generation.
    /// Returns whether it was.
    fn open(&mut self, space: FetchSpace) -> bool {
        let table = &mut self.tables[space.index];
        let same = self.current == space.index && table.generation == space.generation;
        if self.current != space.index {
            self.entered += 1;
            table.used = self.entered;
            self.current = space.index;
        }
        if table.generation != space.generation || table.dropped != self.dropped {
            table.clear();
            (table.generation, table.dropped) = (space.generation, self.dropped);
        }
        same
    }

    /// What generated code needs to probe the current table; changes when something is inserted.
    pub(crate) fn probe(&mut self) -> Probe {
        let slots = &mut self.tables[self.current].slots;
        let mask = ((slots.len() - 1) * SLOT_BYTES) as u64;
        Probe { base: slots.as_mut_ptr().expose_provenance() as u64, mask }
    }

    /// Code for `pc` in the current space.
    pub(crate) fn get(&self, pc: u64) -> Option<*const u8> {
        self.tables[self.current].get(pc)
    }

    /// Adds the code for `pc` in the current space.
    pub(crate) fn insert(&mut self, pc: u64, code: *const u8) {
        let table = &mut self.tables[self.current];
        if table.is_full() && table.slots.len() < MAX_SLOTS {
            self.grow();
        }
        self.tables[self.current].insert(pc, code);
    }

    /// Makes the current table larger; the one that was not entered for longest gives up its
    /// slots for that, if there are too many.
    #[cold]
    fn grow(&mut self) {
        let current = self.current;
        let more = self.tables[current].slots.len() * (GROWTH - 1);
        while self.slots + more > ALL_SLOTS {
            let others = self.tables.iter_mut().enumerate().filter(|(at, _)| *at != current).map(|(_, table)| table);
            let large = others.filter(|table| table.slots.len() > FIRST_SLOTS);
            let Some(oldest) = large.min_by_key(|table| table.used) else { return };
            self.slots -= oldest.slots.len() - FIRST_SLOTS;
            oldest.clear();
            oldest.resize(FIRST_SLOTS);
        }
        self.tables[current].grow(MAX_SLOTS);
        self.slots += more;
    }

    /// Code for physical address `phys`.
    pub(crate) fn get_physical(&self, phys: GuestPhys) -> Option<*const u8> {
        self.physical.get(phys.0)
    }

    /// Remembers code for physical address `phys`.
    pub(crate) fn insert_physical(&mut self, phys: GuestPhys, code: *const u8) {
        self.physical.grow(MAX_PHYSICAL);
        self.physical.insert(phys.0, code);
    }

    /// Removes all entries: there may be other code, or none.
    pub(crate) fn clear_code(&mut self) {
        self.dropped += 1;
        let table = &mut self.tables[self.current];
        table.clear();
        table.dropped = self.dropped;
        self.physical.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn space(index: usize, generation: u64) -> FetchSpace {
        FetchSpace { index, generation }
    }

    const SUPERVISOR: FetchSpace = space(FetchSpace::SUPERVISOR, 1);
    const USER: FetchSpace = space(2, 2);
    const OTHER_USER: FetchSpace = space(3, 3);

    fn code(n: usize) -> *const u8 {
        std::ptr::without_provenance(n)
    }

    #[test]
    fn spaces_do_not_see_each_others_entries() {
        let mut cache = JumpCache::default();
        cache.open(USER);
        cache.insert(0x1000, code(1));
        assert_eq!(cache.get(0x1000), Some(code(1)));
        assert_eq!(cache.get(0x1002), None);
        for bit in 0..64 {
            let elsewhere = 0x1000 ^ 1 << bit;
            cache.open(USER);
            assert_eq!(cache.get(elsewhere), None, "bit {bit}");
            for other in [SUPERVISOR, OTHER_USER] {
                cache.open(other);
                assert_eq!(cache.get(elsewhere), None, "bit {bit}");
            }
        }
        cache.open(USER);
        assert_eq!(cache.get(0x1000), Some(code(1)), "they are kept");
    }

    #[test]
    fn a_space_of_another_generation_starts_empty() {
        let mut cache = JumpCache::default();
        cache.open(USER);
        cache.insert(0x1000, code(1));
        assert!(cache.open(USER));
        assert!(!cache.open(space(USER.index, 9)));
        assert_eq!(cache.get(0x1000), None);
        cache.open(USER);
        assert_eq!(cache.get(0x1000), None);
    }

    #[test]
    fn code_that_is_dropped_is_forgotten_in_every_space() {
        let mut cache = JumpCache::default();
        for space in [USER, OTHER_USER, SUPERVISOR] {
            cache.open(space);
            cache.insert(0x1000, code(1));
        }
        cache.insert_physical(GuestPhys(0x1000), code(1));
        cache.clear_code();
        assert_eq!(cache.get_physical(GuestPhys(0x1000)), None);
        for space in [SUPERVISOR, USER, OTHER_USER] {
            cache.open(space);
            assert_eq!(cache.get(0x1000), None);
        }
    }

    #[test]
    fn a_page_is_forgotten_and_no_other_page() {
        let mut table = Table::default();
        let high = 0xffff_ffff_8000_0000;
        for slots in [FIRST_SLOTS, MAX_SLOTS] {
            table.resize(slots);
            table.insert(0x1ffe, code(1));
            table.insert(high, code(1));
            table.insert(0x3002, code(1));
            table.forget_page(0x1000);
            assert_eq!(table.get(0x1ffe), None);
            table.forget_page(high);
            assert_eq!(table.get(high), None);
            assert_eq!(table.get(0x3002), Some(code(1)));
        }
    }

    #[test]
    fn nothing_is_left_however_much_there_was() {
        let mut cache = JumpCache::default();
        for (generation, pages) in [(1, 1), (2, 3), (3, 1000)] {
            cache.open(space(FetchSpace::SUPERVISOR, generation));
            let all = (0..pages * PAGE_BYTES as u64).step_by(10).map(|pc| pc * 2);
            for pc in all.clone() {
                cache.insert(pc, code(1));
                cache.tables[cache.current].forget_page(pc & !PAGE_MASK);
                assert_eq!(cache.get(pc), None);
                cache.insert(pc, code(1));
                assert_eq!(cache.get(pc), Some(code(1)));
            }
            cache.open(space(FetchSpace::SUPERVISOR, 100 + generation));
            assert!(all.clone().all(|pc| cache.get(pc).is_none()), "{pages} pages");
        }
    }

    #[test]
    fn a_table_grows_with_what_it_holds_and_keeps_it() {
        let mut cache = JumpCache::default();
        cache.open(USER);
        for n in 0..MAX_SLOTS / 4 {
            cache.insert(n as u64 * 2, code(n));
        }
        assert!((0..MAX_SLOTS / 4).all(|n| cache.get(n as u64 * 2) == Some(code(n))));
        assert!(cache.tables[USER.index].slots.len() > FIRST_SLOTS);
        assert_eq!(cache.tables[OTHER_USER.index].slots.len(), FIRST_SLOTS);
    }

    #[test]
    fn tables_together_have_a_limit_and_the_longest_unused_yields() {
        let mut cache = JumpCache::default();
        for index in 0..FetchSpace::COUNT {
            cache.open(space(index, index as u64 + 1));
            (0..MAX_SLOTS).for_each(|n| cache.insert(n as u64 * 2, code(n)));
            let slots = |cache: &JumpCache| cache.tables.iter().map(|table| table.slots.len()).sum::<usize>();
            assert_eq!(slots(&cache), cache.slots);
            assert!(cache.slots <= ALL_SLOTS);
            assert_eq!(cache.tables[index].slots.len(), MAX_SLOTS, "table {index}");
        }
        cache.open(space(0, 1));
        assert_eq!(cache.get(0), None);
        cache.open(space(FetchSpace::COUNT - 1, FetchSpace::COUNT as u64));
        assert_eq!(cache.get(0), Some(code(0)));
    }

    #[test]
    fn the_offset_that_code_computes_is_the_slot() {
        let mut cache = JumpCache::default();
        cache.open(USER);
        for slots in [FIRST_SLOTS, MAX_SLOTS] {
            cache.tables[USER.index].resize(slots);
            for pc in [0u64, 2, 0x1ffe, 0x2000, 0xffff_ffff_8000_1234] {
                let offset = pc << PC_TO_SLOT & cache.probe().mask;
                assert_eq!(usize::try_from(offset).unwrap() / SLOT_BYTES, cache.tables[USER.index].slot(pc));
            }
        }
    }
}
