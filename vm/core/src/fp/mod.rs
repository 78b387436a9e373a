//! IEEE 754 arithmetic of the F and D extensions on encodings (unprivileged specification,
//! chapters "F" and "D").
//!
//! Results and accrued exception flags are computed with integers only and are therefore
//! the same on every host. Operations are generic over [`Format`]: they unpack the
//! operands, form the exact result, or one with a sticky last bit, and round once. `flags`
//! only accrues.
//!
//! Choices that IEEE 754 leaves open and RISC-V fixes:
//! - a NaN result is always [`Format::CANONICAL_NAN`]; payloads do not propagate;
//! - tininess is detected after rounding;
//! - a fused multiply-add of infinity and zero raises NV even if the addend is a quiet NaN;
//! - conversions to integers saturate, and a NaN becomes the largest integer.

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
