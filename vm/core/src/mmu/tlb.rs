//! Software TLB, shared by the interpreter and generated code.
//!
//! A bank is direct-mapped by virtual page number, with separate entries for loads and
//! stores. An entry holds the *range* that it translates instead of a tag. A hit is
//!
//! ```text
//! offset = va - entry.start;   offset + size - 1 < entry.length
//! host   = va + entry.addend
//! ```
//!
//! in wrapping arithmetic. A misaligned access within the range therefore hits, one that
//! leaves the range misses, and a range may exceed a page: for loads from a superpage, up
//! to [`RANGE_LIMIT`] bytes per entry. Ranges are aligned to that limit, half of what the
//! index spans. This makes the single comparison sound: an access that straddles the
//! *start* of a range begins in a page whose slot never holds that range.
//!
//! There is a bank for each [`Context`], in part for each address space (`spaces.rs`), so that
//! entering and leaving the kernel switches a pointer and flushes nothing.

use std::ptr::NonNull;

use super::superpages::Superpages;
use crate::addr::{PAGE_SHIFT, PAGE_SIZE};

/// Entries in each half of a bank.
pub const TLB_ENTRIES: usize = 2048;
/// Largest range of one entry in bytes, and its alignment.
pub const RANGE_LIMIT: u64 = PAGE_SIZE * (TLB_ENTRIES as u64) / 2;

/// A translated range. Never hits if `length` is 0.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C, align(32))]
pub struct TlbEntry {
    /// First virtual address of the range.
    pub start: u64,
    /// Bytes in the range.
    pub length: u64,
    /// Host address minus virtual address, modulo 2^64.
    pub addend: u64,
}

/// Translations of one context.
#[derive(Debug)]
#[repr(C)]
pub struct TlbBank {
    /// By the low bits of the virtual page number.
    pub slots: [TlbSlot; TLB_ENTRIES],
}

/// Translations of the pages that share a slot. Both are on one cache line of the host.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C, align(64))]
pub struct TlbSlot {
    /// Range that loads may read.
    pub read: TlbEntry,
    /// Range that stores may write; never more than one page long.
    pub write: TlbEntry,
}

/// Permissions of data accesses; each set has its own bank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Context {
    User,
    Supervisor,
    /// S-mode with `mstatus.SUM`.
    SupervisorUserMemory,
    Machine,
}

/// Index of the slot for `va`.
#[inline(always)]
pub(crate) fn slot(va: u64) -> usize {
    (va >> PAGE_SHIFT) as usize & (TLB_ENTRIES - 1)
}

/// Slot number as the lists of used slots store it.
#[expect(clippy::cast_possible_truncation, reason = "there are fewer slots than the type has values")]
fn slot_number(va: u64) -> u16 {
    const _: () = assert!(TLB_ENTRIES <= 1 << u16::BITS);
    slot(va) as u16
}

impl TlbEntry {
    /// Host address of `[va, va + len)` if the range covers it.
    #[inline(always)]
    pub(crate) fn lookup(&self, va: u64, len: u64) -> Option<*mut u8> {
        let offset = va.wrapping_sub(self.start);
        if offset.wrapping_add(len - 1) < self.length {
            #[expect(clippy::cast_possible_truncation, reason = "hosts are 64-bit")]
            let host = va.wrapping_add(self.addend) as usize;
            Some(std::ptr::with_exposed_provenance_mut(host))
        } else {
            None
        }
    }
}

/// Owning pointer to a bank. The hart's state and generated code hold copies of it, so no
/// reference to the bank outlives a method here.
#[derive(Debug)]
struct Bank(NonNull<TlbBank>);

// SAFETY: it owns the allocation; the copies of the pointer move with the same hart.
unsafe impl Send for Bank {}

impl Bank {
    fn new() -> Self {
        let bank = Box::new(TlbBank { slots: [TlbSlot::default(); TLB_ENTRIES] });
        Self(NonNull::from(Box::leak(bank)))
    }

    fn read(&mut self, at: usize) -> &mut TlbEntry {
        // SAFETY: the bank lives as long as `self`. The hart that contains it is borrowed
        // mutably, so nothing else uses the bank.
        let slots = unsafe { &mut (*self.0.as_ptr()).slots };
        &mut slots[at].read
    }

    fn write(&mut self, at: usize) -> &mut TlbEntry {
        // SAFETY: as in `read`.
        let slots = unsafe { &mut (*self.0.as_ptr()).slots };
        &mut slots[at].write
    }
}

impl Drop for Bank {
    fn drop(&mut self) {
        // SAFETY: the pointer came from a box in `new`, and is freed once.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

/// Entries of a bank that others have displaced lately: programs alternate between pages that
/// share a slot, such as those of two large buffers, which allocators align alike.
#[derive(Debug, Default)]
struct Victims {
    entries: [TlbEntry; VICTIMS],
    /// The one that is replaced next.
    next: usize,
}

/// Number of displaced entries that are kept, for loads and for stores.
const VICTIMS: usize = 8;

impl Victims {
    fn add(&mut self, entry: TlbEntry) {
        if entry.length != 0 {
            self.entries[self.next] = entry;
            self.next = (self.next + 1) % VICTIMS;
        }
    }

    /// The entry that has `[va, va + len)`, which lies within one page.
    fn find(&mut self, va: u64, len: u64) -> Option<&mut TlbEntry> {
        self.entries.iter_mut().find(|entry| entry.lookup(va, len).is_some())
    }

    fn clear(&mut self) {
        *self = Self::default();
    }
}

/// A bank with the lists of used slots, which avoid touching every slot in a flush, and what was
/// displaced from it.
#[derive(Debug)]
pub(super) struct TlbContext {
    bank: Bank,
    used_reads: Vec<u16>,
    used_writes: Vec<u16>,
    displaced_reads: Victims,
    displaced_writes: Victims,
    pub(super) superpages: Superpages,
}

impl TlbContext {
    pub(super) fn new() -> Self {
        Self {
            bank: Bank::new(),
            used_reads: Vec::new(),
            used_writes: Vec::new(),
            displaced_reads: Victims::default(),
            displaced_writes: Victims::default(),
            superpages: Superpages::default(),
        }
    }

    /// The bank, at an address fixed for the life of the context.
    pub(super) fn bank(&self) -> *mut TlbBank {
        self.bank.0.as_ptr()
    }

    pub(super) fn fill_read(&mut self, va: u64, entry: TlbEntry) {
        let displaced = fill(self.bank.read(slot(va)), entry, &mut self.used_reads, slot_number(va));
        self.displaced_reads.add(displaced);
    }

    pub(super) fn fill_write(&mut self, va: u64, entry: TlbEntry) {
        let displaced = fill(self.bank.write(slot(va)), entry, &mut self.used_writes, slot_number(va));
        self.displaced_writes.add(displaced);
    }

    /// Puts an entry that has `[va, va + len)` back into its slot, if it was displaced lately.
    /// The bytes lie within one page. Returns their host address.
    pub(super) fn recall(&mut self, va: u64, len: u64, store: bool) -> Option<*mut u8> {
        let Self { bank, used_reads, used_writes, displaced_reads, displaced_writes, .. } = self;
        let (victims, place, used) = if store {
            (displaced_writes, bank.write(slot(va)), used_writes)
        } else {
            (displaced_reads, bank.read(slot(va)), used_reads)
        };
        let found = victims.find(va, len)?;
        *found = fill(place, *found, used, slot_number(va));
        place.lookup(va, len)
    }

    /// Flushes all translations.
    pub(super) fn flush(&mut self) {
        for at in self.used_reads.drain(..) {
            *self.bank.read(usize::from(at)) = TlbEntry::default();
        }
        self.displaced_reads.clear();
        self.flush_writes();
        self.superpages.clear();
    }

    /// Flushes the translations of stores.
    pub(super) fn flush_writes(&mut self) {
        for at in self.used_writes.drain(..) {
            *self.bank.write(usize::from(at)) = TlbEntry::default();
        }
        self.displaced_writes.clear();
    }

    /// Flushes the translation of `va`: its page, or all translations if it may be part of
    /// a superpage.
    pub(super) fn flush_address(&mut self, va: u64) {
        if self.superpages.contain(va) {
            return self.flush();
        }
        self.bank.read(slot(va)).length = 0;
        self.bank.write(slot(va)).length = 0;
        self.displaced_reads.clear();
        self.displaced_writes.clear();
    }
}

/// Fills slot `number`; records it as used if it was empty since the last flush. Returns what was
/// there.
fn fill(place: &mut TlbEntry, entry: TlbEntry, used: &mut Vec<u16>, number: u16) -> TlbEntry {
    if place.addend == 0 && place.start == 0 && place.length == 0 {
        used.push(number);
    }
    std::mem::replace(place, entry)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(start: u64, length: u64) -> TlbEntry {
        TlbEntry { start, length, addend: 0x7000_0000 }
    }

    #[test]
    fn hits_lie_wholly_in_the_range() {
        let e = entry(0x1000, 0x1000);
        assert!(e.lookup(0x1000, 1).is_some());
        assert!(e.lookup(0x1ff8, 8).is_some());
        assert!(e.lookup(0x1ffd, 2).is_some(), "misaligned inside the range");
        assert!(e.lookup(0x1ff9, 8).is_none());
        assert!(e.lookup(0x2000, 1).is_none());
        assert!(e.lookup(0xfff, 1).is_none());
        assert!(TlbEntry::default().lookup(0, 1).is_none());
        assert_eq!(e.lookup(0x1234, 4).map(|p| p.addr()), Some(0x7000_1234));
    }

    #[test]
    fn an_access_across_the_start_of_a_range_never_meets_it() {
        // The page before a range of RANGE_LIMIT bytes has a slot that no page of the range
        // has.
        for start in [RANGE_LIMIT, 2 * RANGE_LIMIT, 5 * RANGE_LIMIT] {
            let before = slot(start - 1);
            let inside = (0..RANGE_LIMIT / PAGE_SIZE).map(|n| slot(start + n * PAGE_SIZE));
            assert!(!inside.into_iter().any(|s| s == before));
        }
    }

    #[test]
    fn flushing_one_address_of_a_superpage_flushes_all_that_came_from_it() {
        let mut context = TlbContext::new();
        context.superpages.note(RANGE_LIMIT, RANGE_LIMIT);
        context.fill_read(RANGE_LIMIT, entry(RANGE_LIMIT, RANGE_LIMIT));
        context.fill_write(RANGE_LIMIT + PAGE_SIZE, entry(RANGE_LIMIT + PAGE_SIZE, PAGE_SIZE));
        context.fill_read(0x3000, entry(0x3000, PAGE_SIZE));
        context.flush_address(0x4000);
        assert!(context.bank.read(3).lookup(0x3000, 8).is_some());
        context.flush_address(RANGE_LIMIT + 7 * PAGE_SIZE);
        assert!(context.bank.read(slot(RANGE_LIMIT)).lookup(RANGE_LIMIT, 8).is_none());
        let written = RANGE_LIMIT + PAGE_SIZE;
        assert!(context.bank.write(slot(written)).lookup(written, 8).is_none());
    }

    /// Two pages that share a slot.
    const FIRST: u64 = 0x3000;
    const SECOND: u64 = FIRST + TLB_ENTRIES as u64 * PAGE_SIZE;

    /// A context in which the second page has displaced the first one.
    fn displaced() -> TlbContext {
        let mut context = TlbContext::new();
        for va in [FIRST, SECOND] {
            context.fill_read(va, entry(va, PAGE_SIZE));
            context.fill_write(va, entry(va, PAGE_SIZE));
        }
        context
    }

    #[test]
    fn what_was_displaced_comes_back_in_exchange() {
        let mut context = displaced();
        for _ in 0..3 * VICTIMS {
            for va in [FIRST, SECOND] {
                for store in [false, true] {
                    let host = context.recall(va + 8, 8, store).map(|host| host.addr() as u64);
                    assert_eq!(host, Some(va + 8 + 0x7000_0000));
                }
                let at = slot(va);
                assert!(
                    [context.bank.read(at).lookup(va, 8), context.bank.write(at).lookup(va, 8)]
                        .iter()
                        .all(Option::is_some)
                );
            }
        }
        assert_eq!(context.recall(FIRST - 8, 8, false), None);
        assert_eq!(context.recall(FIRST + PAGE_SIZE, 1, false), None);
    }

    #[test]
    fn nothing_that_was_flushed_comes_back() {
        let is_back = |mut context: TlbContext| [false, true].map(|store| context.recall(FIRST, 8, store).is_some());
        assert_eq!(is_back(displaced()), [true, true]);
        let mut context = displaced();
        context.flush_writes();
        assert_eq!(is_back(context), [true, false]);
        let mut context = displaced();
        context.flush();
        assert_eq!(is_back(context), [false, false]);
        let mut context = displaced();
        context.flush_address(FIRST);
        assert_eq!(is_back(context), [false, false]);
        let mut context = displaced();
        context.superpages.note(RANGE_LIMIT, RANGE_LIMIT);
        context.flush_address(RANGE_LIMIT);
        assert_eq!(is_back(context), [false, false]);
    }

    #[test]
    fn a_flush_empties_every_used_slot() {
        let mut context = TlbContext::new();
        context.fill_read(0, TlbEntry { start: 0, length: PAGE_SIZE, addend: 0 });
        context.fill_read(0x5000, entry(0x5000, PAGE_SIZE));
        context.fill_write(0x5000, entry(0x5000, PAGE_SIZE));
        context.flush_address(0x5000);
        context.fill_read(0x5000, entry(0x5000, PAGE_SIZE));
        context.flush();
        for page in 0..TLB_ENTRIES as u64 {
            let va = page << PAGE_SHIFT;
            context.fill_read(va, entry(va, PAGE_SIZE));
            context.fill_write(va, entry(va, PAGE_SIZE));
        }
        context.flush();
        let mut bank = context.bank;
        assert!((0..TLB_ENTRIES).all(|at| bank.read(at).length == 0 && bank.write(at).length == 0));
    }
}
