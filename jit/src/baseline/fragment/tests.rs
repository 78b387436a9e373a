//! Which instructions make a fragment, and how they are cut into blocks.

use riscope_core::addr::PAGE_BYTES;

use super::super::flow::successors;
use super::*;

/// `addi a0, a0, 1`
const ADDI: u32 = 0x0015_0513;
/// `bne a0, a1, -8`
const BNE_BACK_8: u32 = 0xfeb5_1ce3;
/// `beq a0, a1, +8`
const BEQ_OVER_1: u32 = 0x00b5_0463;
/// `jal zero, +8` and `jal zero, -8`
const J_OVER_1: u32 = 0x0080_006f;
const J_BACK_8: u32 = 0xff9f_f06f;
/// `jal ra, +8`
const CALL_OVER_1: u32 = 0x0080_00ef;
/// `jalr zero, 0(ra)`
const RET: u32 = 0x0000_8067;
const ECALL: u32 = 0x0000_0073;
const WFI: u32 = 0x1050_0073;

fn page_of(words: &[u32]) -> PageBytes {
    let mut page = [0; PAGE_BYTES];
    for (chunk, word) in page.chunks_exact_mut(4).zip(words) {
        chunk.copy_from_slice(&word.to_le_bytes());
    }
    page
}

fn find(words: &[u32]) -> Fragment {
    let mut fragment = Fragment::default();
    assert!(fragment.find(&page_of(words), PageOffset::of(0), &Executed::ALL));
    check(&fragment);
    fragment
}

/// Offset of the first instruction of each block, number of instructions, and ending.
fn blocks(fragment: &Fragment) -> Vec<(usize, usize, Ending)> {
    let block = |block: &Block| (fragment.instructions[block.first].at.index(), block.end - block.first, block.ending);
    fragment.blocks.iter().map(block).collect()
}

/// What holds for every fragment.
fn check(fragment: &Fragment) {
    assert!(fragment.instructions.len() <= MAX_INSTRUCTIONS);
    assert!(fragment.ends.len() <= MAX_LINES);
    let mut offsets: Vec<_> = fragment.instructions.iter().map(|located| located.at).collect();
    offsets.sort_unstable();
    offsets.dedup();
    assert_eq!(offsets.len(), fragment.instructions.len(), "an instruction is in it once");
    let mut first = 0;
    for (n, block) in fragment.blocks.iter().enumerate() {
        assert_eq!(block.first, first, "blocks follow each other");
        assert!(block.end > block.first);
        first = block.end;
        let instructions = &fragment.instructions[block.first..block.end];
        assert_eq!(fragment.block_at(instructions[0].at), Some(n));
        for pair in instructions.windows(2) {
            assert_eq!(pair[0].next, pair[1].at, "instructions follow each other");
            assert_eq!(pair[0].how.template.successors(), Successors::Behind, "a jump ends its block");
            assert_eq!(fragment.block_at(pair[1].at), None, "a block is entered at its start");
        }
        let last = instructions[instructions.len() - 1];
        match block.ending {
            Ending::Transfer => assert_ne!(last.how.template.successors(), Successors::Behind),
            Ending::FallThrough(next) | Ending::Interpret(next) => assert_eq!(next, last.next),
        }
        // A jump to an instruction of the fragment is one to a block.
        let direct = !matches!(last.how.template.successors(), Successors::Behind | Successors::Elsewhere);
        if let Some(target) = last.target().filter(|_| direct) {
            assert_eq!(fragment.place(target).is_some(), fragment.block_at(target).is_some());
        }
        assert!(successors(fragment, block).into_iter().flatten().all(|successor| successor < fragment.blocks.len()));
    }
    assert_eq!(first, fragment.instructions.len(), "every instruction is in a block");
}

#[test]
fn a_loop_is_one_block_and_its_exit_another() {
    let fragment = find(&[ADDI, ADDI, BNE_BACK_8, ADDI, ECALL]);
    assert_eq!(blocks(&fragment), [(0, 3, Ending::Transfer), (12, 2, Ending::Transfer)]);
    let of_loop: Vec<_> = successors(&fragment, &fragment.blocks[0]).into_iter().flatten().collect();
    assert_eq!(of_loop, [0, 1]);
    assert_eq!(successors(&fragment, &fragment.blocks[1]), [None; 2]);
}

#[test]
fn a_leader_in_the_middle_splits_the_block() {
    // Entered at 0; the branch goes back to 4.
    let fragment = find(&[ADDI, ADDI, ADDI, BNE_BACK_8, ECALL]);
    let falls = Ending::FallThrough(PageOffset::of(4));
    assert_eq!(blocks(&fragment), [(0, 1, falls), (4, 3, Ending::Transfer), (16, 1, Ending::Transfer)]);
    assert_eq!(fragment.block_at(PageOffset::of(8)), None);
}

#[test]
fn a_line_ends_where_another_one_is() {
    // The jump is followed over the word of zeros, and back to the instruction in front of it.
    let fragment = find(&[ADDI, J_OVER_1, 0, ADDI, J_BACK_8]);
    // 4 + 8 is 12, and 16 - 8 is 8, where nothing is.
    assert_eq!(blocks(&fragment), [(0, 2, Ending::Transfer), (12, 2, Ending::Transfer)]);
    // Both ways of the branch go on at 8: it leads a block there.
    let fragment = find(&[BEQ_OVER_1, ADDI, ADDI, RET]);
    let falls = Ending::FallThrough(PageOffset::of(8));
    assert_eq!(blocks(&fragment), [(0, 1, Ending::Transfer), (4, 1, falls), (8, 2, Ending::Transfer)]);
    // The line behind the jump runs into the head.
    let mut fragment = Fragment::default();
    assert!(fragment.find(&page_of(&[ADDI, ADDI, ADDI, J_BACK_8]), PageOffset::of(8), &Executed::ALL));
    check(&fragment);
    let falls = Ending::FallThrough(PageOffset::of(8));
    assert_eq!(blocks(&fragment), [(8, 2, Ending::Transfer), (4, 1, falls)]);
    assert_eq!(successors(&fragment, &fragment.blocks[1]).into_iter().flatten().collect::<Vec<_>>(), [0]);
}

#[test]
fn a_line_may_run_into_the_middle_of_another_one() {
    // `beq a0, a1, +6` into the upper half of `lui a0, 0x5050`, which is `c.addi a0, 1`.
    let fragment = find(&[0x00b5_0363, 0x0505_0537, ADDI, RET]);
    let falls = Ending::FallThrough(PageOffset::of(8));
    let transfer = Ending::Transfer;
    assert_eq!(blocks(&fragment), [(0, 1, transfer), (4, 1, falls), (8, 2, transfer), (6, 1, falls)]);
}

#[test]
fn callees_and_what_is_behind_calls_are_left_out() {
    assert_eq!(blocks(&find(&[ADDI, CALL_OVER_1, ADDI, ADDI, RET])), [(0, 2, Ending::Transfer)]);
    assert_eq!(blocks(&find(&[ADDI, RET, ADDI])), [(0, 2, Ending::Transfer)]);
    assert_eq!(blocks(&find(&[ADDI, WFI, ADDI])), [(0, 2, Ending::Transfer)]);
}

#[test]
fn what_never_ran_is_left_out() {
    let page = page_of(&[BEQ_OVER_1, ADDI, ADDI, ECALL]);
    let mut fragment = Fragment::default();
    assert!(fragment.find(&page, PageOffset::of(0), &Executed::default()));
    check(&fragment);
    assert_eq!(blocks(&fragment), [(0, 1, Ending::Transfer)], "the head is known to run");
    let page = page_of(&[ADDI, ADDI]);
    assert!(fragment.find(&page, PageOffset::of(0), &Executed::default()));
    assert_eq!(blocks(&fragment), [(0, 1, Ending::FallThrough(PageOffset::of(4)))]);
}

#[test]
fn heads_that_are_no_instructions_give_no_fragment() {
    let page = page_of(&[ADDI, 0, 0xffff_ffff, ECALL]);
    let mut fragment = Fragment::default();
    for head in [4, 8] {
        assert!(!fragment.find(&page, PageOffset::of(head), &Executed::ALL), "{head}");
        assert!(fragment.instructions.is_empty() && fragment.blocks.is_empty());
    }
    assert!(fragment.find(&page, PageOffset::of(12), &Executed::ALL), "a handler is called for it");
    assert!(fragment.find(&page, PageOffset::of(0), &Executed::ALL));
    assert_eq!(blocks(&fragment), [(0, 1, Ending::Interpret(PageOffset::of(4)))]);
}

#[test]
fn instructions_over_the_page_end_are_taken_by_their_first_half() {
    let mut page = [0; PAGE_BYTES];
    page[4090..4094].copy_from_slice(&ADDI.to_le_bytes());
    page[4094..].copy_from_slice(&ADDI.to_le_bytes()[..2]);
    let mut fragment = Fragment::default();
    assert!(fragment.find(&page, PageOffset::of(4090), &Executed::ALL));
    check(&fragment);
    assert_eq!(blocks(&fragment), [(4090, 2, Ending::Transfer)]);
    assert!(fragment.find(&page, PageOffset::of(4094), &Executed::ALL));
    assert_eq!(blocks(&fragment), [(4094, 1, Ending::Transfer)]);
    // One that ends with the page goes on on the next one.
    page[4092..].copy_from_slice(&ADDI.to_le_bytes());
    assert!(fragment.find(&page, PageOffset::of(4092), &Executed::ALL));
    check(&fragment);
    assert_eq!(blocks(&fragment), [(4092, 1, Ending::FallThrough(PageOffset::END))]);
    // As does a compressed one: c.addi a0, 1.
    page[4094..].copy_from_slice(&0x0505_u16.to_le_bytes());
    assert!(fragment.find(&page, PageOffset::of(4094), &Executed::ALL));
    assert_eq!(blocks(&fragment), [(4094, 1, Ending::FallThrough(PageOffset::END))]);
}

#[test]
fn units_are_bounded_whatever_the_page_holds() {
    let mut fragment = Fragment::default();
    for word in [ADDI, BNE_BACK_8, BEQ_OVER_1, J_OVER_1, J_BACK_8, ECALL] {
        assert!(fragment.find(&page_of(&[word; 1024]), PageOffset::of(2048), &Executed::ALL));
        check(&fragment);
    }
    assert!(fragment.find(&page_of(&[ADDI; 1024]), PageOffset::of(0), &Executed::ALL));
    let next = PageOffset::of(4 * MAX_INSTRUCTIONS as u64);
    assert_eq!(blocks(&fragment), [(0, MAX_INSTRUCTIONS, Ending::FallThrough(next))]);
}

/// A page of random jumps, branches and other instructions, some of two bytes.
fn random_page(mut next: impl FnMut() -> u32) -> PageBytes {
    let mut page = [0; PAGE_BYTES];
    for chunk in page.chunks_exact_mut(4) {
        let bits = next();
        let word = match bits % 8 {
            // Branches and jumps by a few dozens of bytes, to halfwords as well.
            0 | 1 => BEQ_OVER_1 & 0x01ff_f0ff | bits & 0x8000_0e00 | if bits >> 31 != 0 { 0x7e00_0080 } else { 0 },
            2 => 0x0000_006f | bits & 0x03e0_0000,
            3 => J_BACK_8,
            4 => bits,
            5 => 0x0505_0505,
            _ => ADDI,
        };
        chunk.copy_from_slice(&word.to_le_bytes());
    }
    page
}

#[test]
fn random_pages_give_sound_fragments_and_leave_nothing_behind() {
    let mut state = 1u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::from_le_bytes(state.to_le_bytes()[4..].try_into().expect("four bytes"))
    };
    let mut reused = Fragment::default();
    let (mut found, mut most_blocks) = (0, 0);
    for _ in 0..200 {
        let page = random_page(&mut next);
        for _ in 0..20 {
            let head = PageOffset::of(u64::from(next() & 0xffe));
            let is_one = reused.find(&page, head, &Executed::ALL);
            let mut fresh = Fragment::default();
            assert_eq!(fresh.find(&page, head, &Executed::ALL), is_one);
            assert_eq!(blocks(&reused), blocks(&fresh), "what was found before does not matter");
            if is_one {
                check(&reused);
                assert_eq!(reused.instructions[0].at, head);
                found += 1;
                most_blocks = most_blocks.max(reused.blocks.len());
            }
        }
    }
    assert!(found > 2000 && most_blocks > 8, "{found} fragments of {most_blocks} blocks at most");
}
