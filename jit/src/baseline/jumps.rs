//! Which blocks of a fragment are jumped to.

/// Instructions of a fragment at most: what a hart translates without a noticeable pause.
pub(super) const MAX_INSTRUCTIONS: usize = 64;

/// Which blocks of a fragment are jumped to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Jumps {
    pub(super) to: Blocks,
    /// From a block that is not in front of them: every cycle has one.
    pub(super) back_to: Blocks,
}

/// A set of blocks of a fragment.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Blocks(u64);
const _: () = assert!(MAX_INSTRUCTIONS <= u64::BITS as usize);

impl Blocks {
    pub(super) fn insert(&mut self, block: usize) {
        self.0 |= 1 << block;
    }

    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) fn contains(self, block: usize) -> bool {
        self.0 >> block & 1 != 0
    }
}
