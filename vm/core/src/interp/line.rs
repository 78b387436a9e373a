//! Pre-decoded code of 64 bytes.

use super::fetch::uncached;
use super::{Flow, Handler, handler};
use crate::addr::PAGE_BYTES;
use crate::hart::Hart;
use crate::isa::{Operands, decode};
use crate::mem::access;

/// Guest bytes of a line. Of twice as many, half as many slots would be used.
pub(super) const LINE_BYTES: usize = 64;

/// Number of 2-byte slots in a line, at each of which an instruction may start.
pub(super) const LINE_SLOTS: usize = LINE_BYTES / 2;

/// Bytes of the instruction half that may stand behind a line.
const BEHIND: usize = 2;

/// Odd factor of checksums.
const SUM_FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// A decoded instruction with its handler.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cell {
    pub(super) handler: Handler,
    pub(super) operands: Operands,
}

const UNDECODED: Cell = Cell { handler: undecoded, operands: Operands::UNDECODED };

/// Stands for an instruction whose second half is on the next page.
const CROSSING: Cell = Cell { handler: uncached, operands: Operands::NONE };

/// A line of code: a copy of its bytes and the instructions decoded from it.
///
/// The copy makes `fence.i` cheap and exact: decoded instructions always match the copy,
/// and the first execution after a fence compares the copy with RAM. The first execution of
/// each instruction compares it as well: new code on a line that has executed code already
/// needs no fence before its first fetch.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) cells: [Cell; LINE_SLOTS],
    /// Slots at which no block is reported as hot.
    frozen: u32,
    /// The line and what is behind it on its page.
    bytes: [u8; LINE_BYTES + BEHIND],
    /// How many of `bytes` there are.
    len: u8,
    host: *const u8,
}

// SAFETY: `host` points into guest RAM, which the hart keeps alive longer than the
// interpreter's pages and which is shared between threads by design.
unsafe impl Send for Line {}

impl Line {
    /// The line at offset `at` of the page of RAM at `page`, with nothing decoded.
    ///
    /// # Safety
    /// `page` is the page-aligned address of a page of guest RAM that outlives the line.
    pub(super) unsafe fn new(page: *const u8, at: usize) -> Box<Self> {
        let len = (LINE_BYTES + BEHIND).min(PAGE_BYTES - at);
        let mut line = Box::new(Self {
            cells: [UNDECODED; LINE_SLOTS],
            frozen: 0,
            bytes: [0; LINE_BYTES + BEHIND],
            len: len as u8,
            host: page.wrapping_add(at),
        });
        line.bytes = line.now();
        line
    }

    fn len(&self) -> usize {
        usize::from(self.len)
    }

    /// What is in RAM now.
    fn now(&self) -> [u8; LINE_BYTES + BEHIND] {
        let mut now = [0; LINE_BYTES + BEHIND];
        // SAFETY: the bytes are on the page that `new` was promised.
        unsafe { access::copy_out(self.host, &mut now[..self.len()]) };
        now
    }

    /// Compares the copy with RAM and renews it. Discards the decoded instructions if one
    /// of them has changed, and says so.
    pub(super) fn compare(&mut self) -> bool {
        // SAFETY: as in `now`.
        if unsafe { access::holds(self.host, &self.bytes[..self.len()]) } {
            return false;
        }
        let now = self.now();
        let changed = self.has_other_code(&now);
        if changed {
            self.cells = [UNDECODED; LINE_SLOTS];
            self.frozen = 0;
        }
        self.bytes = now;
        changed
    }

    /// Whether a decoded instruction differs in `now`; data beside code may.
    fn has_other_code(&self, now: &[u8; LINE_BYTES + BEHIND]) -> bool {
        self.cells.iter().enumerate().filter(|(_, cell)| !cell.operands.is_undecoded()).any(|(slot, cell)| {
            let at = slot * 2;
            let len = if cell.operands.length() == 2 { 2 } else { 4 };
            now[at..at + len] != self.bytes[at..at + len]
        })
    }

    /// Whether the four bytes at offset `at` (two at the end of the page) differ in RAM.
    pub(super) fn is_stale(&self, at: usize) -> bool {
        let known = &self.bytes[at..(at + 4).min(self.len())];
        let mut now = [0; 4];
        let now = &mut now[..known.len()];
        // SAFETY: as in `now`, and `at` and the length stay within the bytes.
        unsafe { access::copy_out(self.host.wrapping_add(at), now) };
        now != known
    }

    /// Has no block at a slot reported as hot.
    pub(super) fn freeze(&mut self, slot: usize) {
        self.frozen |= 1 << slot;
    }

    /// Whether no block at a slot is reported as hot.
    pub(super) fn is_frozen(&self, slot: usize) -> bool {
        self.frozen >> slot & 1 != 0
    }

    /// Checksum of the copy, without what is behind the line.
    pub(super) fn sum(&self) -> u16 {
        let words = self.bytes[..LINE_BYTES].as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word));
        let sum = words.fold(0u64, |sum, word| (sum ^ word).wrapping_mul(SUM_FACTOR).rotate_left(29));
        (sum >> 48) as u16
    }

    /// Decodes the instruction at `slot` from the copy. One that crosses the end of the page
    /// is not cached: the next page may change or be remapped independently.
    pub(super) fn decode(&mut self, slot: usize) {
        self.cells[slot] = self.bits(slot).map_or(CROSSING, cell_of);
    }

    /// Bits of the instruction at `slot` in the copy; `None` if its second half is on the
    /// next page.
    pub(super) fn bits(&self, slot: usize) -> Option<u32> {
        let at = slot * 2;
        let half = |at: usize| u32::from(u16::from_le_bytes([self.bytes[at], self.bytes[at + 1]]));
        let low = half(at);
        if low & 3 != 3 { Some(low) } else { (at + 2 < self.len()).then(|| half(at + 2) << 16 | low) }
    }
}

fn cell_of(bits: u32) -> Cell {
    match decode(bits) {
        Some(insn) => Cell { handler: handler(insn.op), operands: insn.operands },
        None => Cell { handler: |hart, _| hart.raise_illegal(), operands: Operands::default() },
    }
}

/// Handler of cells that hold no instruction; never called.
fn undecoded(hart: &mut Hart, _o: Operands) -> Flow {
    hart.raise_illegal()
}
