//! Test of every floating-point operation against Berkeley SoftFloat, an independent
//! implementation: equal results and flags in both formats and all rounding modes, for all
//! combinations of edge operands and a million random operands each.
//!
//! The oracle builds on x86-64 Linux only. The tested code computes with integers only, so
//! the result applies to every host.

#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

mod fp;

#[cfg(test)]
mod tests {
    use riscope_core::fp::{self, F32, F64, Flags, Format, Integer, RoundingMode};

    use crate::fp::check::Comparison;
    use crate::fp::oracle::{self, Oracle};
    use crate::fp::random::Random;
    use crate::fp::{edge, generate};

    /// The one mode tried for operations that do not round.
    const UNROUNDED: &[RoundingMode] = &[RoundingMode::NearestEven];

    /// Compares a rounded operation of one operand.
    fn unary<F: Format, R: Into<u64>>(
        name: &str,
        ours: fn(F::Bits, RoundingMode, &mut Flags) -> R,
        theirs: fn(u64) -> u64,
        generate: fn(&mut Random, &[u64]) -> u64,
        raises: Flags,
    ) {
        Comparison {
            name: &format!("{name} in binary{}", F::WIDTH),
            modes: &RoundingMode::ALL,
            edges: &edge::numbers_near_integers::<F>(),
            generate: |random: &mut Random, edges: &[u64]| [generate(random, edges)],
            ours: |[a]: [u64; 1], rm, flags: &mut Flags| ours(F::narrow(a), rm, flags).into(),
            theirs: |[a]: [u64; 1], _| theirs(a),
            raises,
        }
        .run();
    }

    /// Compares a rounded operation of two operands.
    fn binary<F: Format>(
        name: &str,
        ours: fn(F::Bits, F::Bits, RoundingMode, &mut Flags) -> F::Bits,
        theirs: fn(u64, u64) -> u64,
        raises: Flags,
    ) {
        Comparison {
            name: &format!("{name} in binary{}", F::WIDTH),
            modes: &RoundingMode::ALL,
            edges: &edge::numbers::<F>(),
            generate: generate::pair::<F>,
            ours: |[a, b]: [u64; 2], rm, flags: &mut Flags| ours(F::narrow(a), F::narrow(b), rm, flags).into(),
            theirs: |[a, b]: [u64; 2], _| theirs(a, b),
            raises,
        }
        .run();
    }

    /// Compares an operation of two operands that does not round.
    fn unrounded<F: Format, R: Into<u64>>(
        name: &str,
        ours: impl Fn(F::Bits, F::Bits, &mut Flags) -> R,
        theirs: impl Fn(u64, u64) -> u64,
        raises: Flags,
    ) {
        Comparison {
            name: &format!("{name} in binary{}", F::WIDTH),
            modes: UNROUNDED,
            edges: &edge::numbers::<F>(),
            generate: generate::pair::<F>,
            ours: |[a, b]: [u64; 2], _, flags: &mut Flags| ours(F::narrow(a), F::narrow(b), flags).into(),
            theirs: |[a, b]: [u64; 2], _| theirs(a, b),
            raises,
        }
        .run();
    }

    /// Compares the fused multiply-add.
    fn fused<F: Oracle>(raises: Flags) {
        Comparison {
            name: &format!("fused multiply-add in binary{}", F::WIDTH),
            modes: &RoundingMode::ALL,
            edges: &edge::numbers::<F>(),
            generate: generate::triple::<F>,
            ours: |[a, b, c]: [u64; 3], rm, flags: &mut Flags| {
                fp::fused_multiply_add::<F>(F::narrow(a), F::narrow(b), F::narrow(c), rm, flags).into()
            },
            theirs: |[a, b, c]: [u64; 3], _| F::mul_add(a, b, c),
            raises,
        }
        .run();
    }

    /// Compares the classification.
    fn classification<F: Oracle>() {
        Comparison {
            name: &format!("classify in binary{}", F::WIDTH),
            modes: UNROUNDED,
            edges: &edge::numbers::<F>(),
            generate: |random: &mut Random, edges: &[u64]| [generate::number::<F>(random, edges)],
            ours: |[a]: [u64; 1], _, _: &mut Flags| fp::classify::<F>(F::narrow(a)).into(),
            theirs: |[a]: [u64; 1], _| oracle::class_mask::<F>(a),
            raises: Flags::NONE,
        }
        .run();
    }

    /// Compares the conversion to an integer type.
    fn to_integer<F: Oracle, I: Integer + oracle::Word>(theirs: fn(u64, RoundingMode) -> u64) {
        Comparison {
            name: &format!("binary{} to {}", F::WIDTH, std::any::type_name::<I>()),
            modes: &RoundingMode::ALL,
            edges: &edge::numbers_near_integers::<F>(),
            generate: |random: &mut Random, edges: &[u64]| [generate::near_integer::<F>(random, edges)],
            ours: |[a]: [u64; 1], rm, flags: &mut Flags| fp::to_integer::<F, I>(F::narrow(a), rm, flags).into_word(),
            theirs: |[a]: [u64; 1], rm| theirs(a, rm),
            raises: Flags::NV | Flags::NX,
        }
        .run();
    }

    /// Compares the conversion from an integer type.
    fn from_integer<F: Oracle, I: Integer + oracle::Word>(theirs: fn(u64) -> u64, raises: Flags) {
        Comparison {
            name: &format!("{} to binary{}", std::any::type_name::<I>(), F::WIDTH),
            modes: &RoundingMode::ALL,
            edges: &edge::integers(),
            generate: |random: &mut Random, edges: &[u64]| [generate::integer(random, edges)],
            ours: |[a]: [u64; 1], rm, flags: &mut Flags| fp::from_integer::<F, I>(I::from_word(a), rm, flags).into(),
            theirs: |[a]: [u64; 1], _| theirs(a),
            raises,
        }
        .run();
    }

    /// One test per row, run in both formats.
    macro_rules! in_both_formats {
        ($($test:ident<$format:ident>: $check:expr;)*) => {$(
            #[test]
            fn $test() {
                fn check<$format: Oracle>() {
                    $check;
                }
                check::<F32>();
                check::<F64>();
            }
        )*};
    }

    in_both_formats! {
        addition_agrees<F>: binary::<F>("add", fp::add::<F>, F::add, Flags::NV | Flags::OF | Flags::NX);
        subtraction_agrees<F>: binary::<F>("sub", fp::sub::<F>, F::sub, Flags::NV | Flags::OF | Flags::NX);
        multiplication_agrees<F>:
            binary::<F>("mul", fp::mul::<F>, F::mul, Flags::NV | Flags::OF | Flags::UF | Flags::NX);
        division_agrees<F>:
            binary::<F>("div", fp::div::<F>, F::div, Flags::NV | Flags::DZ | Flags::OF | Flags::UF | Flags::NX);
        square_root_agrees<F>:
            unary::<F, _>("sqrt", fp::sqrt::<F>, F::sqrt, generate::radicand::<F>, Flags::NV | Flags::NX);
        fused_multiply_add_agrees<F>: fused::<F>(Flags::NV | Flags::OF | Flags::UF | Flags::NX);
        equality_agrees<F>: unrounded::<F, _>("eq", fp::eq::<F>, F::eq, Flags::NV);
        less_than_agrees<F>: unrounded::<F, _>("lt", fp::lt::<F>, F::lt, Flags::NV);
        less_or_equal_agrees<F>: unrounded::<F, _>("le", fp::le::<F>, F::le, Flags::NV);
        minimum_agrees<F>:
            unrounded::<F, _>("min", fp::min::<F>, |a, b| oracle::extremum::<F>(a, b, false), Flags::NV);
        maximum_agrees<F>:
            unrounded::<F, _>("max", fp::max::<F>, |a, b| oracle::extremum::<F>(a, b, true), Flags::NV);
        classification_agrees<F>: classification::<F>();
        sign_injection_agrees<F>:
            unrounded::<F, _>("sgnj", |a, b, _| fp::sign_inject::<F>(a, b), F::copy_sign, Flags::NONE);
        negated_sign_injection_agrees<F>: unrounded::<F, _>(
            "sgnjn",
            |a, b, _| fp::sign_inject_negate::<F>(a, b),
            |a, b| F::copy_sign(a, F::negate(b)),
            Flags::NONE
        );
        exclusive_or_sign_injection_agrees<F>: unrounded::<F, _>(
            "sgnjx",
            |a, b, _| fp::sign_inject_xor::<F>(a, b),
            |a, b| if F::copy_sign(a, b) == a { F::copy_sign(a, 0) } else { F::copy_sign(a, F::negate(0)) },
            Flags::NONE
        );
        conversion_to_i32_agrees<F>: to_integer::<F, i32>(F::to_i32);
        conversion_to_u32_agrees<F>: to_integer::<F, u32>(F::to_u32);
        conversion_to_i64_agrees<F>: to_integer::<F, i64>(F::to_i64);
        conversion_to_u64_agrees<F>: to_integer::<F, u64>(F::to_u64);
        conversion_from_i32_agrees<F>: from_integer::<F, i32>(F::from_i32, inexact_beyond::<F>(31));
        conversion_from_u32_agrees<F>: from_integer::<F, u32>(F::from_u32, inexact_beyond::<F>(32));
        conversion_from_i64_agrees<F>: from_integer::<F, i64>(F::from_i64, inexact_beyond::<F>(63));
        conversion_from_u64_agrees<F>: from_integer::<F, u64>(F::from_u64, inexact_beyond::<F>(64));
    }

    /// NX if integers of so many bits do not fit into the significand.
    fn inexact_beyond<F: Format>(bits: u32) -> Flags {
        if bits > F::FRACTION_BITS + 1 { Flags::NX } else { Flags::NONE }
    }

    #[test]
    fn widening_agrees() {
        unary::<F32, _>("widen", fp::convert::<F32, F64>, F32::convert, generate::number::<F32>, Flags::NV);
    }

    #[test]
    fn narrowing_agrees() {
        let raises = Flags::NV | Flags::OF | Flags::UF | Flags::NX;
        unary::<F64, _>("narrow", fp::convert::<F64, F32>, F64::convert, generate::narrowable, raises);
    }

    #[test]
    fn oracle_state_belongs_to_one_thread() {
        assert!(oracle::state_is_thread_local());
    }
}
