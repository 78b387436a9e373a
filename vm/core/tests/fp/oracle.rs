//! Safe interface to Berkeley SoftFloat, specialised for RISC-V.
//!
//! Its rounding mode and flags are thread-local, so that concurrent tests do not interfere;
//! [`state_is_thread_local`] verifies that the build made them so.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "operands and results travel as 64-bit words whatever their type"
)]

use std::num::FpCategory;

use riscope_core::fp::{F32, F64, Flags, Format, RoundingMode};
use softfloat_sys::{float32_t, float64_t};

/// Makes the oracle of this thread round by `rm`.
pub(crate) fn set_rounding(rm: RoundingMode) {
    // SAFETY: stores to a thread-local variable; softfloat has the encoding of `frm`.
    unsafe { softfloat_sys::softfloat_roundingMode_write_helper(rm.bits()) }
}

/// Runs `operation` with cleared flags: its result, and the flags it raised.
#[inline]
pub(crate) fn with_flags(operation: impl FnOnce() -> u64) -> (u64, Flags) {
    // SAFETY: stores to a thread-local variable.
    unsafe { softfloat_sys::softfloat_exceptionFlags_write_helper(0) }
    let result = operation();
    // SAFETY: reads a thread-local variable; softfloat has the encoding of `fflags`.
    (result, Flags::from_bits(unsafe { softfloat_sys::softfloat_exceptionFlags_read_helper() }))
}

/// Whether another thread leaves this thread's rounding mode and flags alone.
pub(crate) fn state_is_thread_local() -> bool {
    set_rounding(RoundingMode::Up);
    let (_, flags) = with_flags(|| {
        let other = std::thread::spawn(|| {
            set_rounding(RoundingMode::Down);
            with_flags(|| F64::div(1.0_f64.to_bits(), 0)).1
        });
        let flags_of_other = other.join().expect("the other thread only divides");
        assert_eq!(flags_of_other, Flags::DZ);
        0
    });
    // SAFETY: reads a thread-local variable.
    let mode = unsafe { softfloat_sys::softfloat_roundingMode_read_helper() };
    flags == Flags::NONE && mode == RoundingMode::Up.bits()
}

/// A value that travels as the low bits of a word, sign-extended if signed.
pub(crate) trait Word {
    /// The value in the low bits of `word`.
    fn from_word(word: u64) -> Self;
    /// The value as a word.
    fn into_word(self) -> u64;
}

macro_rules! word {
    ($($type:ty: $word:ident => $from:expr, $value:ident => $into:expr;)*) => {$(
        impl Word for $type {
            #[inline]
            fn from_word($word: u64) -> Self { $from }
            #[inline]
            fn into_word(self) -> u64 { let $value = self; $into }
        }
    )*};
}

word! {
    float32_t: word => Self { v: word as u32 }, number => number.v.into();
    float64_t: word => Self { v: word }, number => number.v;
    bool: word => word != 0, value => value.into();
    i32: word => word as Self, value => value as u64;
    u32: word => word as Self, value => value.into();
    i64: word => word.cast_signed(), value => value.cast_unsigned();
    u64: word => word, value => value;
}

macro_rules! declare {
    ($($operation:ident($($operand:ident),+);)*) => {
        /// A format with the operations of softfloat. Operands and results are
        /// words: encodings, sign-extended integers, or 0 and 1.
        pub(crate) trait Oracle: Format {
            $(
                #[doc = stringify!($operation)]
                fn $operation($($operand: u64),+) -> u64;
            )*
            /// Conversion to an integer in the given mode.
            fn to_i32(a: u64, rm: RoundingMode) -> u64;
            /// Conversion to an integer in the given mode.
            fn to_u32(a: u64, rm: RoundingMode) -> u64;
            /// Conversion to an integer in the given mode.
            fn to_i64(a: u64, rm: RoundingMode) -> u64;
            /// Conversion to an integer in the given mode.
            fn to_u64(a: u64, rm: RoundingMode) -> u64;
            /// What the host's standard library says the number is.
            fn category(a: u64) -> FpCategory;
            /// `a` with the sign of `b`, by the host's standard library.
            fn copy_sign(a: u64, b: u64) -> u64;
            /// `a` with the other sign, by the host's standard library.
            fn negate(a: u64) -> u64;
        }
    };
}

declare! {
    add(a, b);
    sub(a, b);
    mul(a, b);
    div(a, b);
    sqrt(a);
    mul_add(a, b, c);
    eq(a, b);
    lt(a, b);
    le(a, b);
    lt_quiet(a, b);
    is_signalling(a);
    convert(a);
    from_i32(a);
    from_u32(a);
    from_i64(a);
    from_u64(a);
}

macro_rules! implement {
    (
        $format:ident, $host:ident;
        integers { $($to:ident = $to_function:ident;)* }
        $($operation:ident = $function:ident($($operand:ident),+);)*
    ) => {
        impl Oracle for $format {
            $(
                #[inline]
                fn $operation($($operand: u64),+) -> u64 {
                    // SAFETY: takes numbers by value and touches thread-local variables only.
                    unsafe { softfloat_sys::$function($(Word::from_word($operand)),+) }.into_word()
                }
            )*
            $(
                #[inline]
                fn $to(a: u64, rm: RoundingMode) -> u64 {
                    // SAFETY: takes numbers by value and touches thread-local variables only.
                    unsafe { softfloat_sys::$to_function(Word::from_word(a), rm.bits(), true) }.into_word()
                }
            )*
            fn category(a: u64) -> FpCategory {
                $host::from_bits($format::narrow(a)).classify()
            }
            fn copy_sign(a: u64, b: u64) -> u64 {
                $host::from_bits($format::narrow(a)).copysign($host::from_bits($format::narrow(b))).to_bits().into()
            }
            fn negate(a: u64) -> u64 {
                (-$host::from_bits($format::narrow(a))).to_bits().into()
            }
        }
    };
}

implement! {
    F32, f32;
    integers {
        to_i32 = f32_to_i32;
        to_u32 = f32_to_ui32;
        to_i64 = f32_to_i64;
        to_u64 = f32_to_ui64;
    }
    add = f32_add(a, b);
    sub = f32_sub(a, b);
    mul = f32_mul(a, b);
    div = f32_div(a, b);
    sqrt = f32_sqrt(a);
    mul_add = f32_mulAdd(a, b, c);
    eq = f32_eq(a, b);
    lt = f32_lt(a, b);
    le = f32_le(a, b);
    lt_quiet = f32_lt_quiet(a, b);
    is_signalling = f32_isSignalingNaN(a);
    convert = f32_to_f64(a);
    from_i32 = i32_to_f32(a);
    from_u32 = ui32_to_f32(a);
    from_i64 = i64_to_f32(a);
    from_u64 = ui64_to_f32(a);
}

implement! {
    F64, f64;
    integers {
        to_i32 = f64_to_i32;
        to_u32 = f64_to_ui32;
        to_i64 = f64_to_i64;
        to_u64 = f64_to_ui64;
    }
    add = f64_add(a, b);
    sub = f64_sub(a, b);
    mul = f64_mul(a, b);
    div = f64_div(a, b);
    sqrt = f64_sqrt(a);
    mul_add = f64_mulAdd(a, b, c);
    eq = f64_eq(a, b);
    lt = f64_lt(a, b);
    le = f64_le(a, b);
    lt_quiet = f64_lt_quiet(a, b);
    is_signalling = f64_isSignalingNaN(a);
    convert = f64_to_f32(a);
    from_i32 = i32_to_f64(a);
    from_u32 = ui32_to_f64(a);
    from_i64 = i64_to_f64(a);
    from_u64 = ui64_to_f64(a);
}

/// minimumNumber or maximumNumber of IEEE 754-2019 from softfloat's quiet
/// comparison, which raises NV for signalling NaNs.
pub(crate) fn extremum<F: Oracle>(a: u64, b: u64, largest: bool) -> u64 {
    let below = F::lt_quiet(a, b) != 0;
    let above = F::lt_quiet(b, a) != 0;
    let is_nan = |number| F::category(number) == FpCategory::Nan;
    match (is_nan(a), is_nan(b)) {
        (true, true) => F::CANONICAL_NAN,
        (true, false) => b,
        (false, true) => a,
        // Alike in value: they differ, if at all, in the sign of a zero.
        (false, false) if !below && !above => {
            if largest {
                a & b
            } else {
                a | b
            }
        }
        (false, false) => {
            if above == largest {
                a
            } else {
                b
            }
        }
    }
}

/// The FCLASS mask from the host's classification.
pub(crate) fn class_mask<F: Oracle>(a: u64) -> u64 {
    let negative = a & F::SIGN != 0;
    let bit = match (F::category(a), negative) {
        (FpCategory::Infinite, true) => 0,
        (FpCategory::Normal, true) => 1,
        (FpCategory::Subnormal, true) => 2,
        (FpCategory::Zero, true) => 3,
        (FpCategory::Zero, false) => 4,
        (FpCategory::Subnormal, false) => 5,
        (FpCategory::Normal, false) => 6,
        (FpCategory::Infinite, false) => 7,
        (FpCategory::Nan, _) if F::is_signalling(a) != 0 => 8,
        (FpCategory::Nan, _) => 9,
    };
    1 << bit
}
