//! Operands of x86-64 instructions.

use cranelift_assembler_x64::{
    Amode, AmodeOffset, AmodeOffsetPlusKnownOffset, AsReg, NonRspGpr, Registers, Scale, gpr,
};

/// A host register, by its number in encodings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reg(u8);

impl Reg {
    pub(super) const RAX: Self = Self(gpr::enc::RAX);
    pub(super) const RCX: Self = Self(gpr::enc::RCX);
    pub(super) const RDX: Self = Self(gpr::enc::RDX);
    pub(super) const RBX: Self = Self(gpr::enc::RBX);
    pub(super) const RSP: Self = Self(gpr::enc::RSP);
    pub(super) const RBP: Self = Self(gpr::enc::RBP);
    pub(super) const RSI: Self = Self(gpr::enc::RSI);
    pub(super) const RDI: Self = Self(gpr::enc::RDI);
    pub(super) const R8: Self = Self(gpr::enc::R8);
    pub(super) const R9: Self = Self(gpr::enc::R9);
    pub(super) const R10: Self = Self(gpr::enc::R10);
    pub(super) const R11: Self = Self(gpr::enc::R11);
    pub(super) const R12: Self = Self(gpr::enc::R12);
    pub(super) const R13: Self = Self(gpr::enc::R13);
    pub(super) const R14: Self = Self(gpr::enc::R14);
    pub(super) const R15: Self = Self(gpr::enc::R15);
}

impl Reg {
    /// Its number in encodings.
    pub(super) const fn number(self) -> u8 {
        self.0
    }
}

impl AsReg for Reg {
    fn new(enc: u8) -> Self {
        Self(enc)
    }
    fn enc(&self) -> u8 {
        self.0
    }
}

/// A vector register of the host, of which nothing is live between templates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Xmm(u8);

impl Xmm {
    pub(super) const XMM0: Self = Self(0);
    pub(super) const XMM1: Self = Self(1);
}

impl AsReg for Xmm {
    fn new(enc: u8) -> Self {
        Self(enc)
    }
    fn enc(&self) -> u8 {
        self.0
    }
}

/// The register types of the encoder.
pub(super) struct Regs;

impl Registers for Regs {
    type ReadGpr = Reg;
    type ReadWriteGpr = Reg;
    type WriteGpr = Reg;
    type ReadXmm = Xmm;
    type ReadWriteXmm = Xmm;
    type WriteXmm = Xmm;
}

/// How many bits of a register an operation works on. A result of [`Width::Word`] clears
/// the upper half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Width {
    Word,
    Double,
}

/// `[base + offset]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mem {
    pub(super) base: Reg,
    pub(super) offset: i32,
}

impl From<Mem> for Amode<Reg> {
    fn from(mem: Mem) -> Self {
        let simm32 = AmodeOffsetPlusKnownOffset { simm32: AmodeOffset::new(mem.offset), offset: None };
        Self::ImmReg { base: mem.base, simm32, trap: None }
    }
}

/// `[base + index * 2^shift]`
pub(super) fn indexed(base: Reg, index: Reg, shift: u8) -> Amode<Reg> {
    let (index, scale) = (NonRspGpr::new(index), Scale::new(shift & 3));
    Amode::ImmRegRegShift { base, index, scale, simm32: AmodeOffset::ZERO, trap: None }
}

/// A source operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Reg(Reg),
    Mem(Mem),
    /// Sign-extended to the width of the operation.
    Imm(i32),
}

impl From<Reg> for Source {
    fn from(reg: Reg) -> Self {
        Self::Reg(reg)
    }
}

impl From<Mem> for Source {
    fn from(mem: Mem) -> Self {
        Self::Mem(mem)
    }
}

impl From<i32> for Source {
    fn from(imm: i32) -> Self {
        Self::Imm(imm)
    }
}

/// A condition, as `cmp a, b` leaves it for `a` and `b`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    Equal,
    NotEqual,
    Less,
    GreaterEqual,
    Below,
    AboveEqual,
}

impl Condition {
    /// The low bits of the opcodes that test it.
    pub(super) const fn code(self) -> u8 {
        match self {
            Self::Below => 2,
            Self::AboveEqual => 3,
            Self::Equal => 4,
            Self::NotEqual => 5,
            Self::Less => 0xc,
            Self::GreaterEqual => 0xd,
        }
    }
}
