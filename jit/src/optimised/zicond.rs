//! Zicond extension: conditional zero.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value, types};
use riscope_core::isa::zicond::Zicond;

use super::lowering::{Lowering, reg_reg};
use super::translator::Translator;

pub(super) fn lowering(op: Zicond) -> Lowering {
    match op {
        Zicond::CzeroEqz => reg_reg!(|t, a, b| {
            let (zero, is_zero) = t.zero_test(b);
            t.b.ins().select(is_zero, zero, a)
        }),
        Zicond::CzeroNez => reg_reg!(|t, a, b| {
            let (zero, is_zero) = t.zero_test(b);
            t.b.ins().select(is_zero, a, zero)
        }),
    }
}

impl Translator<'_> {
    /// Zero, and whether `value` is zero.
    fn zero_test(&mut self, value: Value) -> (Value, Value) {
        let zero = self.b.ins().iconst(types::I64, 0);
        (zero, self.b.ins().icmp_imm_s(IntCC::Equal, value, 0))
    }
}
