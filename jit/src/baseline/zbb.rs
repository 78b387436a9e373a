//! Zbb: basic bit manipulation.

use riscope_core::isa::Operands;
use riscope_core::isa::zbb::Zbb;

use super::assembler::Assembler;
use super::emitter::{Emitter, unless_x0};
use super::operand::{Condition, Reg, Source, Width, Xmm};
use super::template::Template;

/// `rd = rs1 op ~rs2`
macro_rules! with_complement {
    ($operation:ident) => {
        Template::Straight(|e, o| {
            unless_x0(e, o, |e| e.with_complement(o, |asm, d, s| asm.$operation(Width::Double, d, s)));
        })
    };
}

/// `rd` = one of two, by how they compare.
macro_rules! choose {
    ($second_if:ident) => {
        Template::Straight(|e, o| unless_x0(e, o, |e| e.choose(o, Condition::$second_if)))
    };
}

macro_rules! extend {
    ($bytes:literal, $signed:literal) => {
        Template::Straight(|e, o| unless_x0(e, o, |e| e.extend(o, $bytes, $signed)))
    };
}

macro_rules! rotate {
    ($operation:ident, $width:ident) => {
        Template::Straight(|e, o| unless_x0(e, o, |e| e.shift(o, Width::$width, |asm, w, d| asm.$operation(w, d))))
    };
}

macro_rules! rotate_imm {
    ($width:ident) => {
        Template::Straight(|e, o| {
            unless_x0(e, o, |e| e.shift_imm(o, Width::$width, |asm, w, d, n| asm.ror(w, d, n)));
        })
    };
}

/// A count of bits.
macro_rules! count {
    ($method:ident, $width:ident) => {
        Template::Straight(|e, o| unless_x0(e, o, |e| e.$method(o, Width::$width)))
    };
}

/// Whether the host has an instruction that counts bits.
fn host_counts_bits() -> bool {
    std::arch::is_x86_feature_detected!("popcnt")
}

pub(super) fn template(op: Zbb) -> Template {
    match op {
        Zbb::Andn => with_complement!(and),
        Zbb::Orn => with_complement!(or),
        Zbb::Xnor => with_complement!(xor),
        Zbb::Max => choose!(Less),
        Zbb::Maxu => choose!(Below),
        Zbb::Min => choose!(GreaterEqual),
        Zbb::Minu => choose!(AboveEqual),
        Zbb::SextB => extend!(1, true),
        Zbb::SextH => extend!(2, true),
        Zbb::ZextH => extend!(2, false),
        Zbb::Rol => rotate!(rol_cl, Double),
        Zbb::Rolw => rotate!(rol_cl, Word),
        Zbb::Ror => rotate!(ror_cl, Double),
        Zbb::Rorw => rotate!(ror_cl, Word),
        Zbb::Rori => rotate_imm!(Double),
        Zbb::Roriw => rotate_imm!(Word),
        Zbb::Rev8 => Template::Straight(|e, o| unless_x0(e, o, |e| e.reverse_bytes(o))),
        Zbb::Clz => count!(leading_zeros, Double),
        Zbb::Clzw => count!(leading_zeros, Word),
        Zbb::Ctz => count!(trailing_zeros, Double),
        Zbb::Ctzw => count!(trailing_zeros, Word),
        Zbb::Cpop if host_counts_bits() => count!(population, Double),
        Zbb::Cpopw if host_counts_bits() => count!(population, Word),
        Zbb::Cpop | Zbb::Cpopw => Template::Call,
        Zbb::OrcB => Template::Straight(|e, o| unless_x0(e, o, |e| e.combine_bytes(o))),
    }
}

impl Emitter<'_> {
    fn with_complement(&mut self, o: Operands, operation: fn(&mut Assembler, Reg, Source)) {
        self.copy_x(o.rs2(), Reg::RAX);
        let a = self.x(o.rs1());
        self.asm.not(Reg::RAX);
        operation(self.asm, Reg::RAX, a);
        self.set_x(o.rd(), Reg::RAX);
    }

    /// `rd` = `rs2` if the condition holds for `rs1` and `rs2`, else `rs1`.
    fn choose(&mut self, o: Operands, second_if: Condition) {
        self.copy_x(o.rs1(), Reg::RAX);
        let b = self.x_in(o.rs2(), Reg::RCX);
        self.asm.cmp(Width::Double, Reg::RAX, b);
        self.asm.mov_if(second_if, Reg::RAX, b);
        self.set_x(o.rd(), Reg::RAX);
    }

    fn extend(&mut self, o: Operands, bytes: u8, signed: bool) {
        let a = self.x_in(o.rs1(), Reg::RAX);
        let d = self.result(o.rd(), Reg::RAX);
        self.asm.extend_reg(d, a, bytes, signed);
        self.set_x(o.rd(), d);
    }

    fn leading_zeros(&mut self, o: Operands, width: Width) {
        let bits = bits(width);
        let a = self.x_in(o.rs1(), Reg::RAX);
        // 2 * bits - 1 is what becomes `bits` below.
        self.asm.mov(Reg::RCX, 2 * bits - 1);
        self.asm.highest_bit(width, Reg::RDX, a);
        self.asm.mov_if(Condition::Equal, Reg::RDX, Reg::RCX);
        self.asm.xor(Width::Word, Reg::RDX, bits - 1);
        self.set_x(o.rd(), Reg::RDX);
    }

    fn trailing_zeros(&mut self, o: Operands, width: Width) {
        let a = self.x_in(o.rs1(), Reg::RAX);
        self.asm.mov(Reg::RCX, bits(width));
        self.asm.lowest_bit(width, Reg::RDX, a);
        self.asm.mov_if(Condition::Equal, Reg::RDX, Reg::RCX);
        self.set_x(o.rd(), Reg::RDX);
    }

    fn population(&mut self, o: Operands, width: Width) {
        let a = self.x_in(o.rs1(), Reg::RAX);
        let d = self.result(o.rd(), Reg::RAX);
        self.asm.count_bits(width, d, a);
        self.set_x(o.rd(), d);
    }

    /// Each byte = all ones unless it is 0.
    fn combine_bytes(&mut self, o: Operands) {
        let a = self.x_in(o.rs1(), Reg::RAX);
        self.asm.fill_vector(Xmm::XMM0, a);
        self.asm.clear_vector(Xmm::XMM1);
        self.asm.equal_bytes(Xmm::XMM0, Xmm::XMM1);
        let d = self.result(o.rd(), Reg::RAX);
        self.asm.take_vector(d, Xmm::XMM0);
        self.asm.not(d);
        self.set_x(o.rd(), d);
    }

    fn reverse_bytes(&mut self, o: Operands) {
        let d = self.result(o.rd(), Reg::RAX);
        self.copy_x(o.rs1(), d);
        self.asm.swap_bytes(d);
        self.set_x(o.rd(), d);
    }
}

/// Bits of a register.
const fn bits(width: Width) -> i32 {
    match width {
        Width::Word => 32,
        Width::Double => 64,
    }
}
