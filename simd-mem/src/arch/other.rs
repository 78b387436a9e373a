//! Targets without vectors of their own.

use super::all;
use crate::implementation::Implementation;

/// Best first.
pub(crate) static IMPLEMENTATIONS: &[&Implementation] = &[&all::IMPLEMENTATION];

/// There is no way to ask that would work on every CPU.
pub(crate) fn last_cache_bytes() -> Option<usize> {
    None
}
