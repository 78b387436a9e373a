//! Conversions between floating-point formats and to and from integers
//! (unprivileged specification, "Single-Precision Floating-Point Conversion and
//! Move Instructions" and the corresponding section of chapter D).

#![expect(
    clippy::cast_possible_wrap,
    clippy::cast_possible_truncation,
    reason = "exponents stay within a few thousand, and the fraction is the low half of a fixed-point word on purpose"
)]

use super::flags::Flags;
use super::format::Format;
use super::round::{Exact, RoundingMode, round_pack, rounds_away, shift_right_sticky};
use super::unpack::{Magnitude, propagate_nan, unpack, with_sign};

/// Integer type of a conversion instruction: W, WU, L or LU.
pub trait Integer: Copy + Into<i128> + TryFrom<i128> {
    /// Smallest value; the result of negative overflow.
    const MIN: Self;
    /// Largest value; the result of positive overflow and of NaNs.
    const MAX: Self;
}

impl Integer for i32 {
    const MIN: Self = i32::MIN;
    const MAX: Self = i32::MAX;
}

impl Integer for u32 {
    const MIN: Self = u32::MIN;
    const MAX: Self = u32::MAX;
}

impl Integer for i64 {
    const MIN: Self = i64::MIN;
    const MAX: Self = i64::MAX;
}

impl Integer for u64 {
    const MIN: Self = u64::MIN;
    const MAX: Self = u64::MAX;
}

/// Converts `a` to another format. Widening is exact; a NaN becomes the canonical NaN.
pub fn convert<Source: Format, Target: Format>(a: Source::Bits, rm: RoundingMode, flags: &mut Flags) -> Target::Bits {
    let x = unpack::<Source>(a);
    match x.magnitude {
        Magnitude::Nan { .. } => propagate_nan::<Target>(&[x], flags),
        Magnitude::Infinite => with_sign::<Target>(x.sign, Target::INFINITY),
        Magnitude::Zero => with_sign::<Target>(x.sign, 0),
        Magnitude::Finite { exponent, significand } => {
            round_pack::<Target>(Exact { sign: x.sign, exponent, significand: significand.into() }, rm, flags)
        }
    }
}

/// Converts `integer` to floating point, rounded by `rm`. Zero becomes positive zero.
pub fn from_integer<F: Format, I: Integer>(integer: I, rm: RoundingMode, flags: &mut Flags) -> F::Bits {
    let value: i128 = integer.into();
    if value == 0 {
        return F::narrow(0);
    }
    round_pack::<F>(Exact { sign: value < 0, exponent: 0, significand: value.unsigned_abs() }, rm, flags)
}

/// Converts `a` to an integer, rounded by `rm`.
///
/// A value out of range saturates and raises NV, but not NX; a NaN gives the largest
/// integer (unprivileged specification, table "Domains of float-to-integer conversions").
pub fn to_integer<F: Format, I: Integer>(a: F::Bits, rm: RoundingMode, flags: &mut Flags) -> I {
    let x = unpack::<F>(a);
    let (exponent, significand) = match x.magnitude {
        Magnitude::Nan { .. } => return saturate(false, flags),
        Magnitude::Infinite => return saturate(x.sign, flags),
        Magnitude::Zero => (0, 0),
        Magnitude::Finite { exponent, significand } => (exponent, significand),
    };
    if exponent + F::FRACTION_BITS as i32 > 63 {
        return saturate(x.sign, flags);
    }

    // Fixed point, with the binary point above bit 63.
    let point = exponent + 64;
    let fixed = if point >= 0 {
        u128::from(significand) << point
    } else {
        shift_right_sticky(u128::from(significand), point.unsigned_abs())
    };
    let (whole, fraction) = (fixed >> 64, fixed as u64);
    let away = rounds_away(rm, x.sign, whole & 1 != 0, fraction, 1 << 63);
    let magnitude = whole as i128 + i128::from(away);
    match I::try_from(if x.sign { -magnitude } else { magnitude }) {
        Ok(integer) => {
            if fraction != 0 {
                *flags |= Flags::NX;
            }
            integer
        }
        Err(_) => saturate(x.sign, flags),
    }
}

/// Result of a conversion out of range.
#[cold]
fn saturate<I: Integer>(sign: bool, flags: &mut Flags) -> I {
    *flags |= Flags::NV;
    if sign { I::MIN } else { I::MAX }
}

#[cfg(test)]
mod tests {
    use super::to_integer;
    use crate::fp::{F64, Flags, Format, RoundingMode};

    #[test]
    fn nan_of_either_sign_converts_to_the_largest_integer() {
        for nan in [F64::CANONICAL_NAN, F64::CANONICAL_NAN | F64::SIGN, F64::INFINITY | 1] {
            let mut flags = Flags::NONE;
            assert_eq!(to_integer::<F64, i32>(nan, RoundingMode::NearestEven, &mut flags), i32::MAX);
            assert_eq!(to_integer::<F64, u64>(nan, RoundingMode::NearestEven, &mut flags), u64::MAX);
            assert_eq!(flags, Flags::NV);
        }
    }

    #[test]
    fn range_is_judged_after_rounding() {
        let minus_half = (-0.5_f64).to_bits();
        let mut flags = Flags::NONE;
        assert_eq!(to_integer::<F64, u32>(minus_half, RoundingMode::TowardZero, &mut flags), 0);
        assert_eq!(flags, Flags::NX);

        let mut flags = Flags::NONE;
        assert_eq!(to_integer::<F64, u32>(minus_half, RoundingMode::Down, &mut flags), 0);
        assert_eq!(flags, Flags::NV);
    }
}
