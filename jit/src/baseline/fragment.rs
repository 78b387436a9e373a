//! Which instructions are translated as one unit: lines of code that are reachable from a hot
//! address by direct jumps inside its page, as far as they have been executed.
//!
//! A *line* is a run of instructions behind each other in memory. It ends with a jump, with
//! an instruction that never goes on behind itself, where another line is, or where nothing
//! was executed. Lines are cut into *blocks*, which are entered at their start only.

use std::ops::Range;

use riscope_core::addr::PageOffset;
use riscope_core::interp::Executed;
use riscope_core::isa::i::I;
use riscope_core::isa::{Insn, Op, Operands};

use super::jumps::MAX_INSTRUCTIONS;
use super::select::template;
use super::template::{Successors, Template};
use crate::code::{self, Found, PageBytes};

/// Lines of a unit at most.
const MAX_LINES: usize = 16;

/// An instruction of a fragment.
pub(super) type Located = code::Located<How>;

/// How an instruction is translated.
#[derive(Clone, Copy, Debug)]
pub(crate) struct How {
    pub(super) template: Template,
    /// Whether a block starts here.
    leads: bool,
}

/// How a block goes on after its last instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// The last instruction is a jump or branch.
    Transfer,
    /// At this offset.
    FallThrough(PageOffset),
    /// With an instruction at this offset that the interpreter has to look at.
    Interpret(PageOffset),
}

/// Instructions `first..end` of the fragment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    pub(super) first: usize,
    pub(super) end: usize,
    pub(super) ending: Ending,
}

/// Place in [`Fragment::places`] of an offset without instruction.
const NOWHERE: u8 = u8::MAX;

/// A unit of translation, in buffers that are kept for the next one.
#[derive(Debug)]
pub(super) struct Fragment {
    pub(super) instructions: Vec<Located>,
    /// In the order of the instructions; the first one starts at the head.
    pub(super) blocks: Vec<Block>,
    /// Where lines end, by the number of instructions up to there.
    ends: Vec<(usize, Ending)>,
    /// Targets that no line covers yet.
    waiting: Vec<PageOffset>,
    /// Index of the instruction at each halfword of the page.
    places: Box<[u8; 2048]>,
    /// Index of the block that an instruction starts, for each that does.
    block_of: [u8; MAX_INSTRUCTIONS],
}

impl Default for Fragment {
    fn default() -> Self {
        Self {
            instructions: Vec::with_capacity(MAX_INSTRUCTIONS),
            blocks: Vec::with_capacity(MAX_INSTRUCTIONS),
            ends: Vec::with_capacity(MAX_LINES),
            waiting: Vec::with_capacity(MAX_INSTRUCTIONS),
            places: Box::new([NOWHERE; 2048]),
            block_of: [NOWHERE; MAX_INSTRUCTIONS],
        }
    }
}

impl Fragment {
    /// Finds the fragment at offset `head` of a page. False if its first instruction cannot
    /// be translated.
    pub(super) fn find(&mut self, page: &PageBytes, head: PageOffset, executed: &Executed) -> bool {
        self.clear();
        self.waiting.push(head);
        while let Some(start) = self.waiting.pop() {
            if self.ends.len() == MAX_LINES || self.instructions.len() == MAX_INSTRUCTIONS {
                break;
            }
            if self.place(start).is_none() {
                self.line(page, start, executed);
            }
        }
        self.mark_targets();
        self.cut();
        !self.instructions.is_empty()
    }

    fn clear(&mut self) {
        for located in &self.instructions {
            self.places[located.at.index() / 2] = NOWHERE;
        }
        self.instructions.clear();
        self.blocks.clear();
        self.ends.clear();
        self.waiting.clear();
    }

    /// Index of the instruction at an offset.
    fn place(&self, at: PageOffset) -> Option<usize> {
        let place = *self.places.get(at.index() / 2)?;
        (place != NOWHERE).then_some(usize::from(place))
    }

    /// The block that starts at an offset.
    pub(super) fn block_at(&self, at: PageOffset) -> Option<usize> {
        let place = self.place(at)?;
        self.instructions[place].how.leads.then(|| usize::from(self.block_of[place]))
    }

    /// Where the instructions of each line are.
    pub(super) fn lines(&self) -> impl Iterator<Item = Range<PageOffset>> + Clone {
        let mut first = 0;
        self.ends.iter().map(move |&(end, _)| {
            let line = &self.instructions[first..end];
            first = end;
            let [at, next] = [line.first().map(|located| located.at), line.last().map(|located| located.next)];
            at.unwrap_or_default()..next.unwrap_or_default()
        })
    }

    /// Adds the line at `start`.
    fn line(&mut self, page: &PageBytes, start: PageOffset, executed: &Executed) {
        let mut at = start;
        let mut leads = true;
        let ending = loop {
            if let Some(place) = self.place(at) {
                self.instructions[place].how.leads = true;
                break Ending::FallThrough(at);
            }
            let unknown = at != start && !executed.contains(at);
            if unknown || self.instructions.len() == MAX_INSTRUCTIONS || !at.is_inside() {
                break Ending::FallThrough(at);
            }
            let Some((insn, template, next)) = instruction(page, at) else { break Ending::Interpret(at) };
            self.places[at.index() / 2] = index(self.instructions.len());
            self.instructions.push(Located { at, next, insn, how: How { template, leads } });
            leads = false;
            at = next;
            match template.successors() {
                Successors::Behind => {}
                Successors::Target => {
                    self.wait_for_target(executed);
                    break Ending::Transfer;
                }
                Successors::TargetOrBehind => {
                    self.wait_for_target(executed);
                    leads = true;
                }
                Successors::Elsewhere => break Ending::Transfer,
            }
        };
        if ending == Ending::Interpret(start) {
            return;
        }
        self.ends.push((self.instructions.len(), ending));
    }

    /// The target of the last instruction is worth a line if it was executed.
    fn wait_for_target(&mut self, executed: &Executed) {
        let target = self.instructions.last().and_then(Located::target);
        self.waiting.extend(target.filter(|&target| executed.contains(target)));
    }

    /// Blocks start at targets of jumps.
    fn mark_targets(&mut self) {
        for n in 0..self.instructions.len() {
            let located = &self.instructions[n];
            let direct = matches!(located.how.template.successors(), Successors::Target | Successors::TargetOrBehind);
            if direct
                && let Some(target) = located.target()
                && let Some(place) = self.place(target)
            {
                self.instructions[place].how.leads = true;
            }
        }
    }

    /// Cuts the lines into blocks.
    fn cut(&mut self) {
        let mut first = 0;
        for &(end, ending) in &self.ends {
            while first < end {
                let length = self.instructions[first + 1..end].iter().position(|located| located.how.leads);
                let block_end = length.map_or(end, |length| first + 1 + length);
                let last = self.instructions[block_end - 1];
                let ending = match last.how.template.successors() {
                    Successors::TargetOrBehind => Ending::Transfer,
                    _ if block_end == end => ending,
                    _ => Ending::FallThrough(last.next),
                };
                self.block_of[first] = index(self.blocks.len());
                self.blocks.push(Block { first, end: block_end, ending });
                first = block_end;
            }
        }
    }
}

/// A number of instructions or blocks, of which there are few.
fn index(n: usize) -> u8 {
    const _: () = assert!(MAX_INSTRUCTIONS < NOWHERE as usize);
    n.to_le_bytes()[0]
}

/// Stands for an instruction whose second half is on the next page.
const ACROSS: Insn = Insn { op: Op::I(I::Addi), operands: Operands::NONE };

/// The instruction at offset `at`, if there is one, and the offset behind what of it is on the
/// page.
fn instruction(page: &PageBytes, at: PageOffset) -> Option<(Insn, Template, PageOffset)> {
    match code::instruction(page, at) {
        Found::Instruction(insn, next) => Some((insn, template(insn), next)),
        Found::Half => Some((ACROSS, Template::Across, PageOffset::END)),
        Found::Nothing => None,
    }
}

#[cfg(test)]
mod tests;
