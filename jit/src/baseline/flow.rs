//! How control and registers flow through a fragment.

use super::fragment::{Block, Ending, Fragment};
use super::jumps::{Jumps, MAX_INSTRUCTIONS};
use super::registers::{HOSTS, Registers, Set};
use super::template::Successors;

/// Chooses the registers that a fragment keeps: those that it uses most, as many as host
/// registers are free.
pub(super) fn assign(fragment: &Fragment, free: usize) -> Registers {
    let mut uses = [0u8; 32];
    for located in fragment.instructions.iter().filter(|located| !located.how.template.calls()) {
        let o = located.operands();
        for register in [o.rd(), o.rs1(), o.rs2()] {
            uses[register] += 1;
        }
    }
    // The most used ones so far, the most used one first. Few registers are used at all.
    let (mut most, mut len) = ([(0, 0); HOSTS.len()], 0);
    for (guest, &uses) in (0..).zip(&uses).skip(1).filter(|(_, uses)| **uses > 0) {
        let place = most[..len].iter().position(|(_, others)| *others < uses).unwrap_or(len);
        if place < free {
            len = (len + 1).min(free);
            most.copy_within(place..len - 1, place + 1);
            most[place] = (guest, uses);
        }
    }
    Registers::keeping(most[..len].iter().map(|(guest, _)| *guest))
}

/// Which blocks are jumped to.
pub(super) fn jumps(fragment: &Fragment) -> Jumps {
    let mut jumps = Jumps::default();
    for (n, block) in fragment.blocks.iter().enumerate() {
        for successor in successors(fragment, block).filter(|&successor| successor != n + 1) {
            jumps.to.insert(successor);
            if successor <= n {
                jumps.back_to.insert(successor);
            }
        }
        // A branch to the next instruction is a jump as well.
        let last = &fragment.instructions[block.end - 1];
        if block.ending == Ending::Transfer
            && let Some(target) = last.target()
            && !last.how.template.calls()
            && fragment.block_at(target) == Some(n + 1)
        {
            jumps.to.insert(n + 1);
        }
    }
    jumps
}

/// For each block, the kept registers that memory may not have when it is entered, and whether
/// the head is entered from within the fragment.
pub(super) fn dirty_at_entry(fragment: &Fragment, registers: &Registers, dirty: &mut Vec<Set>) -> bool {
    dirty.clear();
    dirty.resize(fragment.blocks.len(), 0);
    let mut passages = [Passage::default(); MAX_INSTRUCTIONS];
    let passages = &mut passages[..fragment.blocks.len()];
    for (passage, block) in passages.iter_mut().zip(&fragment.blocks) {
        *passage = Passage::of(fragment, block, registers.kept());
    }
    let (mut head_is_target, mut changed) = (false, true);
    while changed {
        changed = false;
        for (n, passage) in passages.iter().enumerate() {
            let out = dirty[n] & passage.keeps | passage.adds;
            for successor in passage.successors.into_iter().flatten().map(usize::from) {
                head_is_target |= successor == 0;
                changed |= dirty[successor] | out != dirty[successor];
                dirty[successor] |= out;
            }
        }
    }
    head_is_target
}

/// What a block does to the registers that memory may not have, and where it leads.
#[derive(Clone, Copy, Debug, Default)]
struct Passage {
    /// Those which are still so behind it if they were before it.
    keeps: Set,
    /// Those which are so behind it in any case.
    adds: Set,
    successors: [Option<u8>; 2],
}

impl Passage {
    fn of(fragment: &Fragment, block: &Block, kept: Set) -> Self {
        let mut passage = Self { keeps: kept, ..Self::default() };
        for located in &fragment.instructions[block.first..block.end] {
            if located.how.template.calls() {
                (passage.keeps, passage.adds) = (0, 0);
            } else {
                passage.adds |= 1 << located.operands().rd() & kept;
            }
        }
        for (place, successor) in passage.successors.iter_mut().zip(successors(fragment, block)) {
            *place = Some(successor.to_le_bytes()[0]);
        }
        passage
    }
}

/// The blocks of the fragment where execution may go on behind a block.
pub(super) fn successors(fragment: &Fragment, block: &Block) -> impl Iterator<Item = usize> {
    let last = &fragment.instructions[block.end - 1];
    let (target, behind) = match block.ending {
        Ending::Interpret(_) => (None, None),
        Ending::FallThrough(next) => (None, Some(next)),
        Ending::Transfer => match last.how.template.successors() {
            Successors::Target => (last.target(), None),
            Successors::TargetOrBehind => (last.target(), Some(last.next)),
            Successors::Behind | Successors::Elsewhere => (None, None),
        },
    };
    target.into_iter().chain(behind).filter_map(|at| fragment.block_at(at))
}

#[cfg(test)]
mod tests;
