//! Zba: address generation.

use riscope_core::isa::Operands;
use riscope_core::isa::zba::Zba;

use super::emitter::{Emitter, unless_x0};
use super::operand::{Reg, Width};
use super::template::Template;

macro_rules! shift_add {
    ($shift:literal, $width:ident) => {
        Template::Straight(|e, o| unless_x0(e, o, |e| e.shift_add(o, $shift, Width::$width)))
    };
}

pub(super) fn template(op: Zba) -> Template {
    match op {
        Zba::AddUw => shift_add!(0, Word),
        Zba::Sh1add => shift_add!(1, Double),
        Zba::Sh1addUw => shift_add!(1, Word),
        Zba::Sh2add => shift_add!(2, Double),
        Zba::Sh2addUw => shift_add!(2, Word),
        Zba::Sh3add => shift_add!(3, Double),
        Zba::Sh3addUw => shift_add!(3, Word),
        Zba::SlliUw => Template::Straight(|e, o| unless_x0(e, o, |e| e.shift_word(o))),
    }
}

impl Emitter<'_> {
    /// `rd = rs2 + (rs1 << shift)`, of `rs1` the width's low bits.
    fn shift_add(&mut self, o: Operands, shift: u8, width: Width) {
        let index = self.x_in(o.rs1(), Reg::RAX);
        let index = self.low_bits(index, width);
        let base = self.x_in(o.rs2(), Reg::RCX);
        let d = self.result(o.rd(), Reg::RAX);
        self.asm.lea_indexed(Width::Double, d, base, index, shift);
        self.set_x(o.rd(), d);
    }

    /// The width's low bits of a register, zero-extended.
    fn low_bits(&mut self, register: Reg, width: Width) -> Reg {
        match width {
            Width::Double => register,
            Width::Word => {
                self.asm.mov_word(Reg::RAX, register);
                Reg::RAX
            }
        }
    }

    fn shift_word(&mut self, o: Operands) {
        let source = self.x_in(o.rs1(), Reg::RAX);
        let d = self.result(o.rd(), Reg::RAX);
        self.asm.mov_word(d, source);
        self.asm.shl(Width::Double, d, o.imm().to_le_bytes()[0]);
        self.set_x(o.rd(), d);
    }
}
