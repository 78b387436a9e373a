//! `sse2`: vectors of 16 bytes.

use core::arch::x86_64::{
    __m128i, _mm_cmpeq_epi8, _mm_movemask_epi8, _mm_or_si128, _mm_set1_epi8, _mm_setzero_si128, _mm_xor_si128,
};

use super::streams;
use crate::arch::{accesses, implementation};
use crate::vector::Vector;

implementation!("sse2", __m128i, || true, "sse2");

/// Mask of the zero bytes, with the first byte lowest. SSE2 has no test for "all zero";
/// SSE4.1 introduced it.
#[inline(always)]
fn zeros(vector: __m128i) -> u32 {
    // SAFETY: SSE2 belongs to x86-64.
    unsafe { _mm_movemask_epi8(_mm_cmpeq_epi8(vector, _mm_setzero_si128())) }.cast_unsigned()
}

/// [`zeros`] of an all-zero vector.
const ALL: u32 = 0xffff;

impl Vector for __m128i {
    const BYTES: usize = size_of::<Self>();

    type Short = Self;
    type Long = Self;

    #[cfg(not(target_feature = "avx"))]
    accesses!(xmm_reg, "sse2", 16, "movdqu {vector}, [{at} + {offset}]", "movdqu [{at} + {offset}], {vector}");
    #[cfg(not(target_feature = "avx"))]
    streams!(xmm_reg, "sse2", 16, "movntdq");

    // In code for CPUs with AVX, whose upper halves of registers the old encodings would have to keep.
    #[cfg(target_feature = "avx")]
    accesses!(xmm_reg, "sse2", 16, "vmovdqu {vector}, [{at} + {offset}]", "vmovdqu [{at} + {offset}], {vector}");
    #[cfg(target_feature = "avx")]
    streams!(xmm_reg, "sse2", 16, "vmovntdq");

    #[inline(always)]
    unsafe fn splat(byte: u8) -> Self {
        // SAFETY: SSE2 belongs to x86-64.
        unsafe { _mm_set1_epi8(byte.cast_signed()) }
    }

    #[inline(always)]
    fn xor(self, other: Self) -> Self {
        // SAFETY: SSE2 belongs to x86-64.
        unsafe { _mm_xor_si128(self, other) }
    }

    #[inline(always)]
    fn or(self, other: Self) -> Self {
        // SAFETY: SSE2 belongs to x86-64.
        unsafe { _mm_or_si128(self, other) }
    }

    #[inline(always)]
    fn is_zero(self) -> bool {
        zeros(self) == ALL
    }

    #[inline(always)]
    fn first_nonzero(self) -> Option<usize> {
        let nonzero = zeros(self) ^ ALL;
        if nonzero == 0 { None } else { Some(nonzero.trailing_zeros() as usize) }
    }
}
