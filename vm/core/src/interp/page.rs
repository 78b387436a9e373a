//! Pre-decoded code of physical pages.

use std::collections::VecDeque;

use super::heat::Heat;
use super::line::{LINE_BYTES, LINE_SLOTS, Line};
use crate::addr::{GuestPhys, PAGE_BYTES, PAGE_SIZE, PageOffset};
use crate::mem::{GuestRam, access};

/// Number of 2-byte slots in a page, at each of which an instruction may start.
pub(super) const SLOTS: usize = PAGE_BYTES / 2;

/// Offsets of a page at which instructions have executed; code that never ran is not
/// translated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Executed([u64; SLOTS / 64]);

impl Executed {
    /// All offsets.
    pub const ALL: Self = Self([u64::MAX; SLOTS / 64]);

    /// Whether the instruction at `offset` has executed.
    pub fn contains(&self, offset: PageOffset) -> bool {
        let slot = offset.index() / 2;
        self.0.get(slot / 64).is_some_and(|word| word >> (slot % 64) & 1 != 0)
    }

    /// A bit for each 64 bytes of the page: whether an instruction has executed that starts there.
    pub fn pieces(&self) -> u64 {
        const PIECE_SLOTS: usize = SLOTS / 64;
        const PIECE: u64 = (1 << PIECE_SLOTS) - 1;
        let of_word = |word: u64| u64::from(word & PIECE != 0) | u64::from(word >> PIECE_SLOTS != 0) << 1;
        self.0.iter().rev().fold(0, |pieces, &word| pieces << 2 | of_word(word))
    }
}

impl Executed {
    /// Sets the bit of a slot of a line.
    fn add(&mut self, line: usize, slot: usize) {
        let slot = line * LINE_SLOTS + slot;
        self.0[slot / 64] |= 1 << (slot % 64);
    }

    /// Bits of the slots of a line.
    fn on(&self, line: usize) -> u64 {
        let first = line * LINE_SLOTS;
        self.0[first / 64] >> (first % 64) & LINE_BITS
    }

    fn clear(&mut self, line: usize) {
        let first = line * LINE_SLOTS;
        self.0[first / 64] &= !(LINE_BITS << (first % 64));
    }
}

impl Default for Executed {
    fn default() -> Self {
        Self([0; SLOTS / 64])
    }
}

/// What all pages of an interpreter share.
#[derive(Debug, Default)]
pub(super) struct Tables {
    pub(super) heat: Heat,
    /// Where the lines are, in the order in which they were decoded.
    pub(super) lines: VecDeque<Place>,
}

/// Where a line is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// [`DecodedPage::index`].
    pub(super) page: u16,
    line: u8,
}

/// A page of code, decoded by lines as far as it was executed and not evicted since.
#[derive(Debug)]
pub(super) struct DecodedPage {
    lines: [Option<Box<Line>>; LINES],
    /// Checksums of the lines that were evicted last: whether `executed` is still about the same
    /// code. As it is a hint, and heat is, two codes may have the same sum.
    sums: [u16; LINES],
    executed: Executed,
    /// Its index in the interpreter.
    pub(super) index: u16,
    /// Whether it was looked up by its number since pages were evicted last.
    pub(super) recent: bool,
    page: GuestPhys,
    host: *const u8,
    /// [`Hart::fetch_fences`](crate::hart::Hart::fetch_fences) when the lines were last known to be current.
    checked_at: u64,
    /// [`PageTracker::version`](crate::mem::PageTracker::version) before that.
    version: Option<u32>,
}

// SAFETY: `host` points into guest RAM, which the hart keeps alive longer than the
// interpreter's pages and which is shared between threads by design.
unsafe impl Send for DecodedPage {}

impl DecodedPage {
    /// The page of RAM at `page`, with nothing decoded. `None` outside of RAM, where
    /// execution is not supported.
    pub(super) fn new(ram: &GuestRam, page: GuestPhys, index: u16, fences: u64) -> Option<Self> {
        let host = ram.host_ptr(page, PAGE_SIZE)?.cast_const();
        Some(Self {
            lines: [const { None }; LINES],
            sums: [0; LINES],
            executed: Executed::default(),
            index,
            recent: true,
            page,
            host,
            checked_at: fences,
            version: ram.tracker().version(ram.page_index(page)?),
        })
    }

    /// Discards decoded instructions that a `fence.i` since the last check made stale.
    #[inline(always)]
    pub(super) fn refresh(&mut self, ram: &GuestRam, fences: u64, heat: &mut Heat) {
        if self.checked_at != fences {
            self.checked_at = fences;
            self.compare_if_written(ram, heat);
        }
    }

    #[cold]
    fn compare_if_written(&mut self, ram: &GuestRam, heat: &mut Heat) {
        let version = ram.page_index(self.page).and_then(|page| ram.tracker().version(page));
        if version.is_some() && version == self.version {
            return;
        }
        self.announce(ram);
        self.version = version;
        for n in 0..LINES {
            self.compare(n, heat);
        }
    }

    /// Tells the tracker before bytes of the page are read.
    fn announce(&self, ram: &GuestRam) {
        if let Some(page) = ram.page_index(self.page) {
            ram.tracker().set_decoded(page);
        }
    }

    fn compare(&mut self, n: usize, heat: &mut Heat) {
        if let Some(line) = &mut self.lines[n]
            && line.compare()
        {
            self.forget(n, heat);
        }
    }

    /// Forgets what was executed on a line, which has other code now.
    fn forget(&mut self, n: usize, heat: &mut Heat) {
        let executed = self.executed.on(n);
        self.executed.clear(n);
        for slot in (0..LINE_SLOTS).filter(|slot| executed >> slot & 1 != 0) {
            heat.cool(self.phys((n * LINE_BYTES + slot * 2) as u64));
        }
    }

    /// The line of `pc`, which is on this page.
    #[inline(always)]
    pub(super) fn line(&mut self, ram: &GuestRam, pc: u64, tables: &mut Tables) -> &mut Line {
        let n = line_number(pc);
        if self.lines[n].is_none() {
            self.fill(ram, n, tables);
        }
        // SAFETY: the line is there now.
        unsafe { self.lines[n].as_deref_mut().unwrap_unchecked() }
    }

    #[cold]
    #[inline(never)]
    fn fill(&mut self, ram: &GuestRam, n: usize, tables: &mut Tables) {
        self.announce(ram);
        // SAFETY: `new` asked for the whole page, and RAM is page-aligned.
        let line = unsafe { Line::new(self.host, n * LINE_BYTES) };
        if self.executed.on(n) != 0 && self.sums[n] != line.sum() {
            self.forget(n, &mut tables.heat);
        }
        tables.lines.push_back(Place { page: self.index, line: n as u8 });
        self.lines[n] = Some(line);
    }

    /// Drops the decoded instructions of a line. What was executed there stays known.
    pub(super) fn evict(&mut self, place: Place) {
        let n = usize::from(place.line);
        if let Some(line) = self.lines[n].take() {
            self.sums[n] = line.sum();
        }
    }

    /// An instruction is decoded when it is first executed.
    pub(super) fn executed(&self) -> &Executed {
        &self.executed
    }

    /// Physical address of virtual address `pc`, which is on this page.
    pub(super) fn phys(&self, pc: u64) -> GuestPhys {
        self.page.with_page_offset(PageOffset::of(pc))
    }

    /// Number of the physical page.
    pub(super) fn number(&self) -> u64 {
        self.page.page_number()
    }

    /// Decodes the instruction at `pc`.
    #[cold]
    pub(super) fn decode(&mut self, ram: &GuestRam, pc: u64, tables: &mut Tables) {
        let (n, slot) = (line_number(pc), line_slot(pc));
        if self.line(ram, pc, tables).is_stale(slot * 2) {
            self.compare(n, &mut tables.heat);
        }
        self.line(ram, pc, tables).decode(slot);
        self.executed.add(n, slot);
    }

    /// Half an instruction at even `pc`, which is on this page, as it is in memory now.
    pub(super) fn half(&self, pc: u64) -> u64 {
        let host = self.host.wrapping_add(PageOffset::of(pc).index());
        // SAFETY: `new` asked for the whole page, on which two bytes at an even offset are.
        unsafe { access::load_u16(host.cast_mut()) }
    }

    /// Bits of the instruction at `pc` as they were decoded; `None` if its second half is on
    /// the next page.
    pub(super) fn bits(&mut self, ram: &GuestRam, pc: u64, tables: &mut Tables) -> Option<u32> {
        self.line(ram, pc, tables).bits(line_slot(pc))
    }
}

/// Lines of a page.
const LINES: usize = PAGE_BYTES / LINE_BYTES;
/// A bit for each slot of a line.
const LINE_BITS: u64 = (1 << LINE_SLOTS) - 1;
const _: () = assert!(LINE_SLOTS == 32 && LINES <= 1 << u8::BITS);

#[inline(always)]
fn line_number(pc: u64) -> usize {
    PageOffset::of(pc).index() / LINE_BYTES
}

/// Slot of `pc` in its line.
#[inline(always)]
pub(super) fn line_slot(pc: u64) -> usize {
    PageOffset::of(pc).index() / 2 % LINE_SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_those_with_an_instruction_that_has_executed() {
        assert_eq!(Executed::default().pieces(), 0);
        assert_eq!(Executed::ALL.pieces(), u64::MAX);
        for offset in (0..PAGE_SIZE).step_by(2).map(PageOffset::of) {
            let mut executed = Executed::default();
            executed.add(offset.index() / LINE_BYTES, offset.index() % LINE_BYTES / 2);
            assert!(executed.contains(offset));
            assert_eq!(executed.pieces(), 1 << (offset.index() / 64), "{offset:?}");
        }
    }
}
