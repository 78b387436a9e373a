//! From how many bytes on copies and fills go past the caches.
//!
//! A store to memory that no cache holds first reads the line that it is about to
//! overwrite. Streaming stores save that, a third of a copy's traffic and half of a
//! fill's, and leave to others what is in the caches; but whoever reads the
//! destination next has to fetch it from memory. So they pay where what is copied or
//! filled would not stay in the last cache anyway, and the thresholds follow its size:
//! half of it for a copy, of which there are two sides, all of it for a fill.
//!
//! Measured on Zen 4 (L3 of 32 MiB): copies of 8 MiB take about as long when they stream
//! but leave nothing in the cache, copies of 16 MiB are faster by half; the report has
//! the figures. There is no threshold for `rep movsb`: from 2 to 16 KiB it is slower by
//! a tenth, from 32 KiB on equal, and where the destination lies a few bytes further
//! into its page than the source, slower by a factor of 16 to 30. Other CPUs have not
//! been measured; they get the same rule with their own size.

use core::sync::atomic::{AtomicUsize, Ordering};

/// The last cache of a CPU that does not say.
const UNKNOWN_CACHE: usize = 8 << 20;

static LAST_CACHE: AtomicUsize = AtomicUsize::new(UNKNOWN_CACHE);

/// Bytes of the last cache: from here on fills stream.
#[inline(always)]
pub(crate) fn last_cache() -> usize {
    LAST_CACHE.load(Ordering::Relaxed)
}

/// Bytes from which on a copy between ranges that do not overlap streams.
#[inline(always)]
pub(crate) fn copy_nontemporal() -> usize {
    last_cache() / 2
}

/// Adapts the thresholds to a CPU whose last cache has so many bytes, if it says so.
pub(crate) fn adapt(last_cache: Option<usize>) {
    LAST_CACHE.store(last_cache.unwrap_or(UNKNOWN_CACHE), Ordering::Relaxed);
}
