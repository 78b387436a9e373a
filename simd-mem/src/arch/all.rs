//! `scalar`, for every CPU: vectors are 8-byte words.

use super::implementation;
use crate::generic::word::{self, Word};
use crate::vector::Vector;

implementation!("scalar", u64, || true);

/// Bytes of a word, for offsets.
const SIZE: isize = size_of::<u64>().cast_signed();

/// A word, whose lowest byte is the first in memory.
impl Vector for u64 {
    const BYTES: usize = size_of::<Self>();

    type Short = Self;
    type Long = Self;

    #[inline(always)]
    unsafe fn splat(byte: u8) -> Self {
        word::repeat(byte)
    }

    #[inline(always)]
    unsafe fn load<const N: isize>(at: *const u8) -> Self {
        // SAFETY: readable by the caller's contract.
        unsafe { <Self as Word>::load(at.wrapping_offset(N * SIZE)) }
    }

    #[inline(always)]
    unsafe fn store<const N: isize>(self, at: *mut u8) {
        // SAFETY: writable by the caller's contract.
        unsafe { <Self as Word>::store(self, at.wrapping_offset(N * SIZE)) }
    }

    /// Ordinary stores, through the caches.
    #[inline(always)]
    unsafe fn stream(four: (Self, Self, Self, Self), at: *mut u8) {
        // SAFETY: by the caller's contract.
        unsafe { Self::store_four(four, at) }
    }

    #[inline(always)]
    fn fence() {}

    #[inline(always)]
    fn xor(self, other: Self) -> Self {
        self ^ other
    }

    #[inline(always)]
    fn or(self, other: Self) -> Self {
        self | other
    }

    #[inline(always)]
    fn is_zero(self) -> bool {
        self == 0
    }

    #[inline(always)]
    fn first_nonzero(self) -> Option<usize> {
        if self == 0 { None } else { Some(self.trailing_zeros() as usize / 8) }
    }
}
