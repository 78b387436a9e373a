//! `avx2`: vectors of 32 bytes.

use core::arch::x86_64::{
    __m128i, __m256i, _mm256_cmpeq_epi8, _mm256_movemask_epi8, _mm256_or_si256, _mm256_set1_epi8, _mm256_setzero_si256,
    _mm256_testz_si256, _mm256_xor_si256,
};

use super::{folds, streams};
use crate::arch::{accesses, has_features, implementation};
use crate::vector::Vector;

implementation!("avx2", __m256i, || has_features!(is_x86_feature_detected, "avx2"), "avx2");

impl Vector for __m256i {
    const BYTES: usize = size_of::<Self>();

    type Short = __m128i;
    type Long = Self;

    accesses!(ymm_reg, "avx2", 32, "vmovdqu {vector}, [{at} + {offset}]", "vmovdqu [{at} + {offset}], {vector}");
    streams!(ymm_reg, "avx2", 32, "vmovntdq");
    folds!(ymm_reg, "avx2", 32, or_from "vpor", xor_from "vpxor");

    #[inline(always)]
    unsafe fn splat(byte: u8) -> Self {
        // SAFETY: AVX2 is there, by the caller's contract.
        unsafe { _mm256_set1_epi8(byte.cast_signed()) }
    }

    #[inline(always)]
    fn xor(self, other: Self) -> Self {
        // SAFETY: AVX2 is there, because there is a vector.
        unsafe { _mm256_xor_si256(self, other) }
    }

    #[inline(always)]
    fn or(self, other: Self) -> Self {
        // SAFETY: AVX2 is there, because there is a vector.
        unsafe { _mm256_or_si256(self, other) }
    }

    #[inline(always)]
    fn is_zero(self) -> bool {
        // SAFETY: AVX2 is there, because there is a vector.
        unsafe { _mm256_testz_si256(self, self) == 1 }
    }

    #[inline(always)]
    fn first_nonzero(self) -> Option<usize> {
        // SAFETY: AVX2 is there, because there is a vector.
        let zeros = unsafe { _mm256_movemask_epi8(_mm256_cmpeq_epi8(self, _mm256_setzero_si256())) };
        let nonzero = !zeros.cast_unsigned();
        if nonzero == 0 { None } else { Some(nonzero.trailing_zeros() as usize) }
    }
}
