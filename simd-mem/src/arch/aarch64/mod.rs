//! AArch64, little-endian: every server has Advanced SIMD.

use super::all;
use crate::implementation::Implementation;

mod neon;

/// Best first.
pub(crate) static IMPLEMENTATIONS: &[&Implementation] = &[&neon::IMPLEMENTATION, &all::IMPLEMENTATION];

/// The registers that describe caches cannot be read by programs.
pub(crate) fn last_cache_bytes() -> Option<usize> {
    None
}
