//! Decoding of operands and encoding of special results.

#![expect(
    clippy::cast_possible_wrap,
    clippy::cast_possible_truncation,
    reason = "exponent fields and shift distances are at most eleven bits wide"
)]

use super::flags::Flags;
use super::format::Format;

/// A decoded operand.
#[derive(Clone, Copy)]
pub(super) struct Unpacked {
    /// Sign bit, which zeros and NaNs have as well.
    pub(super) sign: bool,
    /// Absolute value.
    pub(super) magnitude: Magnitude,
}

/// Absolute value of an operand.
#[derive(Clone, Copy)]
pub(super) enum Magnitude {
    /// Zero.
    Zero,
    /// `significand * 2^exponent`; subnormals are normalised, so the leading
    /// bit of the significand is always bit [`Format::FRACTION_BITS`].
    Finite { exponent: i32, significand: u64 },
    /// Infinity.
    Infinite,
    /// Not a number.
    Nan { signalling: bool },
}

impl Unpacked {
    /// Whether this is a signalling NaN.
    pub(super) fn is_signalling(self) -> bool {
        matches!(self.magnitude, Magnitude::Nan { signalling: true })
    }

    /// Whether this is a NaN.
    pub(super) fn is_nan(self) -> bool {
        matches!(self.magnitude, Magnitude::Nan { .. })
    }
}

/// Decodes an operand.
#[inline]
pub(super) fn unpack<F: Format>(bits: F::Bits) -> Unpacked {
    let bits: u64 = bits.into();
    let fraction = bits & F::FRACTION;
    let field = ((bits & F::INFINITY) >> F::FRACTION_BITS) as i32;
    let magnitude = if bits & F::INFINITY == F::INFINITY {
        if fraction == 0 { Magnitude::Infinite } else { Magnitude::Nan { signalling: bits & F::QUIET == 0 } }
    } else if field != 0 {
        Magnitude::Finite { exponent: F::EXPONENT_SUBNORMAL + field - 1, significand: fraction | (F::FRACTION + 1) }
    } else if fraction == 0 {
        Magnitude::Zero
    } else {
        let shift = fraction.leading_zeros() - (63 - F::FRACTION_BITS);
        Magnitude::Finite { exponent: F::EXPONENT_SUBNORMAL - shift as i32, significand: fraction << shift }
    };
    Unpacked { sign: bits & F::SIGN != 0, magnitude }
}

/// Result of an invalid operation: the canonical NaN, with NV raised.
#[cold]
pub(super) fn invalid<F: Format>(flags: &mut Flags) -> F::Bits {
    *flags |= Flags::NV;
    F::narrow(F::CANONICAL_NAN)
}

/// Result of an operation with a NaN operand: the canonical NaN. Raises NV if one is
/// signalling.
#[cold]
pub(super) fn propagate_nan<F: Format>(operands: &[Unpacked], flags: &mut Flags) -> F::Bits {
    if operands.iter().any(|operand| operand.is_signalling()) {
        *flags |= Flags::NV;
    }
    F::narrow(F::CANONICAL_NAN)
}

/// Encoding of `magnitude` (without sign bit) with this sign.
#[inline]
pub(super) fn with_sign<F: Format>(sign: bool, magnitude: u64) -> F::Bits {
    F::narrow(if sign { magnitude | F::SIGN } else { magnitude })
}
