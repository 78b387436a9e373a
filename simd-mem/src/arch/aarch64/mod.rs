//! AArch64, little-endian: Advanced SIMD, which every server has.

use super::all;
use crate::implementation::Implementation;

mod neon;

/// Best first.
pub(crate) static IMPLEMENTATIONS: &[&Implementation] = &[&neon::IMPLEMENTATION, &all::IMPLEMENTATION];

/// Not available: user programs cannot read the registers that describe caches.
pub(crate) fn last_cache_bytes() -> Option<usize> {
    None
}
