//! `neon` (Advanced SIMD): vectors of 16 bytes.

use core::arch::aarch64::{
    uint8x16_t, vdupq_n_u8, veorq_u8, vget_lane_u64, vmaxvq_u32, vorrq_u8, vreinterpret_u64_u8, vreinterpretq_u16_u8,
    vreinterpretq_u32_u8, vshrn_n_u16, vtstq_u8,
};

use crate::arch::{accesses, has_features, implementation};
use crate::vector::Vector;

implementation!("neon", uint8x16_t, || has_features!(is_aarch64_feature_detected, "neon"), "neon");

/// Bits of the mask in `first_nonzero` per byte.
const MASK_BITS: usize = 4;

impl Vector for uint8x16_t {
    const BYTES: usize = size_of::<Self>();

    type Short = Self;
    type Long = Self;

    accesses!(vreg, "neon", 16, "ldr {vector:q}, [{at}, #{offset}]", "str {vector:q}, [{at}, #{offset}]");

    /// Stores two pairs with a non-temporal hint.
    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn stream(four: (Self, Self, Self, Self), at: *mut u8) {
        // SAFETY: four stores to writable bytes, by the caller's contract.
        unsafe {
            core::arch::asm!(
                "stnp {first:q}, {second:q}, [{at}]",
                "stnp {third:q}, {fourth:q}, [{at}, #32]",
                at = in(reg) at,
                first = in(vreg) four.0,
                second = in(vreg) four.1,
                third = in(vreg) four.2,
                fourth = in(vreg) four.3,
                options(nostack, preserves_flags),
            );
        }
    }

    /// Does nothing: the hint does not change the order of stores.
    #[inline(always)]
    fn fence() {}

    #[inline(always)]
    unsafe fn splat(byte: u8) -> Self {
        // SAFETY: NEON is there, by the caller's contract.
        unsafe { vdupq_n_u8(byte) }
    }

    #[inline(always)]
    fn xor(self, other: Self) -> Self {
        // SAFETY: NEON is there, because there is a vector.
        unsafe { veorq_u8(self, other) }
    }

    #[inline(always)]
    fn or(self, other: Self) -> Self {
        // SAFETY: NEON is there, because there is a vector.
        unsafe { vorrq_u8(self, other) }
    }

    #[inline(always)]
    fn is_zero(self) -> bool {
        // SAFETY: NEON is there, because there is a vector.
        unsafe { vmaxvq_u32(vreinterpretq_u32_u8(self)) == 0 }
    }

    #[inline(always)]
    fn first_nonzero(self) -> Option<usize> {
        // NEON has no instruction that collects one bit of each byte. Bytes are made
        // 0xff where they are not zero; then each pair of them, as a 16-bit lane, is
        // shifted right by four and narrowed to a byte: four bits of the mask for
        // each byte of the vector, the first byte's lowest.
        // SAFETY: NEON is there, because there is a vector.
        let mask = unsafe {
            let pairs = vreinterpretq_u16_u8(vtstq_u8(self, self));
            vget_lane_u64::<0>(vreinterpret_u64_u8(vshrn_n_u16::<4>(pairs)))
        };
        if mask == 0 { None } else { Some(mask.trailing_zeros() as usize / MASK_BITS) }
    }
}
