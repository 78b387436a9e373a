//! Zicond: conditional zero.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, types};
use riscope_core::isa::Operands;
use riscope_core::isa::zicond::Zicond;

use super::Translator;

impl Translator<'_> {
    pub(super) fn lower_zicond(&mut self, op: Zicond, o: Operands) {
        let (a, b) = (self.x(o.rs1()), self.x(o.rs2()));
        let zero = self.b.ins().iconst(types::I64, 0);
        let is_zero = self.b.ins().icmp_imm_s(IntCC::Equal, b, 0);
        let result = match op {
            Zicond::CzeroEqz => self.b.ins().select(is_zero, zero, a),
            Zicond::CzeroNez => self.b.ins().select(is_zero, a, zero),
        };
        self.set_x(o.rd(), result);
    }
}
