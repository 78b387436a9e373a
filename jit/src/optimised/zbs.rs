//! Zbs extension: single-bit instructions.

use cranelift_codegen::ir::{InstBuilder, Value, types};
use riscope_core::isa::zbs::Zbs;

use super::lowering::{Lowering, reg_imm, reg_reg};
use super::translator::Translator;

pub(super) fn lowering(op: Zbs) -> Lowering {
    match op {
        Zbs::Bclr => reg_reg!(|t, a, bit| t.clear_bit(a, bit)),
        Zbs::Bclri => reg_imm!(|t, a, bit| t.clear_bit(a, bit)),
        Zbs::Bext => reg_reg!(|t, a, bit| t.extract_bit(a, bit)),
        Zbs::Bexti => reg_imm!(|t, a, bit| t.extract_bit(a, bit)),
        Zbs::Binv => reg_reg!(|t, a, bit| t.invert_bit(a, bit)),
        Zbs::Binvi => reg_imm!(|t, a, bit| t.invert_bit(a, bit)),
        Zbs::Bset => reg_reg!(|t, a, bit| t.set_bit(a, bit)),
        Zbs::Bseti => reg_imm!(|t, a, bit| t.set_bit(a, bit)),
    }
}

/// Cranelift's shifts take the amount modulo the width, as these instructions do.
impl Translator<'_> {
    fn clear_bit(&mut self, a: Value, bit: Value) -> Value {
        let mask = self.bit(bit);
        self.b.ins().band_not(a, mask)
    }

    fn extract_bit(&mut self, a: Value, bit: Value) -> Value {
        let shifted = self.b.ins().ushr(a, bit);
        self.b.ins().band_imm_u(shifted, 1)
    }

    fn invert_bit(&mut self, a: Value, bit: Value) -> Value {
        let mask = self.bit(bit);
        self.b.ins().bxor(a, mask)
    }

    fn set_bit(&mut self, a: Value, bit: Value) -> Value {
        let mask = self.bit(bit);
        self.b.ins().bor(a, mask)
    }

    /// A word with only bit `bit` set.
    fn bit(&mut self, bit: Value) -> Value {
        let one = self.b.ins().iconst(types::I64, 1);
        self.b.ins().ishl(one, bit)
    }
}
