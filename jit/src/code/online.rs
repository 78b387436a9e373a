//! Epoch announcements of harts that execute generated code: the readers' side of the
//! reclamation in `cache.rs`.

use std::sync::atomic::Ordering;

use super::cache::{CodeCache, OFFLINE};
use crate::jump_cache::JumpCache;

/// A hart that may execute generated code. Dropping it takes the hart offline.
#[derive(Debug)]
pub(crate) struct Online<'a> {
    cache: &'a CodeCache,
    hart: usize,
}

impl<'a> Online<'a> {
    /// Brings hart `hart` online.
    pub(crate) fn new(cache: &'a CodeCache, hart: usize) -> Self {
        cache.seen[hart].store(cache.epoch.load(Ordering::SeqCst), Ordering::SeqCst);
        Self { cache, hart }
    }

    /// Runs `wait` with the hart offline, so that it may wait for the compiler or for other
    /// harts. Call [`Online::quiesce`] afterwards.
    pub(crate) fn while_absent(&self, wait: impl FnOnce()) {
        let seen = &self.cache.seen[self.hart];
        seen.store(OFFLINE, Ordering::SeqCst);
        wait();
        seen.store(self.cache.epoch.load(Ordering::SeqCst), Ordering::SeqCst);
    }

    /// Announces a quiescent state: the hart is outside of generated code. Clears
    /// `jump_cache` if it was filled in an older epoch, given by `filled_in`, and updates
    /// that.
    pub(crate) fn quiesce(&self, jump_cache: &mut JumpCache, filled_in: &mut u64) {
        let epoch = self.cache.epoch.load(Ordering::SeqCst);
        if *filled_in != epoch {
            jump_cache.clear_code();
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
