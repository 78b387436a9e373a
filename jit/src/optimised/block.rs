//! Selection of Cranelift's translation unit: the basic blocks reachable from a hot address
//! by direct branches within its page.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Range;

use riscope_core::addr::PageOffset;
use riscope_core::interp::Executed;

use super::lowering::{Emit, Lowering, Successors};
use super::select::lowering;
use crate::code::{self, Found, PageBytes, instruction};

/// Upper bound on the instructions of a fragment. Compile time grows with it, and the hart
/// executes the code in a lower tier meanwhile.
const MAX_INSTRUCTIONS: usize = 256;
const MAX_BLOCKS: usize = 32;
/// Upper bound on the instructions of a block, which checks the quantum once, at its start.
const MAX_BLOCK_LENGTH: u16 = 64;

/// An instruction of a block.
pub(crate) type Located = code::Located<Emit>;

/// What follows the last translated instruction of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The last instruction is a jump or branch.
    Transfer(Successors),
    /// Falls through to the next offset, translated or not.
    FallThrough,
    /// Continues with an instruction that is only interpreted.
    Interpret,
}

/// Basic block: instructions at consecutive addresses.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) start: PageOffset,
    pub(crate) instructions: Vec<Located>,
    /// Number of instructions, at most [`MAX_BLOCK_LENGTH`].
    pub(crate) length: u16,
    pub(crate) ending: Ending,
    /// Offset of the byte after the last instruction.
    pub(crate) end: PageOffset,
}

/// Unit of compilation: blocks of one page with a single entry, `head`.
#[derive(Clone, Debug)]
pub(crate) struct Fragment {
    pub(crate) head: PageOffset,
    /// Blocks by start offset; the head is always present.
    pub(crate) blocks: BTreeMap<PageOffset, Block>,
}

impl Fragment {
    /// Collects the fragment at offset `head` of a page. Stops at code that was never
    /// executed. `None` if the first instruction is not translatable.
    pub(crate) fn find(page: &PageBytes, head: PageOffset, executed: &Executed) -> Option<Self> {
        let page = Page { bytes: page, executed };
        let leaders = find_leaders(page, head);
        let blocks: BTreeMap<_, _> = leaders.iter().map(|&start| (start, scan(page, start, &leaders))).collect();
        let translated = !blocks.get(&head)?.instructions.is_empty();
        translated.then_some(Self { head, blocks })
    }

    /// Number of guest instructions.
    pub(crate) fn instructions(&self) -> usize {
        self.blocks.values().map(|block| block.instructions.len()).sum()
    }

    /// Byte ranges of the instructions in the page.
    pub(crate) fn ranges(&self) -> impl Iterator<Item = Range<PageOffset>> {
        let instructions = self.blocks.values().flat_map(|block| &block.instructions);
        instructions.map(|located| located.at..located.next)
    }

    /// Bytes of guest code.
    pub(crate) fn guest_bytes(&self) -> usize {
        self.blocks.values().map(|block| block.end.index() - block.start.index()).sum()
    }
}

/// Bytes of a page and the set of its instructions that have executed.
#[derive(Clone, Copy)]
struct Page<'a> {
    bytes: &'a PageBytes,
    executed: &'a Executed,
}

/// Block leaders, breadth-first from the head until the limit is reached.
fn find_leaders(page: Page<'_>, head: PageOffset) -> BTreeSet<PageOffset> {
    let mut leaders = BTreeSet::from([head]);
    let mut queue = VecDeque::from([head]);
    let mut instructions = 0;
    while let Some(start) = queue.pop_front() {
        let block = scan(page, start, &BTreeSet::new());
        instructions += block.instructions.len();
        if instructions > MAX_INSTRUCTIONS {
            break;
        }
        for successor in successors(&block).into_iter().filter(|&at| page.executed.contains(at)) {
            if leaders.len() < MAX_BLOCKS && leaders.insert(successor) {
                queue.push_back(successor);
            }
        }
    }
    leaders
}

/// Offsets of the page that can follow `block` directly.
pub(super) fn successors(block: &Block) -> Vec<PageOffset> {
    let behind = block.end.is_inside().then_some(block.end);
    let target = block.instructions.last().and_then(Located::target);
    let successors = match block.ending {
        Ending::Interpret => [None, None],
        Ending::FallThrough => [behind, None],
        Ending::Transfer(Successors::Target) => [target, None],
        Ending::Transfer(Successors::TargetOrBehind) => [behind, target],
        Ending::Transfer(Successors::Elsewhere) => [None, None],
    };
    successors.into_iter().flatten().collect()
}

/// Decodes from `start` to the end of the block: a transfer, an untranslatable instruction
/// or the next leader.
fn scan(page: Page<'_>, start: PageOffset, leaders: &BTreeSet<PageOffset>) -> Block {
    let (mut instructions, mut length) = (Vec::new(), 0);
    let mut at = start;
    let ending = loop {
        let unknown = at != start && (leaders.contains(&at) || !page.executed.contains(at));
        if length == MAX_BLOCK_LENGTH || unknown || !at.is_inside() {
            break Ending::FallThrough;
        }
        let Found::Instruction(insn, next) = instruction(page.bytes, at) else { break Ending::Interpret };
        let (emit, transfer) = match lowering(insn) {
            Lowering::Interpreted => break Ending::Interpret,
            Lowering::Straight(emit) => (emit, None),
            Lowering::Transfer(emit, successors) => (emit, Some(successors)),
        };
        instructions.push(Located { at, next, insn, how: emit });
        length += 1;
        at = next;
        if let Some(successors) = transfer {
            break Ending::Transfer(successors);
        }
    };
    Block { start, instructions, length, ending, end: at }
}

#[cfg(test)]
mod tests {
    use riscope_core::addr::PAGE_BYTES;

    use super::*;

    fn page_of(words: &[u32]) -> PageBytes {
        let mut page = [0; PAGE_BYTES];
        for (chunk, word) in page.chunks_exact_mut(4).zip(words) {
            chunk.copy_from_slice(&word.to_le_bytes());
        }
        page
    }

    const ADDI: u32 = 0x0015_0513; // addi a0, a0, 1
    const BNE_BACK_8: u32 = 0xfeb5_1ce3; // bne a0, a1, -8
    const ECALL: u32 = 0x0000_0073;

    #[test]
    fn a_loop_is_one_block_and_its_exit_another() {
        let page = page_of(&[ADDI, ADDI, BNE_BACK_8, ADDI, ECALL]);
        let fragment = Fragment::find(&page, PageOffset::of(0), &Executed::ALL).unwrap();
        let starts: Vec<_> = fragment.blocks.keys().copied().collect();
        assert_eq!(starts, [0, 12].map(PageOffset::of));
        assert_eq!(fragment.blocks[&PageOffset::of(0)].ending, Ending::Transfer(Successors::TargetOrBehind));
        assert_eq!(fragment.blocks[&PageOffset::of(12)].ending, Ending::Interpret);
        assert_eq!((fragment.instructions(), fragment.guest_bytes()), (4, 16));
    }

    #[test]
    fn a_leader_in_the_middle_splits_the_block() {
        // Entered at 0; the branch goes back to 4.
        let page = page_of(&[ADDI, ADDI, ADDI, BNE_BACK_8, ECALL]);
        let fragment = Fragment::find(&page, PageOffset::of(0), &Executed::ALL).unwrap();
        assert_eq!(fragment.blocks[&PageOffset::of(0)].ending, Ending::FallThrough);
        assert_eq!(fragment.blocks[&PageOffset::of(0)].end, PageOffset::of(4));
        assert_eq!(fragment.blocks[&PageOffset::of(4)].ending, Ending::Transfer(Successors::TargetOrBehind));
    }

    #[test]
    fn what_never_ran_is_left_out() {
        let page = page_of(&[ADDI, ADDI, BNE_BACK_8, ADDI, ECALL]);
        let fragment = Fragment::find(&page, PageOffset::of(0), &Executed::default()).unwrap();
        assert_eq!(fragment.blocks.len(), 1);
        assert_eq!(fragment.instructions(), 1, "the head is known to run");
    }

    #[test]
    fn untranslated_heads_give_no_fragment() {
        let page = page_of(&[ECALL, 0, 0xffff_ffff]);
        assert!(Fragment::find(&page, PageOffset::of(0), &Executed::ALL).is_none());
        assert!(Fragment::find(&page, PageOffset::of(4), &Executed::ALL).is_none());
        assert!(Fragment::find(&page, PageOffset::of(8), &Executed::ALL).is_none());
    }

    #[test]
    fn instructions_over_the_page_end_are_left_out() {
        let mut page = [0; PAGE_BYTES];
        page[4090..4094].copy_from_slice(&ADDI.to_le_bytes());
        page[4094..].copy_from_slice(&ADDI.to_le_bytes()[..2]);
        let fragment = Fragment::find(&page, PageOffset::of(4090), &Executed::ALL).unwrap();
        assert_eq!(fragment.blocks[&PageOffset::of(4090)].ending, Ending::Interpret);
        assert!(Fragment::find(&page, PageOffset::of(4094), &Executed::ALL).is_none());
    }

    #[test]
    fn units_are_bounded_whatever_the_page_holds() {
        let page = page_of(&[BNE_BACK_8; 1024]);
        let fragment = Fragment::find(&page, PageOffset::of(2048), &Executed::ALL).unwrap();
        assert!(fragment.blocks.len() <= MAX_BLOCKS);
        let page = page_of(&[ADDI; 1024]);
        let fragment = Fragment::find(&page, PageOffset::of(0), &Executed::ALL).unwrap();
        assert!(fragment.instructions() <= MAX_INSTRUCTIONS + usize::from(MAX_BLOCK_LENGTH));
    }
}
