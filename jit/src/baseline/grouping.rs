//! Which accesses of a block make a group.

use super::assembler::position;
use super::fragment::{Block, Located};
use super::group::{Access, Group};
use super::jumps::MAX_INSTRUCTIONS;
use super::select::access;
use super::template::Template;

/// Bytes from the first to behind the last one of a group at most. Wider groups are on two pages
/// more often, and then miss. Must not exceed `RANGE_LIMIT`, for which a probe is sound.
const MAX_SPAN: i32 = 512;

/// Finds the groups of a block, in order. Groups do not overlap.
pub(super) fn find(instructions: &[Located], block: Block, groups: &mut Vec<Group>) {
    let followed = followed(&instructions[block.first..block.end]);
    let mut first = block.first;
    while let Some(rest) = followed.checked_shr(position(first - block.first)).filter(|rest| *rest != 0) {
        first += rest.trailing_zeros() as usize;
        match starting_at(instructions, first, block.end) {
            Some(group) => {
                groups.push(group);
                first = group.last + 1;
            }
            None => first += 1,
        }
    }
}

/// Which of these instructions have an access that another one with the same base follows, a bit
/// each. A look at each instruction, so that most need no other one.
fn followed(instructions: &[Located]) -> u64 {
    let (mut followed, mut bases) = (0, 0u32);
    for (n, located) in instructions.iter().enumerate().rev() {
        if ends_groups(located.how.template) {
            bases = 0;
            continue;
        }
        let o = located.operands();
        bases &= !(1 << o.rd());
        if access(located.insn).is_some() && o.rs1() != 0 {
            followed |= u64::from(bases >> o.rs1() & 1) << n;
            bases |= 1 << o.rs1();
        }
    }
    followed
}
const _: () = assert!(MAX_INSTRUCTIONS <= u64::BITS as usize);

/// Whether no group goes on behind such an instruction.
fn ends_groups(template: Template) -> bool {
    template.calls() || matches!(template, Template::Alone(_))
}

/// The group whose first access is that of the instruction at `first`, if that has one and is
/// not alone.
fn starting_at(instructions: &[Located], first: usize, end: usize) -> Option<Group> {
    let base = instructions[first].operands().rs1();
    let mut group: Option<Group> = None;
    for (n, located) in instructions.iter().enumerate().take(end).skip(first) {
        if ends_groups(located.how.template) {
            break;
        }
        let o = located.operands();
        if let Some(access) = access(located.insn).filter(|_| o.rs1() == base) {
            let Some(wider) = with(group, n, base, o.imm(), access) else { break };
            group = Some(wider);
        } else if n == first {
            return None;
        }
        if o.rd() == base {
            break;
        }
    }
    group.filter(|group| group.last > group.first)
}

/// A group with one more access, unless it becomes too wide.
fn with(group: Option<Group>, n: usize, base: usize, imm: i32, access: Access) -> Option<Group> {
    let end = imm + i32::from(access.bytes);
    let Some(group) = group else {
        return Some(Group { first: n, last: n, base, low: imm, span: end - imm, store: access.store });
    };
    let low = group.low.min(imm);
    let span = (group.low + group.span).max(end) - low;
    (span <= MAX_SPAN).then_some(Group { last: n, low, span, store: group.store || access.store, ..group })
}

#[cfg(test)]
mod tests {
    use riscope_core::addr::{PAGE_BYTES, PageOffset};
    use riscope_core::interp::Executed;

    use super::super::fragment::Fragment;
    use super::*;

    /// `ld a0, imm(rs1)` and `sb a0, imm(rs1)`, for `imm` from 0 on.
    fn ld(rs1: u32, imm: u32) -> u32 {
        0x3503 | rs1 << 15 | imm << 20
    }
    fn sb(rs1: u32, imm: u32) -> u32 {
        0x00a0_0023 | rs1 << 15 | (imm & 31) << 7 | (imm >> 5) << 25
    }
    /// `csrrw zero, mscratch, zero`
    const CSRRW: u32 = 0x3400_1073;

    /// The groups of some words: indices, lowest distance, span, and whether they store.
    fn groups(words: &[u32]) -> Vec<(usize, usize, i32, i32, bool)> {
        let mut page = [0; PAGE_BYTES];
        for (chunk, word) in page.chunks_exact_mut(4).zip(words) {
            chunk.copy_from_slice(&word.to_le_bytes());
        }
        let mut fragment = Fragment::default();
        assert!(fragment.find(&page, PageOffset::of(0), &Executed::ALL));
        let mut groups = Vec::new();
        for block in &fragment.blocks {
            find(&fragment.instructions, *block, &mut groups);
        }
        groups.into_iter().map(|g| (g.first, g.last, g.low, g.span, g.store)).collect()
    }

    #[test]
    fn accesses_with_one_base_are_a_group() {
        assert_eq!(groups(&[ld(2, 8), ld(3, 0), ld(2, 24)]), [(0, 2, 8, 24, false)]);
        assert_eq!(groups(&[ld(2, 8), sb(2, 3)]), [(0, 1, 3, 13, true)]);
        assert_eq!(groups(&[ld(2, 0), ld(3, 0), ld(2, 8), ld(3, 8)]), [(0, 2, 0, 16, false)], "groups do not overlap");
    }

    #[test]
    fn an_access_alone_is_none() {
        assert_eq!(groups(&[ld(2, 0), ld(3, 0)]), []);
        assert_eq!(groups(&[ld(0, 0), ld(0, 8)]), [], "x0 has no address of its own");
        assert_eq!(groups(&[ld(10, 0), ld(10, 8)]), [], "the first one changes the base");
    }

    #[test]
    fn a_group_ends_where_another_could_begin() {
        assert_eq!(
            groups(&[ld(2, 0), ld(2, 8), CSRRW, ld(2, 0), ld(2, 8)]),
            [(0, 1, 0, 16, false), (3, 4, 0, 16, false)]
        );
        let wide = MAX_SPAN.cast_unsigned();
        assert_eq!(groups(&[ld(2, 0), ld(2, wide - 8)]), [(0, 1, 0, MAX_SPAN, false)]);
        assert_eq!(groups(&[ld(2, 0), ld(2, wide), ld(2, wide + 8)]), [(1, 2, MAX_SPAN, 16, false)]);
    }
}
