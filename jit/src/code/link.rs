//! Direct jumps between fragments of a page, as code of templates has them: jumps and calls
//! whose distance is patched whenever the code at their target is another.
//!
//! Harts may execute a jump while it is patched. Its distance is aligned, so that they find
//! the old one or the new one.

use std::ops::Range;

use riscope_core::addr::PageOffset;

use crate::arena::Arena;

/// Alignment of a distance in the code, which places its part at a multiple of it.
pub(crate) const DISTANCE_ALIGN: usize = 4;

/// A jump or call in a fragment to another one of its page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    /// Offset in the code of the four bytes with the distance, from behind them.
    pub(crate) at: usize,
    pub(crate) target: PageOffset,
}

/// Such a jump, by its place in the arena.
#[derive(Clone, Copy, Debug)]
struct Site {
    target: PageOffset,
    at: u32,
}

/// The jumps of a page, in the order of their targets.
#[derive(Debug, Default)]
pub(super) struct Links(Vec<Site>);

impl Links {
    /// Number of jumps.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Adds the jump whose distance is at `at` in the arena, which leads to `code` for now.
    #[expect(clippy::cast_possible_truncation, reason = "the arena is smaller than 2 GiB")]
    pub(super) fn add(&mut self, arena: &Arena, at: usize, target: PageOffset, code: *const u8) {
        arena.point(at, code);
        let place = self.0.partition_point(|site| site.target <= target);
        self.0.insert(place, Site { target, at: at as u32 });
    }

    /// Leads all jumps to `target` to `code`.
    pub(super) fn lead(&self, arena: &Arena, target: PageOffset, code: *const u8) {
        let first = self.0.partition_point(|site| site.target < target);
        for site in self.0[first..].iter().take_while(|site| site.target == target) {
            arena.point(site.at as usize, code);
        }
    }

    /// Leads all jumps to `code`.
    pub(super) fn lead_all(&self, arena: &Arena, code: *const u8) {
        for site in &self.0 {
            arena.point(site.at as usize, code);
        }
    }

    /// Forgets the jumps in this part of the arena: what is there is patched no more.
    pub(super) fn forget(&mut self, part: &Range<usize>) {
        self.0.retain(|site| !part.contains(&(site.at as usize)));
    }
}
