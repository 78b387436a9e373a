//! Classes of instructions, by what an engine can make of them.

use super::i::I;
use super::privileged::Privileged;
use super::{Op, Operands};
use crate::labels;

labels! {
    /// Class of an instruction.
    pub enum OpClass {
        /// Integer arithmetic and jumps, and what is no instruction.
        Other "other",
        /// Integer loads and stores.
        Memory "memory",
        /// Floating point, its loads and stores included.
        Float "float",
        /// Atomics.
        Atomic "atomic",
        /// Accesses to control and status registers.
        Csr "csr",
        /// Fences of memory, instructions and address translation.
        Fence "fence",
        /// System calls, breakpoints, trap returns and `wfi`.
        System "system",
        /// Cache-block operations.
        CacheBlock "cache_block",
    }
}

// A class takes three bits of the operands.
const _: () = assert!(OpClass::ALL.len() <= 8);

impl Op {
    /// Class of the operation.
    pub const fn class(self) -> OpClass {
        match self {
            Self::I(op) => of_base(op),
            Self::M(_) | Self::Zba(_) | Self::Zbb(_) | Self::Zbs(_) | Self::Zicond(_) => OpClass::Other,
            Self::A(_) => OpClass::Atomic,
            Self::Float(..) | Self::D(_) => OpClass::Float,
            Self::Zicsr(_) => OpClass::Csr,
            Self::Zifencei(_) | Self::Privileged(Privileged::SfenceVma) => OpClass::Fence,
            Self::Privileged(Privileged::Mret | Privileged::Sret | Privileged::Wfi) => OpClass::System,
            Self::Zicboz(_) => OpClass::CacheBlock,
        }
    }
}

const fn of_base(op: I) -> OpClass {
    match op {
        I::Lb | I::Lh | I::Lw | I::Ld | I::Lbu | I::Lhu | I::Lwu | I::Sb | I::Sh | I::Sw | I::Sd => OpClass::Memory,
        I::Fence => OpClass::Fence,
        I::Ecall | I::Ebreak => OpClass::System,
        _ => OpClass::Other,
    }
}

impl Operands {
    /// Class of the instruction whose operands they are.
    #[inline]
    pub fn class(self) -> OpClass {
        OpClass::ALL.get(self.class_bits()).copied().unwrap_or(OpClass::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::{decode, rows};

    #[test]
    fn every_instruction_carries_its_class() {
        for row in rows() {
            let insn = decode(row.bits).unwrap_or_else(|| panic!("{row:?} does not decode"));
            assert_eq!(insn.operands.class(), insn.op.class(), "{}", row.mnemonic);
        }
        // c.ld and c.nop
        assert_eq!(decode(0x6000).map(|insn| insn.operands.class()), Some(OpClass::Memory));
        assert_eq!(decode(0x0001).map(|insn| insn.operands.class()), Some(OpClass::Other));
    }

    #[test]
    fn the_classes_are_those_of_the_specification() {
        let class = |bits| decode(bits).map(|insn| insn.op.class());
        for (bits, expected) in [
            (0x0015_0513, OpClass::Other),      // addi
            (0x0000_006f, OpClass::Other),      // j
            (0x0005_3503, OpClass::Memory),     // ld
            (0x00a5_3023, OpClass::Memory),     // sd
            (0x0005_3507, OpClass::Float),      // fld
            (0x02a5_7553, OpClass::Float),      // fadd.d
            (0x00a5_252f, OpClass::Atomic),     // amoadd.w
            (0x1005_252f, OpClass::Atomic),     // lr.w
            (0x3000_2573, OpClass::Csr),        // csrr mstatus
            (0x0ff0_000f, OpClass::Fence),      // fence
            (0x0000_100f, OpClass::Fence),      // fence.i
            (0x1200_0073, OpClass::Fence),      // sfence.vma
            (0x0000_0073, OpClass::System),     // ecall
            (0x1050_0073, OpClass::System),     // wfi
            (0x3020_0073, OpClass::System),     // mret
            (0x0045_200f, OpClass::CacheBlock), // cbo.zero (a0)
        ] {
            assert_eq!(class(bits), Some(expected), "{bits:#x}");
        }
    }
}
