//! Instructions that templates use together and that hardly differ from time to time: encoded at
//! compile time, appended at once.

use super::opcode::{Bytes, Opcode};
use super::operand::{Condition, Mem, Reg};

/// Bytes of a sequence at most.
const SIZE: usize = 32;

/// Some instructions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sequence {
    pub(super) bytes: [u8; SIZE],
    pub(super) len: usize,
}

impl Sequence {
    /// No instruction.
    pub(super) const EMPTY: Self = Self { bytes: [0; SIZE], len: 0 };

    /// With these bytes behind it.
    const fn then(mut self, bytes: Bytes) -> Self {
        let (word, mut n) = (bytes.word.to_le_bytes(), 0);
        while n < bytes.len as usize {
            self.bytes[self.len] = word[n];
            self.len += 1;
            n += 1;
        }
        self
    }

    /// With an instruction on two registers behind it.
    pub(super) const fn reg_reg(self, op: Opcode, reg: Reg, rm: Reg) -> Self {
        self.then(Bytes::reg_reg(op, reg.number(), rm))
    }

    /// With an instruction on a register and a constant behind it, by its number.
    pub(super) const fn reg_imm8(self, op: Opcode, number: u8, rm: Reg, imm: i8) -> Self {
        self.then(Bytes::reg_reg(op, number, rm).imm8(imm))
    }

    /// As [`Sequence::reg_imm8`], for longer constants.
    pub(super) const fn reg_imm32(self, op: Opcode, number: u8, rm: Reg, imm: i32) -> Self {
        self.then(Bytes::reg_reg(op, number, rm).imm32(imm.cast_unsigned()))
    }

    /// With an instruction on a register and memory in reach of a short distance behind it.
    pub(super) const fn reg_mem(self, op: Opcode, reg: Reg, mem: Mem) -> Self {
        let (bytes, is_long) = Bytes::reg_mem(op, reg.number(), mem);
        assert!(!is_long, "the distance is short");
        self.then(bytes)
    }

    /// With a constant put into a register behind it, 0 for now.
    pub(super) const fn constant(self, d: Reg) -> Self {
        self.then(Bytes::reg(Opcode::one(0xb8), d).imm32(0))
    }

    /// With a jump or call behind it, whose distance comes later.
    pub(super) const fn jump(self, op: Opcode) -> Self {
        self.then(Bytes::plain(op).imm32(0))
    }

    /// With a jump under a condition behind it, whose distance comes later.
    pub(super) const fn jump_if(self, condition: Condition) -> Self {
        self.jump(Opcode::jump_if(condition))
    }
}

#[cfg(test)]
mod tests {
    use super::super::assembler::Assembler;
    use super::super::operand::{Source, Width};
    use super::*;

    #[test]
    fn a_sequence_is_what_the_assembler_makes_of_its_instructions() {
        const MEM: Mem = Mem { base: Reg::RDI, offset: -128 };
        const SEQUENCE: Sequence = Sequence::EMPTY
            .reg_reg(Opcode::one(0x8b), Reg::RCX, Reg::R9)
            .reg_imm8(Opcode::one(0xc1), 5, Reg::RCX, 6)
            .reg_imm32(Opcode::one(0x81), 4, Reg::RCX, 0x1ffc0)
            .reg_mem(Opcode::one(0x03).wide(), Reg::R8, MEM)
            .constant(Reg::RCX)
            .jump_if(Condition::AboveEqual);
        let mut asm = Assembler::default();
        asm.mov_word(Reg::RCX, Reg::R9);
        asm.shr(Width::Word, Reg::RCX, 6);
        asm.and(Width::Word, Reg::RCX, 0x1ffc0);
        asm.add(Width::Double, Reg::R8, Source::Mem(MEM));
        asm.mov_low(Reg::RCX, 0);
        let label = asm.label();
        asm.jump_if(Condition::AboveEqual, label);
        assert_eq!(SEQUENCE.bytes[..SEQUENCE.len], *asm.code.bytes());
    }

    #[test]
    fn a_call_with_a_constant_and_a_jump_are_those_of_the_assembler() {
        let made = |emit: fn(&mut Assembler, [super::super::assembler::Label; 2])| {
            let mut asm = Assembler::default();
            asm.clear();
            let labels = [asm.label(), asm.label()];
            asm.bind(labels[0]);
            emit(&mut asm, labels);
            asm.bind(labels[1]);
            asm.finish().bytes.to_vec()
        };
        let together = made(|asm, [callee, target]| asm.call_and_jump(0x1234_5678, callee, target));
        let apart = made(|asm, [callee, target]| {
            asm.mov_low(Reg::RCX, 0x1234_5678);
            asm.call(callee);
            asm.jump(target);
        });
        assert_eq!(together, apart);
    }
}
