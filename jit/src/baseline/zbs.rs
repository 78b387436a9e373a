//! Zbs: single-bit instructions.

use riscope_core::isa::Operands;
use riscope_core::isa::zbs::Zbs;

use super::assembler::Assembler;
use super::emitter::{Emitter, unless_x0};
use super::operand::{Reg, Source, Width};
use super::template::Template;

/// Which bit an instruction means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bit {
    /// That of the number in `rs2`, modulo 64.
    Register,
    /// That of the immediate.
    Immediate,
}

macro_rules! change {
    ($operation:ident, $bit:ident) => {
        Template::Straight(|e, o| {
            unless_x0(e, o, |e| e.change_bit(o, Bit::$bit, |asm, d, s| asm.$operation(Width::Double, d, s)));
        })
    };
}

macro_rules! clear {
    ($bit:ident) => {
        Template::Straight(|e, o| unless_x0(e, o, |e| e.clear_bit(o, Bit::$bit)))
    };
}

pub(super) fn template(op: Zbs) -> Template {
    match op {
        Zbs::Bclr => clear!(Register),
        Zbs::Bclri => clear!(Immediate),
        Zbs::Bext => Template::Straight(|e, o| unless_x0(e, o, |e| e.extract_bit(o, Bit::Register))),
        Zbs::Bexti => Template::Straight(|e, o| unless_x0(e, o, |e| e.extract_bit(o, Bit::Immediate))),
        Zbs::Binv => change!(xor, Register),
        Zbs::Binvi => change!(xor, Immediate),
        Zbs::Bset => change!(or, Register),
        Zbs::Bseti => change!(or, Immediate),
    }
}

impl Emitter<'_> {
    /// A word with the one bit, in `rax`. Changes `rcx`.
    fn bit(&mut self, o: Operands, bit: Bit) {
        match bit {
            Bit::Register => {
                self.copy_x(o.rs2(), Reg::RCX);
                self.asm.mov(Reg::RAX, 1);
                self.asm.shl_cl(Width::Double, Reg::RAX);
            }
            Bit::Immediate => self.asm.mov_wide(Reg::RAX, 1 << (o.imm() & 63)),
        }
    }

    fn change_bit(&mut self, o: Operands, bit: Bit, operation: fn(&mut Assembler, Reg, Source)) {
        let a = self.x(o.rs1());
        self.bit(o, bit);
        operation(self.asm, Reg::RAX, a);
        self.set_x(o.rd(), Reg::RAX);
    }

    fn clear_bit(&mut self, o: Operands, bit: Bit) {
        let a = self.x(o.rs1());
        self.bit(o, bit);
        self.asm.not(Reg::RAX);
        self.asm.and(Width::Double, Reg::RAX, a);
        self.set_x(o.rd(), Reg::RAX);
    }

    fn extract_bit(&mut self, o: Operands, bit: Bit) {
        if bit == Bit::Register {
            self.copy_x(o.rs2(), Reg::RCX);
        }
        self.copy_x(o.rs1(), Reg::RAX);
        match bit {
            Bit::Register => self.asm.shr_cl(Width::Double, Reg::RAX),
            Bit::Immediate => self.asm.shr(Width::Double, Reg::RAX, o.imm().to_le_bytes()[0]),
        }
        self.asm.and(Width::Word, Reg::RAX, 1);
        self.set_x(o.rd(), Reg::RAX);
    }
}
