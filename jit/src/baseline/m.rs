//! M: integer multiplication and division.
//!
//! The host's divisions trap where RISC-V's do not, so those cases are told apart first.

use riscope_core::isa::Operands;
use riscope_core::isa::m::M;

use super::emitter::{Emitter, unless_x0};
use super::operand::{Condition, Reg, Width};
use super::template::Template;

/// Which result of a division is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Quotient,
    Remainder,
}

macro_rules! divide {
    ($part:ident, $width:ident, $signed:literal) => {
        Template::Straight(|e, o| unless_x0(e, o, |e| e.divide(o, Part::$part, Width::$width, $signed)))
    };
}

pub(super) fn template(op: M) -> Template {
    match op {
        M::Mul => Template::Straight(|e, o| unless_x0(e, o, |e| e.multiply(o, Width::Double))),
        M::Mulh => Template::Straight(|e, o| unless_x0(e, o, |e| e.multiply_high(o, true))),
        M::Mulhsu => Template::Straight(|e, o| unless_x0(e, o, |e| e.multiply_high_mixed(o))),
        M::Mulhu => Template::Straight(|e, o| unless_x0(e, o, |e| e.multiply_high(o, false))),
        M::Div => divide!(Quotient, Double, true),
        M::Divu => divide!(Quotient, Double, false),
        M::Rem => divide!(Remainder, Double, true),
        M::Remu => divide!(Remainder, Double, false),
        M::Mulw => Template::Straight(|e, o| unless_x0(e, o, |e| e.multiply(o, Width::Word))),
        M::Divw => divide!(Quotient, Word, true),
        M::Divuw => divide!(Quotient, Word, false),
        M::Remw => divide!(Remainder, Word, true),
        M::Remuw => divide!(Remainder, Word, false),
    }
}

impl Emitter<'_> {
    fn multiply(&mut self, o: Operands, width: Width) {
        self.copy_x(o.rs1(), Reg::RAX);
        let b = self.x_in(o.rs2(), Reg::RCX);
        self.asm.imul(width, Reg::RAX, b);
        self.finish(o, width, Reg::RAX);
    }

    fn multiply_high(&mut self, o: Operands, signed: bool) {
        self.copy_x(o.rs1(), Reg::RAX);
        let b = self.x_in(o.rs2(), Reg::RCX);
        self.asm.multiply_wide(b, signed);
        self.set_x(o.rd(), Reg::RDX);
    }

    /// High half of signed times unsigned: the unsigned product counts a negative `a` as
    /// `a + 2^64`, which is `b` too much in the high half.
    fn multiply_high_mixed(&mut self, o: Operands) {
        self.copy_x(o.rs1(), Reg::RAX);
        self.copy_x(o.rs2(), Reg::RCX);
        self.asm.multiply_wide(Reg::RCX, false);
        self.copy_x(o.rs1(), Reg::RAX);
        self.asm.sar(Width::Double, Reg::RAX, 63);
        self.asm.and(Width::Double, Reg::RAX, Reg::RCX);
        self.asm.sub(Width::Double, Reg::RDX, Reg::RAX);
        self.set_x(o.rd(), Reg::RDX);
    }

    /// Division by 0 gives all ones and leaves the dividend as remainder. The one quotient
    /// that overflows is that by -1, which is negation, and wraps.
    fn divide(&mut self, o: Operands, part: Part, width: Width, signed: bool) {
        self.copy_x(o.rs1(), Reg::RAX);
        self.copy_x(o.rs2(), Reg::RCX);
        let (by_zero, done) = (self.asm.label(), self.asm.label());
        self.asm.test(width, Reg::RCX, Reg::RCX);
        self.asm.jump_if(Condition::Equal, by_zero);
        if signed {
            let divide = self.asm.label();
            self.asm.cmp(width, Reg::RCX, -1);
            self.asm.jump_if(Condition::NotEqual, divide);
            self.asm.neg(width, Reg::RAX);
            self.asm.mov(Reg::RDX, 0);
            self.asm.jump(done);
            self.asm.bind(divide);
        }
        self.asm.divide(width, Reg::RCX, signed);
        self.asm.jump(done);
        self.asm.bind(by_zero);
        self.asm.mov(Reg::RDX, Reg::RAX);
        self.asm.mov(Reg::RAX, -1);
        self.asm.bind(done);
        let result = if part == Part::Quotient { Reg::RAX } else { Reg::RDX };
        self.finish(o, width, result);
    }
}
