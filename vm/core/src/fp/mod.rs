//! Exact IEEE 754 arithmetic on raw bits, as the F and D extensions define it
//! (unprivileged specification, chapters "F" and "D").
//!
//! Every function computes its result and the accrued exception flags with
//! integers only, so they are the same on every host. Operations are generic
//! over [`Format`]: unpack the operands, form the exact result or one with a
//! sticky last bit, and round once. Flags are only ever added to `flags`.
//!
//! What RISC-V leaves no choice about, and IEEE 754 does:
//! - a NaN result is always [`Format::CANONICAL_NAN`], payloads do not propagate;
//! - tininess is detected after rounding;
//! - an infinity times zero raises NV in a fused multiply-add even if the
//!   addend is a quiet NaN;
//! - integer conversions saturate, and take a NaN for the largest integer.

mod arithmetic;
mod boxing;
mod compare;
mod convert;
mod flags;
mod format;
mod round;
mod sign;
mod unpack;

pub use arithmetic::{add, div, fused_multiply_add, mul, sqrt, sub};
pub use boxing::{box_f32, unbox_f32};
pub use compare::{classify, eq, le, lt, max, min};
pub use convert::{Integer, convert, from_integer, to_integer};
pub use flags::Flags;
pub use format::{F32, F64, Format};
pub use round::RoundingMode;
pub use sign::{sign_inject, sign_inject_negate, sign_inject_xor};
