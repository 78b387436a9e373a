//! x86-64: SSE2 is part of the architecture; servers have AVX2 since 2013 (Intel) and 2015
//! (AMD), AVX-512 with bytes and words since 2017 (Intel) and 2022 (AMD).

use core::arch::x86_64::{__cpuid, __cpuid_count};

use super::all;
use crate::implementation::Implementation;

mod avx2;
mod avx512;
mod sse2;

/// Best first.
pub(crate) static IMPLEMENTATIONS: &[&Implementation] =
    &[&avx512::IMPLEMENTATION, &avx2::IMPLEMENTATION, &sse2::IMPLEMENTATION, &all::IMPLEMENTATION];

/// `cpuid` leaves that describe the caches, one per subleaf, in the same format: Intel's,
/// and AMD's since Zen.
const CACHES: [u32; 2] = [0x4, 0x8000_001d];
/// Upper bound on the number of cache levels.
const MOST_CACHES: u32 = 8;

/// Size of the last-level cache in bytes.
pub(crate) fn last_cache_bytes() -> Option<usize> {
    CACHES.into_iter().filter_map(described_by).max()
}

/// Size of the largest cache that a leaf of `cpuid` describes.
fn described_by(leaf: u32) -> Option<usize> {
    // The first leaf of a range gives the last one supported.
    if __cpuid(leaf & 0x8000_0000).eax < leaf {
        return None;
    }
    (0..MOST_CACHES)
        .map(|index| __cpuid_count(leaf, index))
        .take_while(|cache| cache.eax & 0x1f != 0)
        .map(|cache| {
            let ways = (cache.ebx >> 22) as usize + 1;
            let partitions = (cache.ebx >> 12 & 0x3ff) as usize + 1;
            let line = (cache.ebx & 0xfff) as usize + 1;
            ways * partitions * line * (cache.ecx as usize + 1)
        })
        .max()
}

/// Streaming stores of vectors are ordered by fences alone.
macro_rules! streams {
    ($class:ident, $features:literal, $bytes:literal, $stream:literal) => {
        #[inline]
        #[target_feature(enable = $features)]
        unsafe fn stream(four: (Self, Self, Self, Self), at: *mut u8) {
            // SAFETY: four stores to writable, aligned bytes, by the caller's contract.
            unsafe {
                core::arch::asm!(
                    concat!($stream, " [{at}], {first}"),
                    concat!($stream, " [{at} + ", $bytes, "], {second}"),
                    concat!($stream, " [{at} + 2 * ", $bytes, "], {third}"),
                    concat!($stream, " [{at} + 3 * ", $bytes, "], {fourth}"),
                    at = in(reg) at,
                    first = in($class) four.0,
                    second = in($class) four.1,
                    third = in($class) four.2,
                    fourth = in($class) four.3,
                    options(nostack, preserves_flags),
                );
            }
        }

        #[inline(always)]
        fn fence() {
            // SAFETY: SSE belongs to x86-64.
            unsafe { core::arch::x86_64::_mm_sfence() }
        }
    };
}

/// Operations with one operand in memory, which the newer encodings allow to be unaligned.
macro_rules! folds {
    ($class:ident, $features:literal, $bytes:literal, $($name:ident $operation:literal),+) => { $(
        #[inline]
        #[target_feature(enable = $features)]
        unsafe fn $name<const N: isize>(self, at: *const u8) -> Self {
            let vector: Self;
            // SAFETY: one load of readable bytes, by the caller's contract.
            unsafe {
                core::arch::asm!(
                    concat!($operation, " {vector}, {this}, [{at} + {offset}]"),
                    vector = lateout($class) vector,
                    this = in($class) self,
                    at = in(reg) at,
                    offset = const N * $bytes,
                    options(nostack, preserves_flags, readonly),
                );
            }
            vector
        }
    )+ };
}

use {folds, streams};
