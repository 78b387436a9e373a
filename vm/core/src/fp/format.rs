//! Interchange formats, defined by width and fraction length.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "`narrow` keeps the low bits by contract, and the constants are far below the limits of i32"
)]

use std::fmt::{Debug, LowerHex};

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::F32 {}
    impl Sealed for super::F64 {}
}

/// A binary interchange format of IEEE 754-2019, section 3.4.
///
/// Masks and patterns are `u64` for both formats, in the low [`WIDTH`] bits.
///
/// [`WIDTH`]: Format::WIDTH
pub trait Format: Copy + Debug + sealed::Sealed {
    /// Integer type of an encoding.
    type Bits: Copy + Eq + Debug + LowerHex + Into<u64>;

    /// Width of an encoding in bits.
    const WIDTH: u32;
    /// Number of stored fraction bits.
    const FRACTION_BITS: u32;

    /// The sign bit.
    const SIGN: u64 = 1 << (Self::WIDTH - 1);
    /// Mask of the fraction bits.
    const FRACTION: u64 = (1 << Self::FRACTION_BITS) - 1;
    /// Mask of the exponent bits, which is the encoding of positive infinity.
    const INFINITY: u64 = Self::SIGN - 1 - Self::FRACTION;
    /// The encoding of the largest finite number.
    const MAX_FINITE: u64 = Self::INFINITY - 1;
    /// Fraction bit that distinguishes quiet from signalling NaNs.
    const QUIET: u64 = 1 << (Self::FRACTION_BITS - 1);
    /// The canonical NaN, result of all operations that yield a NaN: positive, quiet,
    /// payload zero (unprivileged specification, "NaN Generation and Propagation").
    const CANONICAL_NAN: u64 = Self::INFINITY | Self::QUIET;
    /// Exponent of the largest finite number, as in 1.f * 2^e.
    const EXPONENT_MAX: i32 = (1 << (Self::WIDTH - Self::FRACTION_BITS - 2)) - 1;
    /// Exponent of the smallest normal number.
    const EXPONENT_MIN: i32 = 1 - Self::EXPONENT_MAX;
    /// Exponent of the last place of subnormal numbers.
    const EXPONENT_SUBNORMAL: i32 = Self::EXPONENT_MIN - Self::FRACTION_BITS as i32;

    /// The encoding in the low [`WIDTH`](Format::WIDTH) bits of `bits`.
    fn narrow(bits: u64) -> Self::Bits;
}

/// binary32, the format of the F extension.
#[derive(Clone, Copy, Debug)]
pub struct F32;

/// binary64, the format of the D extension.
#[derive(Clone, Copy, Debug)]
pub struct F64;

impl Format for F32 {
    type Bits = u32;

    const WIDTH: u32 = 32;
    const FRACTION_BITS: u32 = 23;

    fn narrow(bits: u64) -> u32 {
        bits as u32
    }
}

impl Format for F64 {
    type Bits = u64;

    const WIDTH: u32 = 64;
    const FRACTION_BITS: u32 = 52;

    fn narrow(bits: u64) -> u64 {
        bits
    }
}

#[cfg(test)]
mod tests {
    use super::{F32, F64, Format};

    #[test]
    fn derived_constants_are_those_of_the_host_formats() {
        assert_eq!(F32::INFINITY, u64::from(f32::INFINITY.to_bits()));
        assert_eq!(F32::MAX_FINITE, u64::from(f32::MAX.to_bits()));
        assert_eq!(F32::CANONICAL_NAN, 0x7fc0_0000);
        assert_eq!((F32::EXPONENT_MIN, F32::EXPONENT_MAX, F32::EXPONENT_SUBNORMAL), (-126, 127, -149));

        assert_eq!(F64::INFINITY, f64::INFINITY.to_bits());
        assert_eq!(F64::MAX_FINITE, f64::MAX.to_bits());
        assert_eq!(F64::CANONICAL_NAN, 0x7ff8_0000_0000_0000);
        assert_eq!((F64::EXPONENT_MIN, F64::EXPONENT_MAX, F64::EXPONENT_SUBNORMAL), (-1022, 1023, -1074));
    }
}
