//! Huge pages of the host for guest RAM.

use rustix::mm::{Advice, madvise};

/// Asks the host to back a private anonymous mapping with huge pages, which spare
/// page faults and host TLB misses. Without effect on hosts that do not offer them.
pub(super) fn prefer(start: *mut u8, len: usize) {
    // SAFETY: the advice changes no content of the mapping.
    let _ = unsafe { madvise(start.cast(), len, Advice::LinuxHugepage) };
}
