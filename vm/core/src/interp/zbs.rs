//! Zbs extension: single-bit instructions.

use super::{Handler, reg_imm, reg_reg};
use crate::isa::zbs::Zbs;

pub(super) fn handler(op: Zbs) -> Handler {
    match op {
        Zbs::Bclr => reg_reg!(|a, b| a & !(1 << (b & 63))),
        Zbs::Bclri => reg_imm!(|a, bit| a & !(1 << (bit & 63))),
        Zbs::Bext => reg_reg!(|a, b| a >> (b & 63) & 1),
        Zbs::Bexti => reg_imm!(|a, bit| a >> (bit & 63) & 1),
        Zbs::Binv => reg_reg!(|a, b| a ^ 1 << (b & 63)),
        Zbs::Binvi => reg_imm!(|a, bit| a ^ 1 << (bit & 63)),
        Zbs::Bset => reg_reg!(|a, b| a | 1 << (b & 63)),
        Zbs::Bseti => reg_imm!(|a, bit| a | 1 << (bit & 63)),
    }
}
