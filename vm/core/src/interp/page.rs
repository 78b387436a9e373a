//! Pre-decoded code of physical pages.

use super::{Flow, Handler, handler};
use crate::addr::{GuestPhys, PAGE_BYTES, PAGE_SIZE, PageOffset};
use crate::hart::{Exception, ExceptionCause, Hart};
use crate::isa::{Operands, decode};
use crate::mem::{GuestRam, access};

/// Number of 2-byte slots in a page, at each of which an instruction may start.
pub(super) const SLOTS: usize = PAGE_BYTES / 2;

/// Arrival count of a block that is never reported as hot.
pub(super) const NEVER_HOT: u16 = u16::MAX;

/// A decoded instruction with its handler.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cell {
    pub(super) handler: Handler,
    pub(super) operands: Operands,
}

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

/// A page of code: a copy of its bytes and the instructions decoded from it.
///
/// The copy makes `fence.i` cheap and exact: decoded instructions always match the copy,
/// and the first execution after a fence compares the copy with RAM. The first execution of
/// each instruction compares it as well: new code on a page that has executed code already
/// needs no fence before its first fetch.
#[derive(Debug)]
pub(super) struct DecodedPage {
    pub(super) cells: [Cell; SLOTS],
    /// Arrivals by jump at each slot, below [`NEVER_HOT`].
    heat: [u16; SLOTS],
    bytes: [u8; PAGE_BYTES],
    page: GuestPhys,
    host: *const u8,
    /// [`Hart::fetch_fences`] when the copy was last known to be current.
    checked_at: u64,
}

// SAFETY: `host` points into guest RAM, which the hart keeps alive longer than the
// interpreter's pages and which is shared between threads by design.
unsafe impl Send for DecodedPage {}

const UNDECODED: Cell = Cell { handler: undecoded, operands: Operands::UNDECODED };

/// Stands for an instruction whose second half is on the next page.
const CROSSING: Cell = Cell { handler: uncached, operands: Operands::NONE };

impl DecodedPage {
    /// The page of RAM at `page`, with nothing decoded. `None` outside of RAM, where
    /// execution is not supported.
    pub(super) fn new(ram: &GuestRam, page: GuestPhys, fences: u64) -> Option<Box<Self>> {
        let host = ram.host_ptr(page, PAGE_SIZE)?.cast_const();
        ram.tracker().set_decoded(ram.page_index(page)?);
        let mut decoded = Box::new(Self {
            cells: [UNDECODED; SLOTS],
            heat: [0; SLOTS],
            bytes: [0; PAGE_BYTES],
            page,
            host,
            checked_at: fences,
        });
        // SAFETY: `host_ptr` covers the whole page, and RAM is page-aligned.
        unsafe { access::copy_out(host, &mut decoded.bytes) };
        Some(decoded)
    }

    /// Discards decoded instructions that a `fence.i` since the last check made stale.
    pub(super) fn refresh(&mut self, ram: &GuestRam, fences: u64) {
        if self.checked_at == fences {
            return;
        }
        self.checked_at = fences;
        if let Some(page) = ram.page_index(self.page) {
            ram.tracker().set_decoded(page);
        }
        self.compare();
    }

    /// Compares the copy with RAM and renews it. Discards the decoded instructions if one
    /// of them has changed.
    fn compare(&mut self) {
        // SAFETY: as in `new`.
        if unsafe { access::holds(self.host, &self.bytes) } {
            return;
        }
        let mut now = [0; PAGE_BYTES];
        // SAFETY: as in `new`.
        unsafe { access::copy_out(self.host, &mut now) };
        if self.has_other_code(&now) {
            self.cells = [UNDECODED; SLOTS];
            self.heat = [0; SLOTS];
        }
        self.bytes = now;
    }

    /// Whether a decoded instruction differs in `now`; data beside code may.
    fn has_other_code(&self, now: &[u8; PAGE_BYTES]) -> bool {
        self.cells.iter().enumerate().filter(|(_, cell)| !cell.operands.is_undecoded()).any(|(slot, cell)| {
            let at = slot * 2;
            let len = if cell.operands.length() == 2 { 2 } else { 4 };
            let end = (at + len).min(PAGE_BYTES);
            now[at..end] != self.bytes[at..end]
        })
    }

    /// Whether the four bytes at offset `at` (two at the end of the page) differ in RAM.
    fn is_stale(&self, at: usize) -> bool {
        let known = &self.bytes[at..(at + 4).min(PAGE_BYTES)];
        let mut now = [0; 4];
        let now = &mut now[..known.len()];
        // SAFETY: as in `new`, and `at` and the length stay within the page.
        unsafe { access::copy_out(self.host.wrapping_add(at), now) };
        now != known
    }

    /// Offsets of executed instructions: those that are decoded.
    pub(super) fn executed(&self) -> Executed {
        let mut words = [0; SLOTS / 64];
        for (word, cells) in words.iter_mut().zip(self.cells.as_chunks::<64>().0) {
            for (bit, cell) in cells.iter().enumerate() {
                *word |= u64::from(!cell.operands.is_undecoded()) << bit;
            }
        }
        Executed(words)
    }

    /// Physical address of virtual address `pc`, which is on this page.
    pub(super) fn phys(&self, pc: u64) -> GuestPhys {
        self.page.with_page_offset(PageOffset::of(pc))
    }

    /// Counts an arrival at `pc`; returns the count.
    #[inline]
    pub(super) fn warm(&mut self, pc: u64) -> u16 {
        let heat = &mut self.heat[PageOffset::of(pc).index() / 2];
        if *heat < NEVER_HOT - 1 {
            *heat += 1;
        }
        *heat
    }

    /// Sets the count at `pc` to [`NEVER_HOT`].
    pub(super) fn freeze(&mut self, pc: u64) {
        self.heat[PageOffset::of(pc).index() / 2] = NEVER_HOT;
    }

    /// Decodes the instruction at `slot`. One that crosses the end of the page is not
    /// cached: the next page may change or be remapped independently.
    pub(super) fn decode(&mut self, slot: usize) -> Cell {
        let at = slot * 2;
        if self.is_stale(at) {
            self.compare();
        }
        let cell = self.bits(slot).map_or(CROSSING, cell_of);
        self.cells[slot] = cell;
        cell
    }

    /// Bits of the instruction at `slot` in the copy; `None` if its second half is on the
    /// next page.
    pub(super) fn bits(&self, slot: usize) -> Option<u32> {
        let at = slot * 2;
        let half = |at: usize| u32::from(u16::from_le_bytes([self.bytes[at], self.bytes[at + 1]]));
        let low = half(at);
        if low & 3 != 3 { Some(low) } else { (at + 2 < PAGE_BYTES).then(|| half(at + 2) << 16 | low) }
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

/// Fetches, decodes and executes the instruction at `pc` uncached: one that crosses a page,
/// or any on a page with more than one PMP permission. Never returns [`Flow::Next`] or
/// [`Flow::Resync`].
pub(super) fn uncached(hart: &mut Hart, _o: Operands) -> Flow {
    let pc = hart.state.pc;
    let bits = match hart.fetch_instruction() {
        Ok(bits) => bits,
        Err(exception) => return hart.raise(exception),
    };
    let Some(insn) = decode(bits) else { return hart.raise_illegal() };
    match handler(insn.op)(hart, insn.operands) {
        // The loop does not know the instruction's length, so `pc` advances here.
        Flow::Next => {
            hart.state.pc = pc.wrapping_add(insn.operands.length());
            Flow::Jump
        }
        Flow::Resync => {
            hart.state.pc = pc.wrapping_add(insn.operands.length());
            Flow::JumpResync
        }
        other => other,
    }
}

impl Hart {
    /// Fetches the instruction at `pc` in 16-bit parcels; a fault reports the address of
    /// its parcel.
    pub(super) fn fetch_instruction(&mut self) -> Result<u32, Exception> {
        let pc = self.state.pc;
        let low = self.fetch_half(pc)?;
        if low & 3 != 3 {
            return Ok(low);
        }
        Ok(self.fetch_half(pc.wrapping_add(2))? << 16 | low)
    }

    fn fetch_half(&mut self, va: u64) -> Result<u32, Exception> {
        let phys = self.translate_fetch(va)?.phys;
        let host = self.config.ram.host_ptr(phys, 2);
        let host = host.ok_or_else(|| Exception::new(ExceptionCause::InstructionAccessFault, va))?;
        // SAFETY: `host_ptr` covers two bytes of guest RAM.
        Ok(unsafe { access::load_u16(host) } as u32)
    }

    /// Encoding of the instruction at `pc`, for a trap value; 0 if it cannot be fetched.
    pub(super) fn fetch_bits(&mut self) -> u32 {
        self.fetch_instruction().unwrap_or(0)
    }
}
