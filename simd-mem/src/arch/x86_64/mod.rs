//! x86-64: SSE2 belongs to the architecture, AVX2 is in servers since 2013 (Intel)
//! and 2015 (AMD).

use super::all;
use crate::Implementation;

mod avx2;
mod sse2;

/// Best first.
pub(crate) static IMPLEMENTATIONS: &[&Implementation] =
    &[&avx2::IMPLEMENTATION, &sse2::IMPLEMENTATION, &all::IMPLEMENTATION];
