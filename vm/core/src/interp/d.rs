//! D: double-precision floating point.

use super::float::Register;
use super::float::{
    from_integer, load, move_from_integer, move_to_integer, rounded, store, to_flag, to_integer, unrounded,
};
use super::{Handler, sext32};
use crate::fp::{self, F32, F64, Format};
use crate::isa::d::D;

type Bits = <F64 as Format>::Bits;

/// The number with its sign inverted, for the negated multiply-adds.
fn negate(bits: Bits) -> Bits {
    bits ^ 1 << (F64::WIDTH - 1)
}

macro_rules! binary {
    ($operation:ident) => {
        |hart, o| rounded::<F64>(hart, o, |[a, b, _], rm, flags| F64::pack(fp::$operation::<F64>(a, b, rm, flags)))
    };
}

macro_rules! fused {
    (|$a:ident, $b:ident, $c:ident| $signed:expr) => {
        |hart, o| {
            rounded::<F64>(hart, o, |[$a, $b, $c], rm, flags| {
                let (a, b, c) = $signed;
                F64::pack(fp::fused_multiply_add::<F64>(a, b, c, rm, flags))
            })
        }
    };
}

macro_rules! to_int {
    ($int:ty, |$value:ident| $register:expr) => {
        |hart, o| {
            to_integer::<F64>(hart, o, |a, rm, flags| {
                let $value = fp::to_integer::<F64, $int>(a, rm, flags);
                $register
            })
        }
    };
}

macro_rules! from_int {
    ($int:ty) => {
        |hart, o| from_integer::<F64>(hart, o, |a, rm, flags| fp::from_integer::<F64, $int>(a as $int, rm, flags))
    };
}

pub(super) fn handler(op: D) -> Handler {
    match op {
        D::Fld => |hart, o| load(hart, o, true),
        D::Fsd => |hart, o| store(hart, o, true),
        D::Fmadd => fused!(|a, b, c| (a, b, c)),
        D::Fmsub => fused!(|a, b, c| (a, b, negate(c))),
        D::Fnmsub => fused!(|a, b, c| (negate(a), b, c)),
        D::Fnmadd => fused!(|a, b, c| (negate(a), b, negate(c))),
        D::Fadd => binary!(add),
        D::Fsub => binary!(sub),
        D::Fmul => binary!(mul),
        D::Fdiv => binary!(div),
        D::Fsqrt => |hart, o| rounded::<F64>(hart, o, |[a, ..], rm, flags| F64::pack(fp::sqrt::<F64>(a, rm, flags))),
        D::Fsgnj => |hart, o| unrounded::<F64>(hart, o, |a, b, _| fp::sign_inject::<F64>(a, b)),
        D::Fsgnjn => |hart, o| unrounded::<F64>(hart, o, |a, b, _| fp::sign_inject_negate::<F64>(a, b)),
        D::Fsgnjx => |hart, o| unrounded::<F64>(hart, o, |a, b, _| fp::sign_inject_xor::<F64>(a, b)),
        D::Fmin => |hart, o| unrounded::<F64>(hart, o, fp::min::<F64>),
        D::Fmax => |hart, o| unrounded::<F64>(hart, o, fp::max::<F64>),
        D::Feq => |hart, o| to_flag::<F64>(hart, o, |a, b, flags| u64::from(fp::eq::<F64>(a, b, flags))),
        D::Flt => |hart, o| to_flag::<F64>(hart, o, |a, b, flags| u64::from(fp::lt::<F64>(a, b, flags))),
        D::Fle => |hart, o| to_flag::<F64>(hart, o, |a, b, flags| u64::from(fp::le::<F64>(a, b, flags))),
        D::FcvtToW => to_int!(i32, |value| sext32(value as u32)),
        D::FcvtToWu => to_int!(u32, |value| sext32(value)),
        D::FcvtToL => to_int!(i64, |value| value as u64),
        D::FcvtToLu => to_int!(u64, |value| value),
        D::FcvtFromW => from_int!(i32),
        D::FcvtFromWu => from_int!(u32),
        D::FcvtFromL => from_int!(i64),
        D::FcvtFromLu => from_int!(u64),
        D::FcvtSD => {
            |hart, o| rounded::<F64>(hart, o, |[a, ..], rm, flags| F32::pack(fp::convert::<F64, F32>(a, rm, flags)))
        }
        D::FcvtDS => {
            |hart, o| rounded::<F32>(hart, o, |[a, ..], rm, flags| F64::pack(fp::convert::<F32, F64>(a, rm, flags)))
        }
        D::FmvToX => |hart, o| move_to_integer(hart, o, |bits| bits),
        D::Fclass => |hart, o| to_flag::<F64>(hart, o, |a, _, _| u64::from(fp::classify::<F64>(a))),
        D::FmvFromX => |hart, o| move_from_integer(hart, o, |bits| bits),
    }
}
