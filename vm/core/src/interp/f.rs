//! F: single-precision floating point.

use super::float::Register;
use super::float::{
    from_integer, load, move_from_integer, move_to_integer, rounded, store, to_flag, to_integer, unrounded,
};
use super::{Handler, sext32};
use crate::fp::{self, F32, Format};
use crate::isa::f::F;

type Bits = <F32 as Format>::Bits;

/// The number with its sign inverted, for the negated multiply-adds.
fn negate(bits: Bits) -> Bits {
    bits ^ 1 << (F32::WIDTH - 1)
}

macro_rules! binary {
    ($operation:ident) => {
        |hart, o| rounded::<F32>(hart, o, |[a, b, _], rm, flags| F32::pack(fp::$operation::<F32>(a, b, rm, flags)))
    };
}

macro_rules! fused {
    (|$a:ident, $b:ident, $c:ident| $signed:expr) => {
        |hart, o| {
            rounded::<F32>(hart, o, |[$a, $b, $c], rm, flags| {
                let (a, b, c) = $signed;
                F32::pack(fp::fused_multiply_add::<F32>(a, b, c, rm, flags))
            })
        }
    };
}

macro_rules! to_int {
    ($int:ty, |$value:ident| $register:expr) => {
        |hart, o| {
            to_integer::<F32>(hart, o, |a, rm, flags| {
                let $value = fp::to_integer::<F32, $int>(a, rm, flags);
                $register
            })
        }
    };
}

macro_rules! from_int {
    ($int:ty) => {
        |hart, o| from_integer::<F32>(hart, o, |a, rm, flags| fp::from_integer::<F32, $int>(a as $int, rm, flags))
    };
}

pub(super) fn handler(op: F) -> Handler {
    match op {
        F::Flw => |hart, o| load(hart, o, false),
        F::Fsw => |hart, o| store(hart, o, false),
        F::Fmadd => fused!(|a, b, c| (a, b, c)),
        F::Fmsub => fused!(|a, b, c| (a, b, negate(c))),
        F::Fnmsub => fused!(|a, b, c| (negate(a), b, c)),
        F::Fnmadd => fused!(|a, b, c| (negate(a), b, negate(c))),
        F::Fadd => binary!(add),
        F::Fsub => binary!(sub),
        F::Fmul => binary!(mul),
        F::Fdiv => binary!(div),
        F::Fsqrt => |hart, o| rounded::<F32>(hart, o, |[a, ..], rm, flags| F32::pack(fp::sqrt::<F32>(a, rm, flags))),
        F::Fsgnj => |hart, o| unrounded::<F32>(hart, o, |a, b, _| fp::sign_inject::<F32>(a, b)),
        F::Fsgnjn => |hart, o| unrounded::<F32>(hart, o, |a, b, _| fp::sign_inject_negate::<F32>(a, b)),
        F::Fsgnjx => |hart, o| unrounded::<F32>(hart, o, |a, b, _| fp::sign_inject_xor::<F32>(a, b)),
        F::Fmin => |hart, o| unrounded::<F32>(hart, o, fp::min::<F32>),
        F::Fmax => |hart, o| unrounded::<F32>(hart, o, fp::max::<F32>),
        F::Feq => |hart, o| to_flag::<F32>(hart, o, |a, b, flags| u64::from(fp::eq::<F32>(a, b, flags))),
        F::Flt => |hart, o| to_flag::<F32>(hart, o, |a, b, flags| u64::from(fp::lt::<F32>(a, b, flags))),
        F::Fle => |hart, o| to_flag::<F32>(hart, o, |a, b, flags| u64::from(fp::le::<F32>(a, b, flags))),
        F::FcvtToW => to_int!(i32, |value| sext32(value as u32)),
        F::FcvtToWu => to_int!(u32, |value| sext32(value)),
        F::FcvtToL => to_int!(i64, |value| value as u64),
        F::FcvtToLu => to_int!(u64, |value| value),
        F::FcvtFromW => from_int!(i32),
        F::FcvtFromWu => from_int!(u32),
        F::FcvtFromL => from_int!(i64),
        F::FcvtFromLu => from_int!(u64),
        F::FmvToX => |hart, o| move_to_integer(hart, o, |bits| sext32(bits as u32)),
        F::Fclass => |hart, o| to_flag::<F32>(hart, o, |a, _, _| u64::from(fp::classify::<F32>(a))),
        F::FmvFromX => |hart, o| move_from_integer(hart, o, |bits| fp::box_f32(bits as u32)),
    }
}
