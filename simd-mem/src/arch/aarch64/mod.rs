//! AArch64, little-endian: every server has Advanced SIMD.

use super::all;
use crate::Implementation;

mod neon;

/// Best first.
pub(crate) static IMPLEMENTATIONS: &[&Implementation] = &[&neon::IMPLEMENTATION, &all::IMPLEMENTATION];
