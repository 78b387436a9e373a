//! What both tiers have in common: a maker of code for fragments of guest code.

use riscope_core::addr::{GuestPhys, PageOffset};
use riscope_core::event::CompileFailure;
use riscope_core::interp::Executed;
use riscope_core::isa::{Insn, Operands, decode};

use super::excerpt::PageBytes;
use super::unit::Made;

/// Makes host code of a fragment of guest code; each tier has one.
///
/// The code is entered and left with all guest registers in memory. Inside, the maker may keep
/// them elsewhere: then its code says where, at each access that may be given up.
pub(crate) trait Maker {
    /// Makes code of what starts at the head, as far as it has been executed.
    ///
    /// # Errors
    /// [`CompileFailure::Untranslatable`] if the first instruction is none for this maker,
    /// [`CompileFailure::Compiler`] if it does not succeed.
    fn make(&mut self, origin: Origin<'_>) -> Result<Made<'_>, CompileFailure>;
}

/// What code is made from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin<'a> {
    pub(crate) page: &'a PageBytes,
    /// Physical address of the first instruction, on the page.
    pub(crate) head: GuestPhys,
    /// Which instructions of the page have been executed.
    pub(crate) executed: &'a Executed,
}

/// An instruction of a fragment, with how its maker translates it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Located<T> {
    pub(crate) at: PageOffset,
    /// Offset of the next instruction in memory.
    pub(crate) next: PageOffset,
    pub(crate) insn: Insn,
    pub(crate) how: T,
}

impl<T> Located<T> {
    pub(crate) fn operands(&self) -> Operands {
        self.insn.operands
    }

    /// Offset of a direct jump's target if it lies in the page.
    pub(crate) fn target(&self) -> Option<PageOffset> {
        self.at.moved(i64::from(self.operands().imm())).filter(|target| target.is_inside())
    }
}

/// What stands at an offset of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// An instruction, and the offset behind it.
    Instruction(Insn, PageOffset),
    /// The first half of one whose second half is on the next page.
    Half,
    /// No instruction.
    Nothing,
}

/// Decodes what is at an offset of a page.
pub(crate) fn instruction(page: &PageBytes, at: PageOffset) -> Found {
    let half = |at: usize| Some(u32::from(u16::from_le_bytes([*page.get(at)?, *page.get(at + 1)?])));
    let Some(low) = half(at.index()) else { return Found::Nothing };
    let bits = match low & 3 {
        3 => match half(at.index() + 2) {
            Some(high) => high << 16 | low,
            None => return Found::Half,
        },
        _ => low,
    };
    let found = decode(bits).and_then(|insn| Some((insn, at.moved(insn.operands.length().cast_signed())?)));
    found.map_or(Found::Nothing, |(insn, next)| Found::Instruction(insn, next))
}
