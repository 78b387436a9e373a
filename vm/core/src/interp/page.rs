//! Pre-decoded code of physical pages.

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
}

impl Default for Executed {
    fn default() -> Self {
        Self([0; SLOTS / 64])
    }
}

/// A page of code, decoded by lines as far as it was executed.
#[derive(Debug)]
pub(super) struct DecodedPage {
    lines: [Option<Box<Line>>; LINES],
    executed: Executed,
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
    pub(super) fn new(ram: &GuestRam, page: GuestPhys, fences: u64) -> Option<Self> {
        let host = ram.host_ptr(page, PAGE_SIZE)?.cast_const();
        Some(Self {
            lines: [const { None }; LINES],
            executed: Executed::default(),
            page,
            host,
            checked_at: fences,
            version: ram.tracker().version(ram.page_index(page)?),
        })
    }

    /// Discards decoded instructions that a `fence.i` since the last check made stale.
    #[inline(always)]
    pub(super) fn refresh(&mut self, ram: &GuestRam, fences: u64) {
        if self.checked_at != fences {
            self.checked_at = fences;
            self.compare_if_written(ram);
        }
    }

    #[cold]
    fn compare_if_written(&mut self, ram: &GuestRam) {
        let version = ram.page_index(self.page).and_then(|page| ram.tracker().version(page));
        if version.is_some() && version == self.version {
            return;
        }
        self.announce(ram);
        self.version = version;
        for n in 0..LINES {
            self.compare(n);
        }
    }

    /// Tells the tracker before bytes of the page are read.
    fn announce(&self, ram: &GuestRam) {
        if let Some(page) = ram.page_index(self.page) {
            ram.tracker().set_decoded(page);
        }
    }

    fn compare(&mut self, n: usize) {
        if let Some(line) = &mut self.lines[n]
            && line.compare()
        {
            self.executed.0[n] = 0;
        }
    }

    /// The line of `pc`, which is on this page. Counts a new one in `lines`.
    #[inline(always)]
    pub(super) fn line(&mut self, ram: &GuestRam, pc: u64, lines: &mut usize) -> &mut Line {
        let n = line_number(pc);
        if self.lines[n].is_none() {
            self.announce(ram);
            *lines += 1;
        }
        // SAFETY: `new` asked for the whole page, and RAM is page-aligned.
        self.lines[n].get_or_insert_with(|| unsafe { Line::new(self.host, n * LINE_BYTES) })
    }

    /// An instruction is decoded when it is first executed.
    pub(super) fn executed(&self) -> &Executed {
        &self.executed
    }

    /// Physical address of virtual address `pc`, which is on this page.
    pub(super) fn phys(&self, pc: u64) -> GuestPhys {
        self.page.with_page_offset(PageOffset::of(pc))
    }

    /// Decodes the instruction at `pc`.
    #[cold]
    pub(super) fn decode(&mut self, ram: &GuestRam, pc: u64, lines: &mut usize) {
        let (n, slot) = (line_number(pc), line_slot(pc));
        if self.line(ram, pc, lines).is_stale(slot * 2) {
            self.compare(n);
        }
        self.line(ram, pc, lines).decode(slot);
        // A line has as many slots as the word has bits.
        self.executed.0[n] |= 1 << slot;
    }

    /// Half an instruction at even `pc`, which is on this page, as it is in memory now.
    pub(super) fn half(&self, pc: u64) -> u64 {
        let host = self.host.wrapping_add(PageOffset::of(pc).index());
        // SAFETY: `new` asked for the whole page, on which two bytes at an even offset are.
        unsafe { access::load_u16(host.cast_mut()) }
    }

    /// Bits of the instruction at `pc` as they were decoded; `None` if its second half is on
    /// the next page.
    pub(super) fn bits(&mut self, ram: &GuestRam, pc: u64, lines: &mut usize) -> Option<u32> {
        self.line(ram, pc, lines).bits(line_slot(pc))
    }
}

/// Lines of a page.
const LINES: usize = PAGE_BYTES / LINE_BYTES;
const _: () = assert!(LINES == SLOTS / 64 && LINE_SLOTS == 64);

#[inline(always)]
fn line_number(pc: u64) -> usize {
    PageOffset::of(pc).index() / LINE_BYTES
}

/// Slot of `pc` in its line.
#[inline(always)]
pub(super) fn line_slot(pc: u64) -> usize {
    PageOffset::of(pc).index() / 2 % LINE_SLOTS
}
