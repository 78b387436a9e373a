//! Tables of special and edge operands, tried in all combinations.

use riscope_core::fp::Format;

/// Every kind of number and the neighbours of every border, with both signs.
pub(crate) fn numbers<F: Format>() -> Vec<u64> {
    let ulp_of_one = 1_u64;
    let one = power_of_two::<F>(0);
    let min_normal = F::FRACTION + 1;
    let mut magnitudes = vec![
        0,
        1,
        2,
        3,
        F::QUIET - 1,
        F::QUIET,
        F::QUIET + 1,
        F::FRACTION - 1,
        F::FRACTION,
        min_normal,
        min_normal + 1,
        min_normal * 2 - 1,
        min_normal * 2,
        one | F::QUIET,
        one | (F::FRACTION >> 1),
        one | (F::FRACTION ^ 1),
        F::MAX_FINITE - 1,
        F::MAX_FINITE - F::FRACTION,
        F::INFINITY,
        F::CANONICAL_NAN,
        F::INFINITY | F::FRACTION,
        F::INFINITY | 1,
        F::INFINITY | (F::QUIET - 1),
    ];
    // One; the precision, where integers stop having fractions; half the
    // exponent range, where products begin to overflow and to underflow.
    let precision = i32::try_from(F::FRACTION_BITS).expect("a small number") + 1;
    for exponent in [0, 1, -1, precision - 1, precision, -precision, F::EXPONENT_MAX / 2 + 1, F::EXPONENT_MIN / 2] {
        let power = power_of_two::<F>(exponent);
        magnitudes.extend([power - 1, power, power + ulp_of_one]);
    }
    magnitudes.extend([power_of_two::<F>(F::EXPONENT_MAX), F::MAX_FINITE]);
    with_both_signs::<F>(magnitudes)
}

/// [`numbers`] and what lies next to the limits of the integer types and next
/// to halves of small integers.
pub(crate) fn numbers_near_integers<F: Format>() -> Vec<u64> {
    let mut magnitudes = Vec::new();
    for exponent in [-2, -1, 0, 1, 2, 30, 31, 32, 33, 52, 53, 62, 63, 64, 65] {
        let power = power_of_two::<F>(exponent);
        magnitudes.extend([power - 2, power - 1, power, power + 1, power + 2, power | F::QUIET, power | F::FRACTION]);
    }
    if F::WIDTH == 64 {
        for limit in [f64::from(i32::MAX), f64::from(u32::MAX), -f64::from(i32::MIN)] {
            for fraction in [-0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75] {
                let near = (limit + fraction).to_bits();
                magnitudes.extend([near - 1, near, near + 1]);
            }
        }
    }
    let mut edges = numbers::<F>();
    edges.extend(with_both_signs::<F>(magnitudes));
    edges
}

/// Integers at the limits of the types, at powers of two and next to where
/// either format begins to round, as sign-extended words.
pub(crate) fn integers() -> Vec<u64> {
    let mut words = vec![0, u64::MAX, u64::MAX - 1];
    for shift in 0..64 {
        let power = 1_u64 << shift;
        words.extend([power, power.wrapping_sub(1), power.wrapping_neg(), power.wrapping_add(1)]);
        for precision in [24, 53] {
            // One and a half units in the last place above the power, and its
            // neighbours: halfway cases.
            if shift > precision {
                let unit = 1_u64 << (shift - precision + 1);
                for halfway in [power + unit / 2, power + unit + unit / 2] {
                    words.extend([halfway - 1, halfway, halfway + 1, halfway.wrapping_neg()]);
                }
            }
        }
    }
    words
}

/// The encoding of `2^exponent`, a normal number.
fn power_of_two<F: Format>(exponent: i32) -> u64 {
    u64::try_from(exponent - F::EXPONENT_MIN + 1).expect("a normal number") << F::FRACTION_BITS
}

fn with_both_signs<F: Format>(magnitudes: Vec<u64>) -> Vec<u64> {
    magnitudes.iter().copied().chain(magnitudes.iter().map(|magnitude| magnitude | F::SIGN)).collect()
}
