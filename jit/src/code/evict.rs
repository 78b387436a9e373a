//! Eviction: the code of the oldest segment goes when new code needs the space.
//!
//! Its translations are forgotten, jumps to them lead to where the engine goes on, and its own jumps are
//! patched no more. Other code of the same pages stays.

use std::ops::Range;
use std::sync::atomic::Ordering;

use super::cache::{CodeCache, Inner};
use super::segment::Contents;
use super::unit::Evicted;
use crate::sys;

/// Bytes that the entries of pages may take: enough for gcc, not for all of cargo.
const MAX_ENTRIES: usize = 12 << 20;

impl Inner {
    fn are_entries_too_large(&self) -> bool {
        self.entries > MAX_ENTRIES
    }
}

impl CodeCache {
    /// Evicts the code of the oldest segment, if it will be filled next or if the entries of
    /// pages take too much memory.
    pub(super) fn vacate(&self, inner: &mut Inner) -> Option<Evicted> {
        if !inner.segments.is_next_occupied() && !inner.are_entries_too_large() {
            return None;
        }
        let epoch = self.epoch.load(Ordering::SeqCst) + 1;
        let Contents { range, pages, bytes } = inner.segments.vacate_oldest(epoch);
        let mut evicted = Evicted { blocks: 0, bytes: bytes.iter().sum() };
        for number in pages {
            evicted.blocks += self.evict_from(inner, number, &range);
        }
        for (used, bytes) in inner.bytes.iter_mut().zip(bytes) {
            *used -= bytes;
        }
        self.epoch.store(epoch, Ordering::SeqCst);
        self.count(inner);
        Some(evicted)
    }

    /// Forgets the translations of a page in this part of the arena, and the page if it has no
    /// other. Returns their number.
    fn evict_from(&self, inner: &mut Inner, number: u64, part: &Range<usize>) -> u32 {
        let Some(page) = inner.pages.get_mut(&number) else { return 0 };
        let gone = page.evict(part, &self.arena, self.thunks.resolve);
        page.count(&mut inner.entries);
        let unused = page.is_unused();
        for (blocks, gone) in inner.blocks.iter_mut().zip(gone) {
            *blocks -= u64::from(gone);
        }
        if unused {
            self.drop_page(inner, number);
        }
        gone.iter().sum()
    }

    /// Whether all harts have observed an epoch, so that code may be placed where other code was:
    /// none of them executes what was there, nor has it in its caches of instructions.
    pub(super) fn have_left(&self, epoch: u64) -> bool {
        let left = self.oldest_seen() >= epoch;
        if left {
            sys::synchronise_cores();
        }
        left
    }
}
