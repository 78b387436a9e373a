//! Lengths from which copies and fills bypass the caches.
//!
//! A store to memory that no cache holds first reads the line that it overwrites. Streaming
//! stores avoid this read, a third of a copy's traffic and half of a fill's, and preserve
//! the contents of the caches; but the next reader of the destination must fetch it from
//! memory. They pay off if the data would not stay in the last-level cache anyway, so the
//! thresholds follow its size: half of it for a copy, which has two sides, all of it for a
//! fill.
//!
//! Measured on Zen 4 (L3 of 32 MiB): streaming copies of 8 MiB take about as long but leave
//! nothing in the cache; copies of 16 MiB are faster by half. The report has the figures.
//! There is no threshold for `rep movsb`: it is slower by a tenth from 2 to 16 KiB, equal
//! from 32 KiB on, and slower by a factor of 16 to 30 if the destination lies a few bytes
//! further into its page than the source. Other CPUs have not been measured; they get the
//! same rule with the size of their own cache.

use core::sync::atomic::{AtomicUsize, Ordering};

/// Assumed size of the last-level cache if the CPU does not report it.
const UNKNOWN_CACHE: usize = 8 << 20;

static LAST_CACHE: AtomicUsize = AtomicUsize::new(UNKNOWN_CACHE);

/// Size of the last-level cache in bytes, from which fills stream.
#[inline(always)]
pub(crate) fn last_cache() -> usize {
    LAST_CACHE.load(Ordering::Relaxed)
}

/// Length from which copies between ranges that do not overlap stream.
#[inline(always)]
pub(crate) fn copy_nontemporal() -> usize {
    last_cache() / 2
}

/// Adapts the thresholds to the size of the last-level cache, if it is known.
pub(crate) fn adapt(last_cache: Option<usize>) {
    LAST_CACHE.store(last_cache.unwrap_or(UNKNOWN_CACHE), Ordering::Relaxed);
}
