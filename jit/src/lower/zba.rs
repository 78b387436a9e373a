//! Zba: address generation.

use cranelift_codegen::ir::{InstBuilder, Value, types};
use riscope_core::isa::Operands;
use riscope_core::isa::zba::Zba;

use super::Translator;

impl Translator<'_> {
    pub(super) fn lower_zba(&mut self, op: Zba, o: Operands) {
        let (shift, unsigned_word) = match op {
            Zba::SlliUw => {
                let word = self.zero_extended_word(o.rs1());
                let result = self.b.ins().ishl_imm_u(word, i64::from(o.imm()));
                return self.set_x(o.rd(), result);
            }
            Zba::AddUw => (0, true),
            Zba::Sh1add => (1, false),
            Zba::Sh1addUw => (1, true),
            Zba::Sh2add => (2, false),
            Zba::Sh2addUw => (2, true),
            Zba::Sh3add => (3, false),
            Zba::Sh3addUw => (3, true),
        };
        let a = if unsigned_word { self.zero_extended_word(o.rs1()) } else { self.x(o.rs1()) };
        let b = self.x(o.rs2());
        let scaled = self.b.ins().ishl_imm_u(a, shift);
        let result = self.b.ins().iadd(scaled, b);
        self.set_x(o.rd(), result);
    }

    fn zero_extended_word(&mut self, register: usize) -> Value {
        let word = self.w(register);
        self.b.ins().uextend(types::I64, word)
    }
}
