//! Zicond: conditional zero.

use riscope_core::isa::Operands;
use riscope_core::isa::zicond::Zicond;

use super::emitter::{Emitter, unless_x0};
use super::operand::{Condition, Reg, Width};
use super::template::Template;

pub(super) fn template(op: Zicond) -> Template {
    match op {
        Zicond::CzeroEqz => Template::Straight(|e, o| unless_x0(e, o, |e| e.zero_if(o, Condition::Equal))),
        Zicond::CzeroNez => Template::Straight(|e, o| unless_x0(e, o, |e| e.zero_if(o, Condition::NotEqual))),
    }
}

impl Emitter<'_> {
    /// `rd` = 0 if `rs2` compares with 0 as the condition says, else `rs1`.
    fn zero_if(&mut self, o: Operands, condition: Condition) {
        self.copy_x(o.rs1(), Reg::RAX);
        let b = self.x_in(o.rs2(), Reg::RCX);
        self.asm.mov(Reg::RDX, 0);
        self.asm.test(Width::Double, b, b);
        self.asm.mov_if(condition, Reg::RAX, Reg::RDX);
        self.set_x(o.rd(), Reg::RAX);
    }
}
