//! From how many bytes on copies and fills go past the caches.
//!
//! A store to memory that no cache holds first reads the line that it is about to
//! overwrite. Streaming stores save that, a third of a copy's traffic and half of a
//! fill's, and leave to others what is in the caches; but whoever reads the
//! destination next has to fetch it from memory. So they pay where the destination
//! would not stay in the last cache anyway, and the thresholds follow its size.

use core::sync::atomic::{AtomicUsize, Ordering};

/// The last cache of a CPU that does not say.
const UNKNOWN_CACHE: usize = 8 << 20;

static COPY_NONTEMPORAL: AtomicUsize = AtomicUsize::new(UNKNOWN_CACHE);
static FILL_NONTEMPORAL: AtomicUsize = AtomicUsize::new(UNKNOWN_CACHE);

/// Bytes from which on a copy between ranges that do not overlap streams.
#[inline(always)]
pub(crate) fn copy_nontemporal() -> usize {
    COPY_NONTEMPORAL.load(Ordering::Relaxed)
}

/// Bytes from which on a fill streams.
#[inline(always)]
pub(crate) fn fill_nontemporal() -> usize {
    FILL_NONTEMPORAL.load(Ordering::Relaxed)
}

/// Follows the last cache of this CPU.
pub(crate) fn adapt() {
    let cache = crate::arch::last_cache_bytes().unwrap_or(UNKNOWN_CACHE);
    COPY_NONTEMPORAL.store(cache, Ordering::Relaxed);
    FILL_NONTEMPORAL.store(cache, Ordering::Relaxed);
}
