//! How control and registers flow through a fragment.

use riscope_core::addr::PageOffset;

use super::fragment::{Block, Ending, Fragment};
use super::jumps::Jumps;
use super::registers::{HOSTS, Registers, Set};
use super::template::Successors;

/// What the blocks of a fragment do to its registers, and how they lead to each other.
#[derive(Debug, Default)]
pub(super) struct Flow {
    /// How often each register is used by instructions that may have it in a host register.
    uses: [u8; 32],
    passages: Vec<Passage>,
    /// Which blocks are jumped to.
    pub(super) jumps: Jumps,
}

/// What a block does to the registers that memory may not have, and where it leads.
#[derive(Clone, Copy, Debug, Default)]
struct Passage {
    /// Whether nothing in it stores them.
    keeps: bool,
    /// Those which memory may not have behind it in any case.
    adds: Set,
    successors: [Option<u8>; 2],
}

impl Flow {
    /// Looks at all blocks.
    pub(super) fn survey(&mut self, fragment: &Fragment) {
        (self.uses, self.jumps) = ([0; 32], Jumps::default());
        self.passages.clear();
        for (n, block) in fragment.blocks.iter().enumerate() {
            let mut passage = Passage { keeps: true, ..Passage::default() };
            for located in &fragment.instructions[block.first..block.end] {
                if located.how.template.calls() {
                    (passage.keeps, passage.adds) = (false, 0);
                    continue;
                }
                let o = located.operands();
                for register in [o.rd(), o.rs1(), o.rs2()] {
                    self.uses[register] += 1;
                }
                passage.adds |= 1 << o.rd();
            }
            self.follow(fragment, block, n, &mut passage);
            self.passages.push(passage);
        }
    }

    /// Finds out where block `n` leads.
    fn follow(&mut self, fragment: &Fragment, block: &Block, n: usize, passage: &mut Passage) {
        let [target, behind] = successors(fragment, block);
        passage.successors = [target, behind].map(|block| block.map(|block| block.to_le_bytes()[0]));
        // A branch to the next instruction is a jump as well.
        let jump = target.into_iter().chain(behind.filter(|&behind| behind != n + 1));
        for successor in jump {
            self.jumps.to.insert(successor);
            if successor <= n {
                self.jumps.back_to.insert(successor);
            }
        }
    }

    /// Whether a block leads to another of the fragment, or to itself.
    pub(super) fn goes_on_inside(&self, block: usize) -> bool {
        self.passages.get(block).is_some_and(|passage| passage.successors != [None; 2])
    }

    /// Chooses the registers that the fragment keeps: those that it uses most, as many as host
    /// registers are free.
    pub(super) fn registers(&self, free: usize) -> Registers {
        // The most used ones so far, the most used one first. Few registers are used at all.
        let (mut most, mut len) = ([(0, 0); HOSTS.len() + 1], 0);
        for (guest, &uses) in (0..).zip(&self.uses).skip(1).filter(|(_, uses)| **uses > 0) {
            let mut place = len;
            while place > 0 && most[place - 1].1 < uses {
                most[place] = most[place - 1];
                place -= 1;
            }
            most[place] = (guest, uses);
            len = (len + 1).min(free);
        }
        Registers::keeping(most[..len].iter().map(|(guest, _)| *guest))
    }

    /// For each block, the kept registers that memory may not have when it is entered.
    pub(super) fn dirty_at_entry(&self, kept: Set, dirty: &mut Vec<Set>) {
        dirty.clear();
        dirty.resize(self.passages.len(), 0);
        loop {
            let mut changed = false;
            for (n, passage) in self.passages.iter().enumerate() {
                let keeps = if passage.keeps { dirty[n] } else { 0 };
                let out = keeps | passage.adds & kept;
                for successor in passage.successors.into_iter().flatten().map(usize::from) {
                    changed |= dirty[successor] | out != dirty[successor];
                    dirty[successor] |= out;
                }
            }
            // Without a jump back, no block is behind one that is looked at later.
            if !changed || self.jumps.back_to.is_empty() {
                return;
            }
        }
    }
}

/// The blocks of the fragment where execution may go on behind a block: by a jump, and with the
/// next instruction.
pub(super) fn successors(fragment: &Fragment, block: &Block) -> [Option<usize>; 2] {
    let last = &fragment.instructions[block.end - 1];
    let at = |at: PageOffset| fragment.block_at(at);
    match block.ending {
        Ending::Interpret(_) => [None, None],
        Ending::FallThrough(next) => [None, at(next)],
        Ending::Transfer => match last.how.template.successors() {
            Successors::Target => [last.target().and_then(at), None],
            Successors::TargetOrBehind => [last.target().and_then(at), at(last.next)],
            Successors::Behind | Successors::Elsewhere => [None, None],
        },
    }
}

#[cfg(test)]
mod tests;
