//! `avx512` (F, BW, VL): vectors of 64 bytes, a whole cache line.

use core::arch::x86_64::{
    __m128i, __m256i, __m512i, _mm512_or_si512, _mm512_set1_epi8, _mm512_test_epi8_mask, _mm512_test_epi64_mask,
    _mm512_xor_si512,
};

use super::{folds, streams};
use crate::arch::{accesses, has_features, implementation};
use crate::vector::Vector;

implementation!(
    "avx512",
    __m512i,
    || has_features!(is_x86_feature_detected, "avx512f", "avx512bw", "avx512vl"),
    "avx512f,avx512bw,avx512vl"
);

impl Vector for __m512i {
    const BYTES: usize = size_of::<Self>();

    type Short = __m128i;
    type Long = __m256i;

    accesses!(zmm_reg, "avx512f", 64, "vmovdqu64 {vector}, [{at} + {offset}]", "vmovdqu64 [{at} + {offset}], {vector}");
    streams!(zmm_reg, "avx512f", 64, "vmovntdq");
    folds!(zmm_reg, "avx512f", 64, or_from "vporq", xor_from "vpxorq");

    #[inline(always)]
    unsafe fn splat(byte: u8) -> Self {
        // SAFETY: AVX-512 is there, by the caller's contract.
        unsafe { _mm512_set1_epi8(byte.cast_signed()) }
    }

    #[inline(always)]
    fn xor(self, other: Self) -> Self {
        // SAFETY: AVX-512 is there, because there is a vector.
        unsafe { _mm512_xor_si512(self, other) }
    }

    #[inline(always)]
    fn or(self, other: Self) -> Self {
        // SAFETY: AVX-512 is there, because there is a vector.
        unsafe { _mm512_or_si512(self, other) }
    }

    #[inline(always)]
    fn is_zero(self) -> bool {
        // SAFETY: AVX-512 is there, because there is a vector.
        unsafe { _mm512_test_epi64_mask(self, self) == 0 }
    }

    #[inline(always)]
    fn first_nonzero(self) -> Option<usize> {
        // SAFETY: AVX-512 is there, because there is a vector.
        let nonzero = unsafe { _mm512_test_epi8_mask(self, self) };
        if nonzero == 0 { None } else { Some(nonzero.trailing_zeros() as usize) }
    }
}
