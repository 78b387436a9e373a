//! Rounding and encoding of results; the only source of NX, UF and OF.

#![expect(
    clippy::cast_possible_wrap,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "exponents stay within a few thousand, and halves of wider words are taken on purpose"
)]

use super::flags::Flags;
use super::format::Format;
use super::unpack::with_sign;

/// Rounding mode, in the encoding of `frm` (unprivileged specification, table "Rounding
/// mode encoding").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum RoundingMode {
    /// RNE: to nearest, ties to even.
    NearestEven = 0,
    /// RTZ: towards zero.
    TowardZero = 1,
    /// RDN: towards negative infinity.
    Down = 2,
    /// RUP: towards positive infinity.
    Up = 3,
    /// RMM: to nearest, ties away from zero.
    NearestMaxMagnitude = 4,
}

impl RoundingMode {
    /// All modes in the order of their encoding.
    pub const ALL: [Self; 5] = [Self::NearestEven, Self::TowardZero, Self::Down, Self::Up, Self::NearestMaxMagnitude];

    /// Decodes `frm` or an `rm` field. `None` for the reserved values 5 and 6, for 7
    /// (dynamic) and for values of more than three bits.
    pub const fn from_bits(bits: u8) -> Option<Self> {
        match bits {
            0 => Some(Self::NearestEven),
            1 => Some(Self::TowardZero),
            2 => Some(Self::Down),
            3 => Some(Self::Up),
            4 => Some(Self::NearestMaxMagnitude),
            _ => None,
        }
    }

    /// The encoding, 0 to 4.
    pub const fn bits(self) -> u8 {
        self as u8
    }
}

/// A non-zero number `(-1)^sign * significand * 2^exponent`.
///
/// Bit 0 of the significand may be sticky, that is, stand for any non-zero bits below it,
/// if at least two bits more than the precision of the target format precede it.
#[derive(Clone, Copy)]
pub(super) struct Exact {
    pub(super) sign: bool,
    pub(super) exponent: i32,
    pub(super) significand: u128,
}

/// Shifts right; sets the last bit if a one was shifted out.
#[inline]
pub(super) fn shift_right_sticky(value: u128, distance: u32) -> u128 {
    match distance {
        0 => value,
        1..128 => (value >> distance) | u128::from(value << (128 - distance) != 0),
        _ => u128::from(value != 0),
    }
}

/// Whether to round to the neighbour of larger magnitude.
///
/// `odd` is the parity of the other neighbour; `remainder` is the distance of the exact
/// value above it, and `half` is half the distance between the two in the same unit.
#[inline]
pub(super) fn rounds_away(rm: RoundingMode, sign: bool, odd: bool, remainder: u64, half: u64) -> bool {
    match rm {
        RoundingMode::NearestEven => remainder > half || (remainder == half && odd),
        RoundingMode::TowardZero => false,
        RoundingMode::Down => sign && remainder != 0,
        RoundingMode::Up => !sign && remainder != 0,
        RoundingMode::NearestMaxMagnitude => remainder >= half,
    }
}

/// Rounds to `F` and encodes (IEEE 754-2019, sections 4.3, 7.4 to 7.6).
#[inline]
pub(super) fn round_pack<F: Format>(exact: Exact, rm: RoundingMode, flags: &mut Flags) -> F::Bits {
    let Exact { sign, exponent, significand } = exact;
    debug_assert_ne!(significand, 0, "zeros are handled before rounding");
    let shift = significand.leading_zeros();
    let normalised = shift_right_sticky(significand << shift, 64) as u64;
    // The number is normalised * 2^(leading - 63).
    let leading = exponent - shift as i32 + 127;
    if leading > F::EXPONENT_MAX {
        return overflow::<F>(sign, rm, flags);
    }

    let denormalise = (F::EXPONENT_MIN - leading).max(0) as u32;
    let aligned = shift_right_sticky(u128::from(normalised), denormalise) as u64;
    let (rounded, inexact) = round_significand::<F>(aligned, sign, rm);
    // The leading bit of a normal significand, and a carry out of any, add to the exponent
    // field, which therefore starts one lower.
    let field = (leading - F::EXPONENT_MIN).max(0) as u64;
    let magnitude = (field << F::FRACTION_BITS) + rounded;
    if magnitude >= F::INFINITY {
        return overflow::<F>(sign, rm, flags);
    }
    if inexact {
        *flags |= Flags::NX;
        if denormalise > 1
            || (denormalise == 1 && round_significand::<F>(normalised, sign, rm).0 <= F::FRACTION * 2 + 1)
        {
            // Tiny: below the smallest normal number even when rounded with unbounded
            // exponent.
            *flags |= Flags::UF;
        }
    }
    with_sign::<F>(sign, magnitude)
}

/// Rounds a significand whose leading bit is bit 63, or lower for subnormals, to the
/// precision of `F`. Returns it and whether it is inexact.
#[inline]
fn round_significand<F: Format>(significand: u64, sign: bool, rm: RoundingMode) -> (u64, bool) {
    let excess = 63 - F::FRACTION_BITS;
    let kept = significand >> excess;
    let remainder = significand & ((1 << excess) - 1);
    let away = rounds_away(rm, sign, kept & 1 != 0, remainder, 1 << (excess - 1));
    (kept + u64::from(away), remainder != 0)
}

/// Result of an overflow by rounding mode (IEEE 754-2019, section 7.4).
#[cold]
fn overflow<F: Format>(sign: bool, rm: RoundingMode, flags: &mut Flags) -> F::Bits {
    *flags |= Flags::OF | Flags::NX;
    let to_infinity = match rm {
        RoundingMode::NearestEven | RoundingMode::NearestMaxMagnitude => true,
        RoundingMode::TowardZero => false,
        RoundingMode::Down => sign,
        RoundingMode::Up => !sign,
    };
    with_sign::<F>(sign, if to_infinity { F::INFINITY } else { F::MAX_FINITE })
}

#[cfg(test)]
mod tests {
    use super::{RoundingMode, shift_right_sticky};

    #[test]
    fn rounding_modes_round_trip_and_reserved_encodings_are_refused() {
        for (bits, mode) in (0..).zip(RoundingMode::ALL) {
            assert_eq!(RoundingMode::from_bits(bits), Some(mode));
            assert_eq!(mode.bits(), bits);
        }
        for bits in 5..=u8::MAX {
            assert_eq!(RoundingMode::from_bits(bits), None);
        }
    }

    #[test]
    fn sticky_shift_keeps_a_trace_of_what_it_drops() {
        assert_eq!(shift_right_sticky(0b1000, 3), 0b1);
        assert_eq!(shift_right_sticky(0b1001, 2), 0b11);
        assert_eq!(shift_right_sticky(5, 0), 5);
        assert_eq!(shift_right_sticky(u128::MAX, 127), 1);
        assert_eq!(shift_right_sticky(1, 128), 1);
        assert_eq!(shift_right_sticky(1 << 127, u32::MAX), 1);
        assert_eq!(shift_right_sticky(0, 200), 0);
    }
}
