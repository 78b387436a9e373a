//! Comparisons, minimum and maximum, and classification (unprivileged
//! specification, "Single-Precision Floating-Point Compare Instructions" and
//! "... Classify Instruction").

#![expect(clippy::cast_possible_wrap, reason = "magnitudes leave the sign bit of a 64-bit word clear")]

use super::flags::Flags;
use super::format::Format;
use super::unpack::{Magnitude, Unpacked, unpack};

/// `a == b`, a quiet comparison: only a signalling NaN raises NV. False if
/// either is a NaN.
pub fn eq<F: Format>(a: F::Bits, b: F::Bits, flags: &mut Flags) -> bool {
    let (x, y) = (unpack::<F>(a), unpack::<F>(b));
    raise_if_signalling(x, y, flags);
    !x.is_nan() && !y.is_nan() && numeric_key::<F>(a) == numeric_key::<F>(b)
}

/// `a < b`, a signalling comparison: any NaN raises NV and gives false.
pub fn lt<F: Format>(a: F::Bits, b: F::Bits, flags: &mut Flags) -> bool {
    is_ordered::<F>(a, b, flags) && numeric_key::<F>(a) < numeric_key::<F>(b)
}

/// `a <= b`, a signalling comparison: any NaN raises NV and gives false.
pub fn le<F: Format>(a: F::Bits, b: F::Bits, flags: &mut Flags) -> bool {
    is_ordered::<F>(a, b, flags) && numeric_key::<F>(a) <= numeric_key::<F>(b)
}

/// The smaller number, minimumNumber of IEEE 754-2019: negative zero is below positive
/// zero; a number is preferred to a NaN; of two NaNs the result is the canonical NaN. A
/// signalling NaN raises NV.
pub fn min<F: Format>(a: F::Bits, b: F::Bits, flags: &mut Flags) -> F::Bits {
    select::<F>(a, b, total_key::<F>(a) < total_key::<F>(b), flags)
}

/// The larger number, maximumNumber of IEEE 754-2019; zeros and NaNs as for [`min`].
pub fn max<F: Format>(a: F::Bits, b: F::Bits, flags: &mut Flags) -> F::Bits {
    select::<F>(a, b, total_key::<F>(a) > total_key::<F>(b), flags)
}

/// The result of FCLASS: one of bits 0 to 9 is set, for negative infinity, negative normal,
/// negative subnormal, negative zero, positive zero, positive subnormal, positive normal,
/// positive infinity, signalling NaN and quiet NaN.
pub fn classify<F: Format>(a: F::Bits) -> u16 {
    let x = unpack::<F>(a);
    // Distance of the class from the border between the two zeros.
    let rank = match x.magnitude {
        Magnitude::Nan { signalling } => return if signalling { 1 << 8 } else { 1 << 9 },
        Magnitude::Zero => 0,
        Magnitude::Finite { .. } if a.into() & F::INFINITY == 0 => 1,
        Magnitude::Finite { .. } => 2,
        Magnitude::Infinite => 3,
    };
    if x.sign { 1 << (3 - rank) } else { 1 << (4 + rank) }
}

/// Selects `a` or `b` for minimum and maximum; between numbers, `a_wins` decides.
#[inline]
fn select<F: Format>(a: F::Bits, b: F::Bits, a_wins: bool, flags: &mut Flags) -> F::Bits {
    let (x, y) = (unpack::<F>(a), unpack::<F>(b));
    raise_if_signalling(x, y, flags);
    match (x.is_nan(), y.is_nan()) {
        (true, true) => F::narrow(F::CANONICAL_NAN),
        (true, false) => b,
        (false, true) => a,
        (false, false) if a_wins => a,
        (false, false) => b,
    }
}

#[inline]
fn raise_if_signalling(x: Unpacked, y: Unpacked, flags: &mut Flags) {
    if x.is_signalling() || y.is_signalling() {
        *flags |= Flags::NV;
    }
}

/// Whether neither operand is a NaN; raises NV otherwise.
#[inline]
fn is_ordered<F: Format>(a: F::Bits, b: F::Bits, flags: &mut Flags) -> bool {
    let ordered = !unpack::<F>(a).is_nan() && !unpack::<F>(b).is_nan();
    if !ordered {
        *flags |= Flags::NV;
    }
    ordered
}

/// Integer that orders numbers by value, with both zeros equal.
#[inline]
fn numeric_key<F: Format>(bits: F::Bits) -> i64 {
    let bits: u64 = bits.into();
    let magnitude = (bits & !F::SIGN) as i64;
    if bits & F::SIGN == 0 { magnitude } else { -magnitude }
}

/// Integer that orders numbers by value, with negative zero below positive zero.
#[inline]
fn total_key<F: Format>(bits: F::Bits) -> i64 {
    let bits: u64 = bits.into();
    let magnitude = (bits & !F::SIGN) as i64;
    if bits & F::SIGN == 0 { magnitude } else { !magnitude }
}

#[cfg(test)]
mod tests {
    use super::{classify, max, min};
    use crate::fp::{F32, Flags, Format};

    const NEGATIVE_ZERO: u32 = 0x8000_0000;
    const SIGNALLING_NAN: u32 = 0x7f80_0001;
    const ONE: u32 = 0x3f80_0000;

    #[test]
    fn minimum_and_maximum_order_the_zeros() {
        let mut flags = Flags::NONE;
        for (a, b) in [(0, NEGATIVE_ZERO), (NEGATIVE_ZERO, 0)] {
            assert_eq!(min::<F32>(a, b, &mut flags), NEGATIVE_ZERO);
            assert_eq!(max::<F32>(a, b, &mut flags), 0);
        }
        assert_eq!(flags, Flags::NONE);
    }

    #[test]
    fn minimum_of_a_number_and_a_signalling_nan_is_the_number_and_invalid() {
        let mut flags = Flags::NONE;
        assert_eq!(min::<F32>(SIGNALLING_NAN, ONE, &mut flags), ONE);
        assert_eq!(flags, Flags::NV);
        assert_eq!(u64::from(min::<F32>(SIGNALLING_NAN, SIGNALLING_NAN, &mut flags)), F32::CANONICAL_NAN);
    }

    #[test]
    fn classes_have_the_bits_of_the_fclass_table() {
        let by_bit = [
            0xff80_0000,
            0xbf80_0000,
            0x8000_0001,
            NEGATIVE_ZERO,
            0,
            0x007f_ffff,
            0x0080_0000,
            0x7f80_0000,
            SIGNALLING_NAN,
            0xffc0_0000,
        ];
        for (bit, number) in by_bit.into_iter().enumerate() {
            assert_eq!(classify::<F32>(number), 1 << bit, "{number:#x}");
        }
    }
}
