//! Zba extension: address generation.

use super::{Handler, reg_imm, reg_reg};
use crate::isa::zba::Zba;

const LOW_WORD: u64 = 0xffff_ffff;

pub(super) fn handler(op: Zba) -> Handler {
    match op {
        Zba::AddUw => reg_reg!(|a, b| (a & LOW_WORD).wrapping_add(b)),
        Zba::Sh1add => reg_reg!(|a, b| (a << 1).wrapping_add(b)),
        Zba::Sh1addUw => reg_reg!(|a, b| ((a & LOW_WORD) << 1).wrapping_add(b)),
        Zba::Sh2add => reg_reg!(|a, b| (a << 2).wrapping_add(b)),
        Zba::Sh2addUw => reg_reg!(|a, b| ((a & LOW_WORD) << 2).wrapping_add(b)),
        Zba::Sh3add => reg_reg!(|a, b| (a << 3).wrapping_add(b)),
        Zba::Sh3addUw => reg_reg!(|a, b| ((a & LOW_WORD) << 3).wrapping_add(b)),
        Zba::SlliUw => reg_imm!(|a, shift| (a & LOW_WORD) << (shift & 63)),
    }
}
