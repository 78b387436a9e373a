//! Random operands, biased towards difficult cases: subnormals, overflow, cancellation,
//! exact results and halfway cases.

use riscope_core::fp::{F32, F64, Flags, Format, RoundingMode, from_integer, mul};

use super::random::Random;

/// One number of any kind.
pub(crate) fn number<F: Format>(random: &mut Random, edges: &[u64]) -> u64 {
    let span = 2 * precision::<F>();
    let exponent = match random.within(0, 7) {
        0 => return random.bits() >> (64 - F::WIDTH),
        1 => return random.pick(edges),
        2 => random.within(F::EXPONENT_SUBNORMAL, F::EXPONENT_MIN + 2),
        3 => random.within(F::EXPONENT_MAX - 2, F::EXPONENT_MAX),
        4 => random.within(F::EXPONENT_SUBNORMAL, F::EXPONENT_MAX),
        _ => random.within(-span, span),
    };
    scaled::<F>(random, exponent)
}

/// Two numbers, often related such that their sum cancels, their product or quotient is at
/// the border of the format, or one divides the other.
pub(crate) fn pair<F: Format>(random: &mut Random, edges: &[u64]) -> [u64; 2] {
    let first = number::<F>(random, edges);
    let exponent = exponent::<F>(first);
    let span = precision::<F>() + 3;
    let second = match random.within(0, 6) {
        0 => number::<F>(random, edges),
        1 => {
            let distance = random.within(-span, span);
            scaled::<F>(random, exponent + distance)
        }
        2 => disturbed::<F>(random, first ^ F::SIGN),
        3 => {
            let border = border::<F>(random);
            scaled::<F>(random, border - exponent)
        }
        4 => {
            let border = border::<F>(random);
            scaled::<F>(random, exponent - border)
        }
        5 => {
            let factor = small_integer::<F>(random);
            let multiple = product::<F>(first, factor);
            disturbed::<F>(random, multiple)
        }
        _ => {
            let distance = random.within(-2, 2);
            scaled::<F>(random, exponent + distance)
        }
    };
    if random.once_in(2) { [first, second] } else { [second, first] }
}

/// Three numbers for `a * b + c`, often such that the addend cancels the product or just
/// overlaps with it.
pub(crate) fn triple<F: Format>(random: &mut Random, edges: &[u64]) -> [u64; 3] {
    let [a, b] = pair::<F>(random, edges);
    let span = 2 * precision::<F>() + 3;
    let c = match random.within(0, 4) {
        0 => number::<F>(random, edges),
        1 => scaled_to_border::<F>(random),
        2 => {
            let opposite = product::<F>(a, b) ^ F::SIGN;
            disturbed::<F>(random, opposite)
        }
        _ => {
            let distance = random.within(-span, span);
            scaled::<F>(random, exponent::<F>(a) + exponent::<F>(b) + distance)
        }
    };
    [a, b, c]
}

/// An operand of a square root: mostly positive, often an exact square or next to one.
pub(crate) fn radicand<F: Format>(random: &mut Random, edges: &[u64]) -> u64 {
    let number = match random.within(0, 3) {
        0 => {
            let root = small_integer::<F>(random);
            let square = product::<F>(root, root);
            disturbed::<F>(random, square)
        }
        _ => number::<F>(random, edges),
    };
    if random.once_in(8) { number } else { number & !F::SIGN }
}

/// A number about as large as the integers, often halfway between two.
pub(crate) fn near_integer<F: Format>(random: &mut Random, edges: &[u64]) -> u64 {
    let exponent = match random.within(0, 5) {
        0 => return number::<F>(random, edges),
        1 => random.within(28, 34),
        2 => random.within(60, 66),
        3 => random.within(-3, 3),
        _ => random.within(-2, 65),
    };
    let number = scaled::<F>(random, exponent);
    // What lies below the units.
    let below = precision::<F>() - 1 - exponent;
    let Ok(below @ 1..) = u32::try_from(below.min(precision::<F>() - 1)) else { return number };
    match random.within(0, 3) {
        0 => number,
        1 => number & !((1 << below) - 1),
        _ => {
            let halfway = (number & !((1 << below) - 1)) | (1 << (below - 1));
            disturbed::<F>(random, halfway)
        }
    }
}

/// A binary64 number in and around the range of binary32, often halfway
/// between two of its numbers.
pub(crate) fn narrowable(random: &mut Random, edges: &[u64]) -> u64 {
    if random.once_in(4) {
        return number::<F64>(random, edges);
    }
    let exponent = match random.within(0, 2) {
        0 => random.within(F32::EXPONENT_SUBNORMAL - 3, F32::EXPONENT_MIN + 2),
        1 => random.within(F32::EXPONENT_MAX - 2, F32::EXPONENT_MAX + 1),
        _ => random.within(F32::EXPONENT_SUBNORMAL - 3, F32::EXPONENT_MAX + 1),
    };
    let number = scaled::<F64>(random, exponent);
    if random.once_in(2) {
        return number;
    }
    let subnormal = (F32::EXPONENT_MIN - exponent).clamp(0, precision::<F32>() - 1).unsigned_abs();
    // What lies below the last place of the narrow format.
    let below = F64::FRACTION_BITS - F32::FRACTION_BITS + subnormal;
    let halfway = (number & !((1 << below) - 1)) | (1 << (below - 1));
    disturbed::<F64>(random, halfway)
}

/// An integer of any length, as a word.
pub(crate) fn integer(random: &mut Random, edges: &[u64]) -> u64 {
    let length = random.within(1, 64).unsigned_abs();
    let magnitude = match random.within(0, 3) {
        0 => return random.pick(edges),
        1 => pattern(random) >> (64 - length),
        _ => random.bits() >> (64 - length),
    };
    if random.once_in(2) { magnitude } else { magnitude.wrapping_neg() }
}

/// A number of either sign with about this exponent, subnormal or the largest
/// normal one if that is out of range.
fn scaled<F: Format>(random: &mut Random, exponent: i32) -> u64 {
    let significand = pattern(random) >> (63 - F::FRACTION_BITS) & F::FRACTION;
    let sign = if random.once_in(2) { F::SIGN } else { 0 };
    let magnitude = match u64::try_from(exponent - F::EXPONENT_MIN + 1) {
        Ok(field @ 1..) => (field << F::FRACTION_BITS | significand).min(F::MAX_FINITE),
        _ => {
            let shift = (F::EXPONENT_MIN - exponent).unsigned_abs().min(F::FRACTION_BITS);
            (significand | (F::FRACTION + 1)) >> shift
        }
    };
    sign | magnitude
}

/// A number near the borders of the exponent range.
fn scaled_to_border<F: Format>(random: &mut Random) -> u64 {
    let exponent = border::<F>(random);
    scaled::<F>(random, exponent)
}

/// An exponent at which results become subnormal, vanish or overflow.
fn border<F: Format>(random: &mut Random) -> i32 {
    match random.within(0, 3) {
        0 => random.within(F::EXPONENT_MAX - 1, F::EXPONENT_MAX + 1),
        1 => random.within(F::EXPONENT_MIN - 2, F::EXPONENT_MIN + 1),
        _ => random.within(F::EXPONENT_SUBNORMAL - 2, F::EXPONENT_MIN),
    }
}

/// Significand bits, left-justified: uniform, sparse, dense, short or a run.
fn pattern(random: &mut Random) -> u64 {
    let bits = random.bits();
    let length = random.within(1, 63).unsigned_abs();
    match random.within(0, 6) {
        0 => bits & random.bits() & random.bits() & random.bits(),
        1 => bits | random.bits() | random.bits() | random.bits(),
        2 => bits << length,
        3 => u64::MAX << length,
        4 => bits >> length,
        _ => bits,
    }
}

/// `number` or one a few units in the last place away from it.
fn disturbed<F: Format>(random: &mut Random, number: u64) -> u64 {
    let distance = random.within(-2, 2);
    let magnitude = (number & !F::SIGN).saturating_add_signed(distance.into());
    (number & F::SIGN) | magnitude.min(F::SIGN - 1)
}

/// An integer of at most half the precision, so that products are exact.
fn small_integer<F: Format>(random: &mut Random) -> u64 {
    let length = random.within(1, precision::<F>() / 2).unsigned_abs();
    let integer = random.bits() >> (64 - length) | 1;
    let mut flags = Flags::NONE;
    from_integer::<F, u64>(integer, RoundingMode::NearestEven, &mut flags).into()
}

/// Approximation of `a * b`, only to select interesting operands.
fn product<F: Format>(a: u64, b: u64) -> u64 {
    let mut flags = Flags::NONE;
    mul::<F>(F::narrow(a), F::narrow(b), RoundingMode::NearestEven, &mut flags).into()
}

/// The unbiased exponent field.
fn exponent<F: Format>(bits: u64) -> i32 {
    let field = (bits & F::INFINITY) >> F::FRACTION_BITS;
    i32::try_from(field).expect("at most eleven bits") + F::EXPONENT_MIN - 1
}

/// Bits of a normal significand.
fn precision<F: Format>() -> i32 {
    i32::try_from(F::FRACTION_BITS).expect("a small number") + 1
}
