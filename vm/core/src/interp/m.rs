//! M extension: integer multiplication and division.
//!
//! Division does not trap: division by zero yields all ones, or the dividend as remainder;
//! overflow yields the dividend, or 0 as remainder.

use super::{Handler, reg_reg, sext32};
use crate::isa::m::M;

pub(super) fn handler(op: M) -> Handler {
    match op {
        M::Mul => reg_reg!(|a, b| a.wrapping_mul(b)),
        M::Mulh => reg_reg!(|a, b| ((i128::from(a as i64) * i128::from(b as i64)) >> 64) as u64),
        M::Mulhsu => reg_reg!(|a, b| (i128::from(a as i64).wrapping_mul(i128::from(b)) >> 64) as u64),
        M::Mulhu => reg_reg!(|a, b| ((u128::from(a) * u128::from(b)) >> 64) as u64),
        M::Div => reg_reg!(|a, b| if b == 0 { u64::MAX } else { (a as i64).wrapping_div(b as i64) as u64 }),
        M::Divu => reg_reg!(|a, b| a.checked_div(b).unwrap_or(u64::MAX)),
        M::Rem => reg_reg!(|a, b| if b == 0 { a } else { (a as i64).wrapping_rem(b as i64) as u64 }),
        M::Remu => reg_reg!(|a, b| a.checked_rem(b).unwrap_or(a)),
        M::Mulw => reg_reg!(|a, b| sext32((a as u32).wrapping_mul(b as u32))),
        M::Divw => {
            reg_reg!(|a, b| if b as u32 == 0 { u64::MAX } else { sext32((a as i32).wrapping_div(b as i32) as u32) })
        }
        M::Divuw => reg_reg!(|a, b| sext32((a as u32).checked_div(b as u32).unwrap_or(u32::MAX))),
        M::Remw => reg_reg!(|a, b| {
            if b as u32 == 0 { sext32(a as u32) } else { sext32((a as i32).wrapping_rem(b as i32) as u32) }
        }),
        M::Remuw => reg_reg!(|a, b| sext32((a as u32).checked_rem(b as u32).unwrap_or(a as u32))),
    }
}
