//! AArch64, little-endian: every server has Advanced SIMD.

use super::all;
use crate::Implementation;

mod neon;

/// Best first.
pub(crate) static IMPLEMENTATIONS: &[&Implementation] = &[&neon::IMPLEMENTATION, &all::IMPLEMENTATION];

/// The vector of what is inlined into callers: on targets whose code may use vectors
/// without asking, which are all with an operating system.
#[cfg(target_feature = "neon")]
pub(crate) type Baseline = core::arch::aarch64::uint8x16_t;
/// The vector of what is inlined into callers.
#[cfg(not(target_feature = "neon"))]
pub(crate) type Baseline = u64;

/// The registers that describe caches cannot be read by programs.
pub(crate) fn last_cache_bytes() -> Option<usize> {
    None
}
