//! Sign injection: raises no flag and preserves NaN payloads (unprivileged specification,
//! FSGNJ, FSGNJN and FSGNJX).

use super::format::Format;

/// `a` with the sign of `b`.
pub fn sign_inject<F: Format>(a: F::Bits, b: F::Bits) -> F::Bits {
    F::narrow((a.into() & !F::SIGN) | (b.into() & F::SIGN))
}

/// `a` with the inverted sign of `b`.
pub fn sign_inject_negate<F: Format>(a: F::Bits, b: F::Bits) -> F::Bits {
    F::narrow((a.into() & !F::SIGN) | (!b.into() & F::SIGN))
}

/// `a` with its sign inverted if `b` is negative.
pub fn sign_inject_xor<F: Format>(a: F::Bits, b: F::Bits) -> F::Bits {
    F::narrow(a.into() ^ (b.into() & F::SIGN))
}
