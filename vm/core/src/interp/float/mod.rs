//! F and D extensions: floating point, generic over the precision.

mod form;

use super::{Handler, sext32};
use crate::fp::{self, Format};
use crate::isa::float::Float;
use form::{from_integer, load, move_from_integer, move_to_integer, store, to_flag, to_integer, unrounded};

pub(super) use form::{Register, rounded};

/// Inverts the sign, for the negated multiply-adds.
fn negate<F: Format>(bits: F::Bits) -> F::Bits {
    F::narrow(bits.into() ^ F::SIGN)
}

macro_rules! binary {
    ($operation:ident) => {
        |hart, o| rounded::<F>(hart, o, |[a, b, _], rm, flags| F::pack(fp::$operation::<F>(a, b, rm, flags)))
    };
}

macro_rules! fused {
    (|$a:ident, $b:ident, $c:ident| $signed:expr) => {
        |hart, o| {
            rounded::<F>(hart, o, |[$a, $b, $c], rm, flags| {
                let (a, b, c) = $signed;
                F::pack(fp::fused_multiply_add::<F>(a, b, c, rm, flags))
            })
        }
    };
}

macro_rules! to_int {
    ($int:ty, |$value:ident| $register:expr) => {
        |hart, o| {
            to_integer::<F>(hart, o, |a, rm, flags| {
                let $value = fp::to_integer::<F, $int>(a, rm, flags);
                $register
            })
        }
    };
}

macro_rules! from_int {
    ($int:ty) => {
        |hart, o| from_integer::<F>(hart, o, |a, rm, flags| fp::from_integer::<F, $int>(a as $int, rm, flags))
    };
}

/// Handler of operation `op` in precision `F`.
pub(super) fn handler<F: Register>(op: Float) -> Handler {
    match op {
        Float::Load => load::<F>,
        Float::Store => store::<F>,
        Float::Madd => fused!(|a, b, c| (a, b, c)),
        Float::Msub => fused!(|a, b, c| (a, b, negate::<F>(c))),
        Float::Nmsub => fused!(|a, b, c| (negate::<F>(a), b, c)),
        Float::Nmadd => fused!(|a, b, c| (negate::<F>(a), b, negate::<F>(c))),
        Float::Add => binary!(add),
        Float::Sub => binary!(sub),
        Float::Mul => binary!(mul),
        Float::Div => binary!(div),
        Float::Sqrt => |hart, o| rounded::<F>(hart, o, |[a, ..], rm, flags| F::pack(fp::sqrt::<F>(a, rm, flags))),
        Float::Sgnj => |hart, o| unrounded::<F>(hart, o, |a, b, _| fp::sign_inject::<F>(a, b)),
        Float::Sgnjn => |hart, o| unrounded::<F>(hart, o, |a, b, _| fp::sign_inject_negate::<F>(a, b)),
        Float::Sgnjx => |hart, o| unrounded::<F>(hart, o, |a, b, _| fp::sign_inject_xor::<F>(a, b)),
        Float::Min => |hart, o| unrounded::<F>(hart, o, fp::min::<F>),
        Float::Max => |hart, o| unrounded::<F>(hart, o, fp::max::<F>),
        Float::Eq => |hart, o| to_flag::<F>(hart, o, |a, b, flags| u64::from(fp::eq::<F>(a, b, flags))),
        Float::Lt => |hart, o| to_flag::<F>(hart, o, |a, b, flags| u64::from(fp::lt::<F>(a, b, flags))),
        Float::Le => |hart, o| to_flag::<F>(hart, o, |a, b, flags| u64::from(fp::le::<F>(a, b, flags))),
        Float::CvtToW => to_int!(i32, |value| sext32(value as u32)),
        Float::CvtToWu => to_int!(u32, |value| sext32(value)),
        Float::CvtToL => to_int!(i64, |value| value as u64),
        Float::CvtToLu => to_int!(u64, |value| value),
        Float::CvtFromW => from_int!(i32),
        Float::CvtFromWu => from_int!(u32),
        Float::CvtFromL => from_int!(i64),
        Float::CvtFromLu => from_int!(u64),
        Float::MvToX => move_to_integer::<F>,
        Float::Class => |hart, o| to_flag::<F>(hart, o, |a, _, _| u64::from(fp::classify::<F>(a))),
        Float::MvFromX => move_from_integer::<F>,
    }
}
