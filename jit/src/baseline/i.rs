//! RV64I: base integer instructions.

use riscope_core::isa::Operands;
use riscope_core::isa::i::{I, PAUSE};

use super::assembler::Assembler;
use super::emitter::{Emitter, unless_x0};
use super::group::Access;
use super::operand::{Condition, Reg, Source, Width};
use super::template::Template;

/// `rd = f(rs1, rs2)` by a two-operand instruction of the host.
macro_rules! reg_reg {
    ($operation:ident, $order:ident, $width:ident) => {
        Template::Straight(|e, o| {
            unless_x0(e, o, |e| e.reg_reg(o, Width::$width, Order::$order, |asm, w, d, s| asm.$operation(w, d, s)));
        })
    };
}

/// `rd = f(rs1, imm)` by a two-operand instruction of the host.
macro_rules! reg_imm {
    ($operation:ident, $width:ident) => {
        Template::Straight(|e, o| {
            unless_x0(e, o, |e| e.reg_imm(o, Width::$width, |asm, w, d, s| asm.$operation(w, d, s)));
        })
    };
}

/// `rd = rs1 shifted by rs2`
macro_rules! shift {
    ($operation:ident, $width:ident) => {
        Template::Straight(|e, o| unless_x0(e, o, |e| e.shift(o, Width::$width, |asm, w, d| asm.$operation(w, d))))
    };
}

/// `rd = rs1 shifted by imm`
macro_rules! shift_imm {
    ($operation:ident, $width:ident) => {
        Template::Straight(|e, o| {
            unless_x0(e, o, |e| e.shift_imm(o, Width::$width, |asm, w, d, n| asm.$operation(w, d, n)));
        })
    };
}

macro_rules! branch {
    ($condition:ident) => {
        Template::Branch(|e, o| e.branch(Condition::$condition, o))
    };
}

macro_rules! load {
    ($bytes:literal, $signed:literal) => {
        Template::Straight(|e, o| e.load_from_memory(o, $bytes, $signed))
    };
}

macro_rules! store {
    ($bytes:literal) => {
        Template::Straight(|e, o| e.store_to_memory(o, $bytes))
    };
}

pub(super) fn template(op: I, o: Operands) -> Template {
    match op {
        I::Lui => Template::Straight(|e, o| unless_x0(e, o, |e| e.constant(o))),
        I::Auipc => Template::Straight(|e, o| unless_x0(e, o, |e| e.auipc(o))),
        I::Jal if is_link(o.rd()) => Template::Leave(|e, o| e.jal(o)),
        I::Jal => Template::Jump(|e, o| e.jal(o)),
        I::Jalr => Template::Leave(|e, o| e.jalr(o)),
        I::Beq => branch!(Equal),
        I::Bne => branch!(NotEqual),
        I::Blt => branch!(Less),
        I::Bge => branch!(GreaterEqual),
        I::Bltu => branch!(Below),
        I::Bgeu => branch!(AboveEqual),
        I::Lb => load!(1, true),
        I::Lh => load!(2, true),
        I::Lw => load!(4, true),
        I::Ld => load!(8, false),
        I::Lbu => load!(1, false),
        I::Lhu => load!(2, false),
        I::Lwu => load!(4, false),
        I::Sb => store!(1),
        I::Sh => store!(2),
        I::Sw => store!(4),
        I::Sd => store!(8),
        I::Addi => Template::Straight(|e, o| unless_x0(e, o, |e| e.addi(o))),
        I::Slti => Template::Straight(|e, o| unless_x0(e, o, |e| e.compare_imm(o, Condition::Less))),
        I::Sltiu => Template::Straight(|e, o| unless_x0(e, o, |e| e.compare_imm(o, Condition::Below))),
        I::Xori => reg_imm!(xor, Double),
        I::Ori => reg_imm!(or, Double),
        I::Andi => reg_imm!(and, Double),
        I::Slli => shift_imm!(shl, Double),
        I::Srli => shift_imm!(shr, Double),
        I::Srai => shift_imm!(sar, Double),
        I::Add => reg_reg!(add, Commutes, Double),
        I::Sub => reg_reg!(sub, Matters, Double),
        I::Sll => shift!(shl_cl, Double),
        I::Slt => Template::Straight(|e, o| unless_x0(e, o, |e| e.compare(o, Condition::Less))),
        I::Sltu => Template::Straight(|e, o| unless_x0(e, o, |e| e.compare(o, Condition::Below))),
        I::Xor => reg_reg!(xor, Commutes, Double),
        I::Srl => shift!(shr_cl, Double),
        I::Sra => shift!(sar_cl, Double),
        I::Or => reg_reg!(or, Commutes, Double),
        I::And => reg_reg!(and, Commutes, Double),
        I::Addiw => Template::Straight(|e, o| unless_x0(e, o, |e| e.addiw(o))),
        I::Slliw => shift_imm!(shl, Word),
        I::Srliw => shift_imm!(shr, Word),
        I::Sraiw => shift_imm!(sar, Word),
        I::Addw => reg_reg!(add, Commutes, Word),
        I::Subw => reg_reg!(sub, Matters, Word),
        I::Sllw => shift!(shl_cl, Word),
        I::Srlw => shift!(shr_cl, Word),
        I::Sraw => shift!(sar_cl, Word),
        I::Fence if o.imm() == PAUSE => Template::Call,
        I::Fence => Template::Straight(|e, o| e.fence(o)),
        I::Ecall | I::Ebreak => Template::LastCall,
    }
}

/// The access of an instruction to memory at `imm(rs1)`, if it has one.
pub(super) fn access(op: I) -> Option<Access> {
    let (bytes, store) = match op {
        I::Lb | I::Lbu => (1, false),
        I::Lh | I::Lhu => (2, false),
        I::Lw | I::Lwu => (4, false),
        I::Ld => (8, false),
        I::Sb => (1, true),
        I::Sh => (2, true),
        I::Sw => (4, true),
        I::Sd => (8, true),
        _ => return None,
    };
    Some(Access { bytes, store })
}

/// Whether a jump with this link register is a call, and one to its address a return
/// (unprivileged specification, "Unconditional Jumps").
fn is_link(register: usize) -> bool {
    matches!(register, 1 | 5)
}

/// Whether the operands of an operation may be exchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Commutes,
    Matters,
}

impl Emitter<'_> {
    /// Writes a result that is in `d`; a word is sign-extended first.
    pub(super) fn finish(&mut self, o: Operands, width: Width, d: Reg) {
        if width == Width::Word {
            self.asm.sign_extend_word(d, d);
        }
        self.set_x(o.rd(), d);
    }

    /// `rd = rs1 op rs2`
    pub(super) fn reg_reg(
        &mut self,
        o: Operands,
        width: Width,
        order: Order,
        operation: fn(&mut Assembler, Width, Reg, Source),
    ) {
        let (a, b) = (self.x(o.rs1()), self.x(o.rs2()));
        let d = self.result(o.rd(), Reg::RAX);
        let (a, b) = if order == Order::Commutes && b == Source::Reg(d) { (b, a) } else { (a, b) };
        if b == Source::Reg(d) && a != b {
            // `d` is the second operand and cannot be the first one's place.
            self.asm.mov(Reg::RAX, a);
            operation(self.asm, width, Reg::RAX, b);
            if width == Width::Word {
                self.asm.sign_extend_word(d, Reg::RAX);
                self.set_x(o.rd(), d);
            } else {
                self.set_x(o.rd(), Reg::RAX);
            }
            return;
        }
        self.asm.mov(d, a);
        operation(self.asm, width, d, b);
        self.finish(o, width, d);
    }

    /// `rd = rs1 op imm`
    fn reg_imm(&mut self, o: Operands, width: Width, operation: fn(&mut Assembler, Width, Reg, Source)) {
        let d = self.result(o.rd(), Reg::RAX);
        self.copy_x(o.rs1(), d);
        operation(self.asm, width, d, Source::Imm(o.imm()));
        self.finish(o, width, d);
    }

    /// `rd = rs1 op (rs2 mod width)`
    pub(super) fn shift(&mut self, o: Operands, width: Width, operation: fn(&mut Assembler, Width, Reg)) {
        self.copy_x(o.rs2(), Reg::RCX);
        let d = self.result(o.rd(), Reg::RAX);
        self.copy_x(o.rs1(), d);
        operation(self.asm, width, d);
        self.finish(o, width, d);
    }

    /// `rd = rs1 op imm`
    pub(super) fn shift_imm(&mut self, o: Operands, width: Width, operation: fn(&mut Assembler, Width, Reg, u8)) {
        let d = self.result(o.rd(), Reg::RAX);
        self.copy_x(o.rs1(), d);
        operation(self.asm, width, d, o.imm().to_le_bytes()[0]);
        self.finish(o, width, d);
    }

    /// `rd = imm`
    fn constant(&mut self, o: Operands) {
        let d = self.result(o.rd(), Reg::RAX);
        self.asm.mov(d, o.imm());
        self.set_x(o.rd(), d);
    }

    fn auipc(&mut self, o: Operands) {
        let d = self.result(o.rd(), Reg::RAX);
        let distance = i64::from(self.distance(self.at())) + i64::from(o.imm());
        match i32::try_from(distance) {
            Ok(distance) => self.asm.lea(Width::Double, d, Reg::RSI, distance),
            Err(_) => {
                self.asm.mov_wide(Reg::RAX, distance.cast_unsigned());
                self.asm.lea_indexed(Width::Double, d, Reg::RAX, Reg::RSI, 0);
            }
        }
        self.set_x(o.rd(), d);
    }

    fn addi(&mut self, o: Operands) {
        let d = self.result(o.rd(), Reg::RAX);
        match self.x(o.rs1()) {
            Source::Imm(_) => self.asm.mov(d, o.imm()),
            Source::Reg(a) if a != d && o.imm() != 0 => self.asm.lea(Width::Double, d, a, o.imm()),
            a => {
                self.asm.mov(d, a);
                if o.imm() != 0 {
                    self.asm.add(Width::Double, d, o.imm());
                }
            }
        }
        self.set_x(o.rd(), d);
    }

    fn addiw(&mut self, o: Operands) {
        let d = self.result(o.rd(), Reg::RAX);
        match self.x(o.rs1()) {
            Source::Imm(_) => self.asm.mov(d, o.imm()),
            a if o.imm() == 0 => self.asm.sign_extend_word(d, a),
            Source::Reg(a) if a != d => {
                self.asm.lea(Width::Word, d, a, o.imm());
                self.asm.sign_extend_word(d, d);
            }
            a => {
                self.asm.mov(d, a);
                self.asm.add(Width::Word, d, o.imm());
                self.asm.sign_extend_word(d, d);
            }
        }
        self.set_x(o.rd(), d);
    }

    /// `rd = rs1 < rs2`, as 0 or 1.
    fn compare(&mut self, o: Operands, condition: Condition) {
        let a = self.x_in(o.rs1(), Reg::RAX);
        let b = self.x(o.rs2());
        self.asm.cmp(Width::Double, a, b);
        self.set_flag(o, condition);
    }

    /// `rd = rs1 < imm`, as 0 or 1.
    fn compare_imm(&mut self, o: Operands, condition: Condition) {
        let a = self.x_in(o.rs1(), Reg::RAX);
        self.asm.cmp(Width::Double, a, o.imm());
        self.set_flag(o, condition);
    }

    /// `rd` = 1 if the condition holds, else 0.
    pub(super) fn set_flag(&mut self, o: Operands, condition: Condition) {
        self.asm.set_if(condition, Reg::RAX);
        let d = self.result(o.rd(), Reg::RAX);
        self.asm.extend_reg(d, Reg::RAX, 1, false);
        self.set_x(o.rd(), d);
    }

    fn branch(&mut self, condition: Condition, o: Operands) {
        let target = self.target(o.imm());
        self.count_before_branch(target);
        let a = self.x_in(o.rs1(), Reg::RAX);
        let b = self.x(o.rs2());
        if b == Source::Imm(0) && matches!(condition, Condition::Equal | Condition::NotEqual) {
            self.asm.test(Width::Double, a, a);
        } else {
            self.asm.cmp(Width::Double, a, b);
        }
        self.go_if(condition, target);
        let (next, uncounted) = (self.next(), self.uncounted_behind());
        self.go_to(next, uncounted);
    }

    fn jal(&mut self, o: Operands) {
        self.link(o);
        let (target, uncounted) = (self.target(o.imm()), self.uncounted_behind());
        if is_link(o.rd()) {
            self.call_target(target, o.rd());
        } else {
            self.go(target, uncounted);
        }
    }

    fn jalr(&mut self, o: Operands) {
        self.copy_x(o.rs1(), Reg::RAX);
        if o.imm() != 0 {
            self.asm.add(Width::Double, Reg::RAX, o.imm());
        }
        self.asm.and(Width::Double, Reg::RAX, -2);
        self.link_keeping_rax(o);
        if is_link(o.rd()) {
            self.call_address(o.rd());
        } else if is_link(o.rs1()) {
            self.return_to_address();
        } else {
            self.go_to_address();
        }
    }

    /// Writes the return address of a jump.
    fn link(&mut self, o: Operands) {
        if o.rd() != 0 {
            let d = self.result(o.rd(), Reg::RAX);
            let distance = self.distance(self.next());
            self.asm.lea(Width::Double, d, Reg::RSI, distance);
            self.set_x(o.rd(), d);
        }
    }

    fn link_keeping_rax(&mut self, o: Operands) {
        if o.rd() != 0 {
            let d = self.result(o.rd(), Reg::RCX);
            let distance = self.distance(self.next());
            self.asm.lea(Width::Double, d, Reg::RSI, distance);
            self.set_x(o.rd(), d);
        }
    }

    /// The host keeps every order but store before load (TSO).
    fn fence(&mut self, o: Operands) {
        const WRITES: i32 = 0b0101;
        const READS: i32 = 0b1010;
        if o.imm() >> 4 & WRITES != 0 && o.imm() & READS != 0 {
            self.asm.store_load_fence();
        }
    }
}
