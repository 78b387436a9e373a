//! Zbb extension: basic bit manipulation.

use super::{Handler, reg, reg_imm, reg_reg, sext32};
use crate::isa::zbb::Zbb;

pub(super) fn handler(op: Zbb) -> Handler {
    match op {
        Zbb::Andn => reg_reg!(|a, b| a & !b),
        Zbb::Orn => reg_reg!(|a, b| a | !b),
        Zbb::Xnor => reg_reg!(|a, b| !(a ^ b)),
        Zbb::Clz => reg!(|a| u64::from(a.leading_zeros())),
        Zbb::Clzw => reg!(|a| u64::from((a as u32).leading_zeros())),
        Zbb::Ctz => reg!(|a| u64::from(a.trailing_zeros())),
        Zbb::Ctzw => reg!(|a| u64::from((a as u32).trailing_zeros())),
        Zbb::Cpop => reg!(|a| u64::from(a.count_ones())),
        Zbb::Cpopw => reg!(|a| u64::from((a as u32).count_ones())),
        Zbb::Max => reg_reg!(|a, b| (a as i64).max(b as i64) as u64),
        Zbb::Maxu => reg_reg!(|a, b| a.max(b)),
        Zbb::Min => reg_reg!(|a, b| (a as i64).min(b as i64) as u64),
        Zbb::Minu => reg_reg!(|a, b| a.min(b)),
        Zbb::SextB => reg!(|a| i64::from(a as i8) as u64),
        Zbb::SextH => reg!(|a| i64::from(a as i16) as u64),
        Zbb::ZextH => reg!(|a| u64::from(a as u16)),
        Zbb::Rol => reg_reg!(|a, b| a.rotate_left((b & 63) as u32)),
        Zbb::Rolw => reg_reg!(|a, b| sext32((a as u32).rotate_left((b & 31) as u32))),
        Zbb::Ror => reg_reg!(|a, b| a.rotate_right((b & 63) as u32)),
        Zbb::Rori => reg_imm!(|a, shift| a.rotate_right((shift & 63) as u32)),
        Zbb::Roriw => reg_imm!(|a, shift| sext32((a as u32).rotate_right((shift & 31) as u32))),
        Zbb::Rorw => reg_reg!(|a, b| sext32((a as u32).rotate_right((b & 31) as u32))),
        Zbb::OrcB => reg!(|a| u64::from_le_bytes(a.to_le_bytes().map(|byte| if byte == 0 { 0 } else { 0xff }))),
        Zbb::Rev8 => reg!(|a| a.swap_bytes()),
    }
}
