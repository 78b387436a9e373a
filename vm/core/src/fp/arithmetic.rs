//! Addition, multiplication, division, square root and the fused
//! multiply-add (unprivileged specification, "Single-Precision Floating-Point
//! Computational Instructions").

#![expect(
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "exponents stay within a few thousand, and only non-negative differences are shift distances"
)]

use super::flags::Flags;
use super::format::Format;
use super::round::{Exact, RoundingMode, round_pack, shift_right_sticky};
use super::unpack::{Magnitude, invalid, propagate_nan, unpack, with_sign};

/// `a + b`.
pub fn add<F: Format>(a: F::Bits, b: F::Bits, rm: RoundingMode, flags: &mut Flags) -> F::Bits {
    let (x, y) = (unpack::<F>(a), unpack::<F>(b));
    match (x.magnitude, y.magnitude) {
        (
            Magnitude::Finite { exponent: x_exponent, significand: x_significand },
            Magnitude::Finite { exponent: y_exponent, significand: y_significand },
        ) => round_sum::<F>(
            Exact { sign: x.sign, exponent: x_exponent, significand: x_significand.into() },
            Exact { sign: y.sign, exponent: y_exponent, significand: y_significand.into() },
            rm,
            flags,
        ),
        (Magnitude::Nan { .. }, _) | (_, Magnitude::Nan { .. }) => propagate_nan::<F>(&[x, y], flags),
        (Magnitude::Infinite, Magnitude::Infinite) if x.sign != y.sign => invalid::<F>(flags),
        (Magnitude::Infinite, _) => a,
        (_, Magnitude::Infinite) => b,
        (Magnitude::Zero, Magnitude::Zero) => sum_of_zeros::<F>(x.sign, y.sign, rm),
        (Magnitude::Zero, _) => b,
        (_, Magnitude::Zero) => a,
    }
}

/// `a - b`.
pub fn sub<F: Format>(a: F::Bits, b: F::Bits, rm: RoundingMode, flags: &mut Flags) -> F::Bits {
    add::<F>(a, F::narrow(b.into() ^ F::SIGN), rm, flags)
}

/// `a * b`.
pub fn mul<F: Format>(a: F::Bits, b: F::Bits, rm: RoundingMode, flags: &mut Flags) -> F::Bits {
    let (x, y) = (unpack::<F>(a), unpack::<F>(b));
    let sign = x.sign != y.sign;
    match (x.magnitude, y.magnitude) {
        (
            Magnitude::Finite { exponent: x_exponent, significand: x_significand },
            Magnitude::Finite { exponent: y_exponent, significand: y_significand },
        ) => {
            let significand = u128::from(x_significand) * u128::from(y_significand);
            round_pack::<F>(Exact { sign, exponent: x_exponent + y_exponent, significand }, rm, flags)
        }
        (Magnitude::Nan { .. }, _) | (_, Magnitude::Nan { .. }) => propagate_nan::<F>(&[x, y], flags),
        (Magnitude::Infinite, Magnitude::Zero) | (Magnitude::Zero, Magnitude::Infinite) => invalid::<F>(flags),
        (Magnitude::Infinite, _) | (_, Magnitude::Infinite) => with_sign::<F>(sign, F::INFINITY),
        (Magnitude::Zero, _) | (_, Magnitude::Zero) => with_sign::<F>(sign, 0),
    }
}

/// `a / b`. A finite number other than zero divided by zero raises DZ.
pub fn div<F: Format>(a: F::Bits, b: F::Bits, rm: RoundingMode, flags: &mut Flags) -> F::Bits {
    let (x, y) = (unpack::<F>(a), unpack::<F>(b));
    let sign = x.sign != y.sign;
    match (x.magnitude, y.magnitude) {
        (
            Magnitude::Finite { exponent: x_exponent, significand: x_significand },
            Magnitude::Finite { exponent: y_exponent, significand: y_significand },
        ) => {
            // The quotient of two normalised significands exceeds one half, so this scale
            // yields the precision, a round and a sticky bit.
            let scale = F::FRACTION_BITS + 3;
            let (dividend, divisor) = (u128::from(x_significand) << scale, u128::from(y_significand));
            let quotient = dividend / divisor;
            let significand = quotient | u128::from(quotient * divisor != dividend);
            round_pack::<F>(Exact { sign, exponent: x_exponent - y_exponent - scale as i32, significand }, rm, flags)
        }
        (Magnitude::Nan { .. }, _) | (_, Magnitude::Nan { .. }) => propagate_nan::<F>(&[x, y], flags),
        (Magnitude::Infinite, Magnitude::Infinite) | (Magnitude::Zero, Magnitude::Zero) => invalid::<F>(flags),
        (Magnitude::Infinite, _) => with_sign::<F>(sign, F::INFINITY),
        (Magnitude::Zero, _) | (_, Magnitude::Infinite) => with_sign::<F>(sign, 0),
        (_, Magnitude::Zero) => {
            *flags |= Flags::DZ;
            with_sign::<F>(sign, F::INFINITY)
        }
    }
}

/// The square root of `a`. The root of negative zero is negative zero.
pub fn sqrt<F: Format>(a: F::Bits, rm: RoundingMode, flags: &mut Flags) -> F::Bits {
    let x = unpack::<F>(a);
    match x.magnitude {
        Magnitude::Nan { .. } => propagate_nan::<F>(&[x], flags),
        Magnitude::Zero => a,
        _ if x.sign => invalid::<F>(flags),
        Magnitude::Infinite => a,
        Magnitude::Finite { exponent, significand } => {
            // Yields enough bits for the precision, a round and a sticky bit, and makes the
            // exponent even.
            let scale = (F::FRACTION_BITS + 4) as i32;
            let scale = scale + ((exponent - scale) & 1);
            let radicand = u128::from(significand) << scale;
            let root = radicand.isqrt();
            let significand = root | u128::from(root * root != radicand);
            round_pack::<F>(Exact { sign: false, exponent: (exponent - scale) / 2, significand }, rm, flags)
        }
    }
}

/// `a * b + c`, rounded once. An infinity times zero raises NV whatever `c` is
/// (unprivileged specification, the paragraph on fused multiply-add).
/// The other three instructions invert the sign of `a`, of `c` or of both.
pub fn fused_multiply_add<F: Format>(
    a: F::Bits,
    b: F::Bits,
    c: F::Bits,
    rm: RoundingMode,
    flags: &mut Flags,
) -> F::Bits {
    let (x, y, z) = (unpack::<F>(a), unpack::<F>(b), unpack::<F>(c));
    let sign = x.sign != y.sign;
    let product = match (x.magnitude, y.magnitude) {
        (Magnitude::Infinite, Magnitude::Zero) | (Magnitude::Zero, Magnitude::Infinite) => {
            return invalid::<F>(flags);
        }
        _ if x.is_nan() || y.is_nan() || z.is_nan() => return propagate_nan::<F>(&[x, y, z], flags),
        (
            Magnitude::Finite { exponent: x_exponent, significand: x_significand },
            Magnitude::Finite { exponent: y_exponent, significand: y_significand },
        ) => Exact {
            sign,
            exponent: x_exponent + y_exponent,
            significand: u128::from(x_significand) * u128::from(y_significand),
        },
        (Magnitude::Infinite, _) | (_, Magnitude::Infinite) => {
            return match z.magnitude {
                Magnitude::Infinite if z.sign != sign => invalid::<F>(flags),
                _ => with_sign::<F>(sign, F::INFINITY),
            };
        }
        _ => {
            // The product is a zero.
            return match z.magnitude {
                Magnitude::Zero => sum_of_zeros::<F>(sign, z.sign, rm),
                _ => c,
            };
        }
    };
    match z.magnitude {
        Magnitude::Finite { exponent, significand } => {
            round_sum::<F>(product, Exact { sign: z.sign, exponent, significand: significand.into() }, rm, flags)
        }
        Magnitude::Zero => round_pack::<F>(product, rm, flags),
        _ => c,
    }
}

/// Adds two numbers of at most 106 significant bits and rounds the sum.
///
/// Both are first aligned to bit 126. The smaller one loses bits to the sticky bit only if
/// it is shifted by more than 20 places; a subtraction then cancels at most one leading
/// bit, so the sticky bit stays far below the precision.
#[inline]
fn round_sum<F: Format>(a: Exact, b: Exact, rm: RoundingMode, flags: &mut Flags) -> F::Bits {
    let (a, b) = (align(a), align(b));
    let (high, low) = if a.exponent >= b.exponent { (a, b) } else { (b, a) };
    let addend = shift_right_sticky(low.significand, (high.exponent - low.exponent) as u32);
    let exponent = high.exponent;
    if high.sign == low.sign {
        return round_pack::<F>(Exact { sign: high.sign, exponent, significand: high.significand + addend }, rm, flags);
    }
    let significand = high.significand.abs_diff(addend);
    if significand == 0 {
        return sum_of_zeros::<F>(false, true, rm);
    }
    let sign = if high.significand > addend { high.sign } else { low.sign };
    round_pack::<F>(Exact { sign, exponent, significand }, rm, flags)
}

/// Moves the leading bit of the significand to bit 126, with room for one carry.
#[inline]
fn align(number: Exact) -> Exact {
    let shift = number.significand.leading_zeros() - 1;
    Exact { sign: number.sign, exponent: number.exponent - shift as i32, significand: number.significand << shift }
}

/// Zero as the sum of zeros of these signs, or of two numbers that cancel (IEEE 754-2019,
/// section 6.3).
fn sum_of_zeros<F: Format>(a_sign: bool, b_sign: bool, rm: RoundingMode) -> F::Bits {
    with_sign::<F>(if a_sign == b_sign { a_sign } else { rm == RoundingMode::Down }, 0)
}

#[cfg(test)]
mod tests {
    use super::{add, fused_multiply_add};
    use crate::fp::{F64, Flags, Format, RoundingMode};

    const INFINITY: u64 = F64::INFINITY;
    const QUIET_NAN: u64 = 0x7ff8_0000_0000_1234;

    #[test]
    fn infinity_times_zero_is_invalid_even_with_a_quiet_nan_addend() {
        let mut flags = Flags::NONE;
        let result = fused_multiply_add::<F64>(INFINITY, 0, QUIET_NAN, RoundingMode::NearestEven, &mut flags);
        assert_eq!((result, flags), (F64::CANONICAL_NAN, Flags::NV));
    }

    #[test]
    fn quiet_nan_operand_gives_the_canonical_nan_and_no_flag() {
        let mut flags = Flags::NONE;
        assert_eq!(add::<F64>(QUIET_NAN, INFINITY, RoundingMode::NearestEven, &mut flags), F64::CANONICAL_NAN);
        assert_eq!(flags, Flags::NONE);
    }

    #[test]
    fn flags_accrue() {
        let mut flags = Flags::DZ;
        add::<F64>(1, f64::MAX.to_bits(), RoundingMode::NearestEven, &mut flags);
        assert_eq!(flags, Flags::DZ | Flags::NX);
    }
}
