//! Zba extension: address generation.

use cranelift_codegen::ir::{InstBuilder, Value, types};
use riscope_core::isa::zba::Zba;

use super::lowering::{Lowering, reg_reg};
use super::translator::Translator;

/// `rd = (rs1 << shift) + rs2`
macro_rules! shift_add {
    ($shift:literal) => {
        reg_reg!(|t, a, b| t.shift_add(a, $shift, b))
    };
}

/// `rd = (zext(rs1[31:0]) << shift) + rs2`
macro_rules! shift_add_word {
    ($shift:literal) => {
        Lowering::Straight(|t, o| {
            let (a, b) = (t.zero_extended_word(o.rs1()), t.x(o.rs2()));
            let result = t.shift_add(a, $shift, b);
            t.set_x(o.rd(), result);
        })
    };
}

pub(super) fn lowering(op: Zba) -> Lowering {
    match op {
        Zba::AddUw => shift_add_word!(0),
        Zba::Sh1add => shift_add!(1),
        Zba::Sh1addUw => shift_add_word!(1),
        Zba::Sh2add => shift_add!(2),
        Zba::Sh2addUw => shift_add_word!(2),
        Zba::Sh3add => shift_add!(3),
        Zba::Sh3addUw => shift_add_word!(3),
        Zba::SlliUw => Lowering::Straight(|t, o| {
            let word = t.zero_extended_word(o.rs1());
            let result = t.b.ins().ishl_imm_u(word, i64::from(o.imm()));
            t.set_x(o.rd(), result);
        }),
    }
}

impl Translator<'_> {
    fn shift_add(&mut self, a: Value, shift: i64, b: Value) -> Value {
        let scaled = self.b.ins().ishl_imm_u(a, shift);
        self.b.ins().iadd(scaled, b)
    }

    fn zero_extended_word(&mut self, register: usize) -> Value {
        let word = self.w(register);
        self.b.ins().uextend(types::I64, word)
    }
}
