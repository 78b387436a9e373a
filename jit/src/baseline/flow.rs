//! How control and registers flow through a fragment.

use super::fragment::{Block, Ending, Fragment};
use super::jumps::Jumps;
use super::registers::{Registers, Set};
use super::template::Successors;

/// Chooses the registers that a fragment keeps: those that it uses most, as many as host
/// registers are free.
pub(super) fn assign(fragment: &Fragment, free: usize) -> Registers {
    let mut uses = [0u8; 32];
    for located in fragment.instructions.iter().filter(|located| !located.template.calls()) {
        let o = located.operands();
        for register in [o.rd(), o.rs1(), o.rs2()] {
            uses[register] += 1;
        }
    }
    uses[0] = 0;
    let mut used: [u8; 32] = std::array::from_fn(|n| n.to_le_bytes()[0]);
    used.sort_unstable_by_key(|&n| std::cmp::Reverse(uses[usize::from(n)]));
    Registers::keeping(used.into_iter().take(free).take_while(|&guest| uses[usize::from(guest)] > 0))
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
            && !last.template.calls()
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
    let (mut head_is_target, mut changed) = (false, true);
    while changed {
        changed = false;
        for (n, block) in fragment.blocks.iter().enumerate() {
            let out = after(fragment, block, dirty[n]) & registers.kept();
            for successor in successors(fragment, block) {
                head_is_target |= successor == 0;
                changed |= dirty[successor] | out != dirty[successor];
                dirty[successor] |= out;
            }
        }
    }
    head_is_target
}

/// The registers that memory may not have behind a block.
fn after(fragment: &Fragment, block: &Block, before: Set) -> Set {
    fragment.instructions[block.first..block.end].iter().fold(before, |dirty, located| {
        if located.template.calls() { 0 } else { dirty | 1 << located.operands().rd() & !1 }
    })
}

/// The blocks of the fragment where execution may go on behind a block.
pub(super) fn successors(fragment: &Fragment, block: &Block) -> impl Iterator<Item = usize> {
    let last = &fragment.instructions[block.end - 1];
    let (target, behind) = match block.ending {
        Ending::Interpret(_) => (None, None),
        Ending::FallThrough(next) => (None, Some(next)),
        Ending::Transfer => match last.template.successors() {
            Successors::Target => (last.target(), None),
            Successors::TargetOrBehind => (last.target(), Some(last.next)),
            Successors::Behind | Successors::Elsewhere => (None, None),
        },
    };
    target.into_iter().chain(behind).filter_map(|at| fragment.block_at(at))
}

#[cfg(test)]
mod tests;
