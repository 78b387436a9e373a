//! Which harts may be executing generated code, and how far behind each may be:
//! the harts' side of reclamation, see `cache.rs`.

use std::sync::atomic::Ordering;

use super::cache::{CodeCache, OFFLINE};
use crate::jump_cache::JumpCache;

/// A hart that may execute generated code. Dropping it announces that the hart has
/// left.
#[derive(Debug)]
pub(crate) struct Online<'a> {
    cache: &'a CodeCache,
    hart: usize,
}

impl<'a> Online<'a> {
    /// Announces hart `hart`.
    pub(crate) fn new(cache: &'a CodeCache, hart: usize) -> Self {
        cache.seen[hart].store(cache.epoch.load(Ordering::SeqCst), Ordering::SeqCst);
        Self { cache, hart }
    }

    /// Does something that may wait for the other harts, or for this one to leave
    /// generated code. [`Online::quiesce`] has to follow.
    pub(crate) fn while_absent(&self, wait: impl FnOnce()) {
        let seen = &self.cache.seen[self.hart];
        seen.store(OFFLINE, Ordering::SeqCst);
        wait();
        seen.store(self.cache.epoch.load(Ordering::SeqCst), Ordering::SeqCst);
    }

    /// Announces that the hart is outside generated code. Returns the epoch: when
    /// it is not the one that the hart's jump cache was filled in, the jump cache
    /// has to be cleared before generated code is entered.
    pub(crate) fn quiesce(&self, jump_cache: &mut JumpCache, filled_in: &mut u64) {
        let epoch = self.cache.epoch.load(Ordering::SeqCst);
        if *filled_in != epoch {
            jump_cache.clear();
            *filled_in = epoch;
        }
        if self.cache.seen[self.hart].swap(epoch, Ordering::SeqCst) != epoch {
            self.cache.reclaim();
        }
    }
}

impl Drop for Online<'_> {
    fn drop(&mut self) {
        self.cache.seen[self.hart].store(OFFLINE, Ordering::SeqCst);
    }
}
