//! RV64I base integer instruction set.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Type, Value, types};
use riscope_core::isa::Operands;
use riscope_core::isa::i::{I, PAUSE};

use super::lowering::{Lowering, Successors, bytes, reg_imm, reg_reg, word_imm, word_word};
use super::translator::Translator;

/// How a loaded value is extended to 64 bits.
#[derive(Clone, Copy)]
enum Extend {
    Sign,
    Zero,
}

macro_rules! branch {
    ($condition:ident) => {
        Lowering::Transfer(|t, o| t.branch(IntCC::$condition, o), Successors::TargetOrBehind)
    };
}

macro_rules! load {
    ($ty:ident, $extend:ident) => {
        Lowering::Straight(|t, o| t.load(o, types::$ty, Extend::$extend))
    };
}

macro_rules! store {
    ($ty:ident) => {
        Lowering::Straight(|t, o| t.store(o, types::$ty))
    };
}

pub(super) fn lowering(op: I, o: Operands) -> Lowering {
    match op {
        I::Lui => Lowering::Straight(|t, o| t.lui(o)),
        I::Auipc => Lowering::Straight(|t, o| t.auipc(o)),
        I::Jal if o.rd() == 0 => Lowering::Transfer(|t, o| t.jal(o), Successors::Target),
        I::Jal => Lowering::Transfer(|t, o| t.jal(o), Successors::Elsewhere),
        I::Jalr => Lowering::Transfer(|t, o| t.jalr(o), Successors::Elsewhere),
        I::Beq => branch!(Equal),
        I::Bne => branch!(NotEqual),
        I::Blt => branch!(SignedLessThan),
        I::Bge => branch!(SignedGreaterThanOrEqual),
        I::Bltu => branch!(UnsignedLessThan),
        I::Bgeu => branch!(UnsignedGreaterThanOrEqual),
        I::Lb => load!(I8, Sign),
        I::Lh => load!(I16, Sign),
        I::Lw => load!(I32, Sign),
        I::Ld => load!(I64, Zero),
        I::Lbu => load!(I8, Zero),
        I::Lhu => load!(I16, Zero),
        I::Lwu => load!(I32, Zero),
        I::Sb => store!(I8),
        I::Sh => store!(I16),
        I::Sw => store!(I32),
        I::Sd => store!(I64),
        I::Addi => reg_imm!(|t, a, imm| t.b.ins().iadd(a, imm)),
        I::Slti => reg_imm!(|t, a, imm| t.compare(IntCC::SignedLessThan, a, imm)),
        I::Sltiu => reg_imm!(|t, a, imm| t.compare(IntCC::UnsignedLessThan, a, imm)),
        I::Xori => reg_imm!(|t, a, imm| t.b.ins().bxor(a, imm)),
        I::Ori => reg_imm!(|t, a, imm| t.b.ins().bor(a, imm)),
        I::Andi => reg_imm!(|t, a, imm| t.b.ins().band(a, imm)),
        I::Slli => reg_imm!(|t, a, imm| t.b.ins().ishl(a, imm)),
        I::Srli => reg_imm!(|t, a, imm| t.b.ins().ushr(a, imm)),
        I::Srai => reg_imm!(|t, a, imm| t.b.ins().sshr(a, imm)),
        I::Add => reg_reg!(|t, a, b| t.b.ins().iadd(a, b)),
        I::Sub => reg_reg!(|t, a, b| t.b.ins().isub(a, b)),
        I::Sll => reg_reg!(|t, a, b| t.b.ins().ishl(a, b)),
        I::Slt => reg_reg!(|t, a, b| t.compare(IntCC::SignedLessThan, a, b)),
        I::Sltu => reg_reg!(|t, a, b| t.compare(IntCC::UnsignedLessThan, a, b)),
        I::Xor => reg_reg!(|t, a, b| t.b.ins().bxor(a, b)),
        I::Srl => reg_reg!(|t, a, b| t.b.ins().ushr(a, b)),
        I::Sra => reg_reg!(|t, a, b| t.b.ins().sshr(a, b)),
        I::Or => reg_reg!(|t, a, b| t.b.ins().bor(a, b)),
        I::And => reg_reg!(|t, a, b| t.b.ins().band(a, b)),
        I::Addiw => word_imm!(|t, a, imm| t.b.ins().iadd(a, imm)),
        I::Slliw => word_imm!(|t, a, imm| t.b.ins().ishl(a, imm)),
        I::Srliw => word_imm!(|t, a, imm| t.b.ins().ushr(a, imm)),
        I::Sraiw => word_imm!(|t, a, imm| t.b.ins().sshr(a, imm)),
        I::Addw => word_word!(|t, a, b| t.b.ins().iadd(a, b)),
        I::Subw => word_word!(|t, a, b| t.b.ins().isub(a, b)),
        I::Sllw => word_word!(|t, a, b| t.b.ins().ishl(a, b)),
        I::Srlw => word_word!(|t, a, b| t.b.ins().ushr(a, b)),
        I::Sraw => word_word!(|t, a, b| t.b.ins().sshr(a, b)),
        I::Fence if o.imm() == PAUSE => Lowering::Interpreted,
        I::Fence => Lowering::Straight(|t, o| t.fence(o)),
        I::Ecall | I::Ebreak => Lowering::Interpreted,
    }
}

impl Translator<'_> {
    fn lui(&mut self, o: Operands) {
        let value = self.immediate(o);
        self.set_x(o.rd(), value);
    }

    fn auipc(&mut self, o: Operands) {
        let distance = i64::from(self.pc_delta()) + i64::from(o.imm());
        let value = self.b.ins().iadd_imm_s(self.entry_pc, distance);
        self.set_x(o.rd(), value);
    }

    /// 1 if `condition` holds for `a` and `b`, else 0.
    fn compare(&mut self, condition: IntCC, a: Value, b: Value) -> Value {
        let flag = self.b.ins().icmp(condition, a, b);
        self.b.ins().uextend(types::I64, flag)
    }

    fn load(&mut self, o: Operands, ty: Type, extend: Extend) {
        let host = self.operand_pointer(o, bytes(ty), false);
        let value = self.b.ins().load(ty, self.flags.ram, host, 0);
        let value = match extend {
            _ if ty == types::I64 => value,
            Extend::Sign => self.b.ins().sextend(types::I64, value),
            Extend::Zero => self.b.ins().uextend(types::I64, value),
        };
        self.set_x(o.rd(), value);
    }

    fn store(&mut self, o: Operands, ty: Type) {
        let value = self.x(o.rs2());
        let host = self.operand_pointer(o, bytes(ty), true);
        let value = if ty == types::I64 { value } else { self.b.ins().ireduce(ty, value) };
        self.b.ins().store(self.flags.ram, value, host, 0);
    }

    /// x86-64 reorders only stores with later loads (TSO); AArch64 reorders all accesses.
    fn fence(&mut self, o: Operands) {
        const WRITES: i32 = 0b0101;
        const READS: i32 = 0b1010;
        let store_load = o.imm() >> 4 & WRITES != 0 && o.imm() & READS != 0;
        if store_load || !cfg!(target_arch = "x86_64") {
            self.b.ins().fence();
        }
    }
}
