//! Targets without vectors.

use super::all;
use crate::implementation::Implementation;

/// Best first.
pub(crate) static IMPLEMENTATIONS: &[&Implementation] = &[&all::IMPLEMENTATION];

/// Not available: no portable way exists.
pub(crate) fn last_cache_bytes() -> Option<usize> {
    None
}
