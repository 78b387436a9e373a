//! RV64I: base integer instructions.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Type, Value, types};
use riscope_core::isa::Operands;
use riscope_core::isa::i::I;

use super::Translator;

/// Sign or zero extension of a loaded value.
#[derive(Clone, Copy)]
enum Extend {
    Sign,
    Zero,
}

impl Translator<'_> {
    pub(super) fn lower_i(&mut self, op: I, o: Operands) {
        match op {
            I::Lui => {
                let value = self.b.ins().iconst(types::I64, i64::from(o.imm()));
                self.set_x(o.rd(), value);
            }
            I::Auipc => {
                let distance = i64::from(self.pc_delta()) + i64::from(o.imm());
                let value = self.b.ins().iadd_imm_s(self.entry_pc, distance);
                self.set_x(o.rd(), value);
            }
            I::Jal => self.jal(o),
            I::Jalr => self.jalr(o),
            I::Beq => self.branch(IntCC::Equal, o),
            I::Bne => self.branch(IntCC::NotEqual, o),
            I::Blt => self.branch(IntCC::SignedLessThan, o),
            I::Bge => self.branch(IntCC::SignedGreaterThanOrEqual, o),
            I::Bltu => self.branch(IntCC::UnsignedLessThan, o),
            I::Bgeu => self.branch(IntCC::UnsignedGreaterThanOrEqual, o),
            I::Lb => self.load(o, 1, Extend::Sign),
            I::Lh => self.load(o, 2, Extend::Sign),
            I::Lw => self.load(o, 4, Extend::Sign),
            I::Ld => self.load(o, 8, Extend::Zero),
            I::Lbu => self.load(o, 1, Extend::Zero),
            I::Lhu => self.load(o, 2, Extend::Zero),
            I::Lwu => self.load(o, 4, Extend::Zero),
            I::Sb => self.store(o, 1),
            I::Sh => self.store(o, 2),
            I::Sw => self.store(o, 4),
            I::Sd => self.store(o, 8),
            I::Fence => self.fence(o),
            I::Ecall | I::Ebreak => unreachable!("block discovery stops at traps"),
            _ => self.alu(op, o),
        }
    }

    fn alu(&mut self, op: I, o: Operands) {
        let a = self.x(o.rs1());
        let b = self.second_operand(op, o);
        let result = match op {
            I::Addi | I::Add => self.b.ins().iadd(a, b),
            I::Sub => self.b.ins().isub(a, b),
            I::Xori | I::Xor => self.b.ins().bxor(a, b),
            I::Ori | I::Or => self.b.ins().bor(a, b),
            I::Andi | I::And => self.b.ins().band(a, b),
            I::Slli | I::Sll => self.b.ins().ishl(a, b),
            I::Srli | I::Srl => self.b.ins().ushr(a, b),
            I::Srai | I::Sra => self.b.ins().sshr(a, b),
            I::Slti | I::Slt => return self.compare(IntCC::SignedLessThan, a, b, o),
            I::Sltiu | I::Sltu => return self.compare(IntCC::UnsignedLessThan, a, b, o),
            _ => return self.alu_word(op, a, b, o),
        };
        self.set_x(o.rd(), result);
    }

    /// The 32-bit forms: Cranelift's shifts take their amount modulo the width, as
    /// RISC-V does.
    fn alu_word(&mut self, op: I, a: Value, b: Value, o: Operands) {
        let a = self.b.ins().ireduce(types::I32, a);
        let b = self.b.ins().ireduce(types::I32, b);
        let result = match op {
            I::Addiw | I::Addw => self.b.ins().iadd(a, b),
            I::Subw => self.b.ins().isub(a, b),
            I::Slliw | I::Sllw => self.b.ins().ishl(a, b),
            I::Srliw | I::Srlw => self.b.ins().ushr(a, b),
            I::Sraiw | I::Sraw => self.b.ins().sshr(a, b),
            _ => unreachable!("not an arithmetic instruction"),
        };
        self.set_w(o.rd(), result);
    }

    /// The register or the immediate.
    fn second_operand(&mut self, op: I, o: Operands) -> Value {
        match op {
            I::Addi
            | I::Slti
            | I::Sltiu
            | I::Xori
            | I::Ori
            | I::Andi
            | I::Slli
            | I::Srli
            | I::Srai
            | I::Addiw
            | I::Slliw
            | I::Srliw
            | I::Sraiw => self.b.ins().iconst(types::I64, i64::from(o.imm())),
            _ => self.x(o.rs2()),
        }
    }

    fn compare(&mut self, condition: IntCC, a: Value, b: Value, o: Operands) {
        let flag = self.b.ins().icmp(condition, a, b);
        self.set_flag(o.rd(), flag);
    }

    fn load(&mut self, o: Operands, len: u8, extend: Extend) {
        let host = self.operand_pointer(o, len, false);
        let ty = integer_of(len);
        let value = self.b.ins().load(ty, self.flags.ram, host, 0);
        let value = match (ty, extend) {
            (types::I64, _) => value,
            (_, Extend::Sign) => self.b.ins().sextend(types::I64, value),
            (_, Extend::Zero) => self.b.ins().uextend(types::I64, value),
        };
        self.set_x(o.rd(), value);
    }

    fn store(&mut self, o: Operands, len: u8) {
        let value = self.x(o.rs2());
        let host = self.operand_pointer(o, len, true);
        let ty = integer_of(len);
        let value = if ty == types::I64 { value } else { self.b.ins().ireduce(ty, value) };
        self.b.ins().store(self.flags.ram, value, host, 0);
    }

    /// x86 keeps every order but store before load (TSO); AArch64 keeps none.
    fn fence(&mut self, o: Operands) {
        const WRITES: i32 = 0b0101;
        const READS: i32 = 0b1010;
        let store_load = o.imm() >> 4 & WRITES != 0 && o.imm() & READS != 0;
        if store_load || !cfg!(target_arch = "x86_64") {
            self.b.ins().fence();
        }
    }
}

/// The integer type of `len` bytes: 1, 2, 4 or 8.
fn integer_of(len: u8) -> Type {
    Type::int(8 * u16::from(len)).unwrap_or(types::I64)
}
