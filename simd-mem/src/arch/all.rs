//! `scalar`, for every CPU: a vector is a word of eight bytes.

use super::implementation;
use crate::vector::Vector;

implementation!("scalar", u64, || true);

impl Vector for u64 {
    const BYTES: usize = size_of::<Self>();

    #[inline(always)]
    unsafe fn load(at: *const u8) -> Self {
        // The first byte becomes the lowest one, as `first_nonzero` counts.
        // SAFETY: readable by the caller's promise; alignment is not needed.
        Self::from_le(unsafe { at.cast::<Self>().read_unaligned() })
    }

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
