//! Zbs: single-bit instructions.

use cranelift_codegen::ir::{InstBuilder, types};
use riscope_core::isa::Operands;
use riscope_core::isa::zbs::Zbs;

use super::Translator;

impl Translator<'_> {
    pub(super) fn lower_zbs(&mut self, op: Zbs, o: Operands) {
        let a = self.x(o.rs1());
        let bit = match op {
            Zbs::Bclri | Zbs::Bexti | Zbs::Binvi | Zbs::Bseti => self.b.ins().iconst(types::I64, i64::from(o.imm())),
            Zbs::Bclr | Zbs::Bext | Zbs::Binv | Zbs::Bset => self.x(o.rs2()),
        };
        if let Zbs::Bext | Zbs::Bexti = op {
            let shifted = self.b.ins().ushr(a, bit);
            let result = self.b.ins().band_imm_u(shifted, 1);
            return self.set_x(o.rd(), result);
        }
        let one = self.b.ins().iconst(types::I64, 1);
        let mask = self.b.ins().ishl(one, bit);
        let result = match op {
            Zbs::Bclr | Zbs::Bclri => self.b.ins().band_not(a, mask),
            Zbs::Binv | Zbs::Binvi => self.b.ins().bxor(a, mask),
            _ => self.b.ins().bor(a, mask),
        };
        self.set_x(o.rd(), result);
    }
}
