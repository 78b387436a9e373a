//! Decoded instructions.

// Fields are extracted from one word.
#![expect(clippy::cast_possible_truncation, reason = "each field is masked or whole")]

use std::fmt;

use super::Op;

/// Operands of a decoded instruction, packed into one word so that a cell of the
/// interpreter takes 16 bytes and passes them in a register.
///
/// ```text
///  63       32 31   27 26   24 23   21 20   16 12    8  7  6  4    0
///  immediate   rs3     rm      class   rs2     rs1      C  U  rd
/// ```
///
/// C marks a 16-bit encoding, U an undecoded cell.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
#[repr(transparent)]
pub struct Operands(u64);

const UNDECODED: u64 = 1 << 6;
const COMPRESSED: u64 = 1 << 7;
const RS1: u32 = 8;
const RS2: u32 = 16;
const CLASS: u32 = 21;
const RM: u32 = 24;
const RS3: u32 = 27;
const IMM: u32 = 32;

impl Operands {
    /// Operands of an undecoded cell of the interpreter.
    pub(crate) const UNDECODED: Self = Self(UNDECODED);

    /// No operands, as by default.
    pub const NONE: Self = Self(0);

    /// Whether this is [`Operands::UNDECODED`].
    #[inline(always)]
    pub(crate) fn is_undecoded(self) -> bool {
        self.0 & UNDECODED != 0
    }

    /// Operands with these registers, 0 to 31 each, and this immediate.
    pub(super) fn new(rd: u8, rs1: u8, rs2: u8, imm: i32) -> Self {
        let register = |number: u8, at: u32| u64::from(number & 31) << at;
        let imm = u64::from(imm.cast_unsigned()) << IMM;
        Self(register(rd, 0) | register(rs1, RS1) | register(rs2, RS2) | imm)
    }

    pub(super) fn with_rounding(self, rm: u8) -> Self {
        Self(self.0 | u64::from(rm & 7) << RM)
    }

    pub(super) fn with_rs3(self, rs3: u8) -> Self {
        Self(self.0 | u64::from(rs3 & 31) << RS3)
    }

    pub(super) fn with_compressed_length(self) -> Self {
        Self(self.0 | COMPRESSED)
    }

    /// With the class of the instruction, by its position.
    pub(super) fn with_class(self, position: usize) -> Self {
        Self(self.0 | (position as u64 & 7) << CLASS)
    }

    /// Position of the class.
    #[inline(always)]
    pub(super) fn class_bits(self) -> usize {
        (self.0 >> CLASS) as usize & 7
    }

    /// All fields as one word, by which generated code hands them on.
    pub fn bits(self) -> u64 {
        self.0
    }

    #[inline(always)]
    fn register(self, at: u32) -> usize {
        (self.0 >> at) as usize & 31
    }

    /// Destination register, 0 to 31.
    #[inline(always)]
    pub fn rd(self) -> usize {
        self.register(0)
    }

    /// First source register, 0 to 31.
    #[inline(always)]
    pub fn rs1(self) -> usize {
        self.register(RS1)
    }

    /// Second source register, 0 to 31.
    #[inline(always)]
    pub fn rs2(self) -> usize {
        self.register(RS2)
    }

    /// Third source register of fused multiply-adds, 0 to 31.
    #[inline(always)]
    pub fn rs3(self) -> usize {
        self.register(RS3)
    }

    /// Rounding-mode field, 0 to 7; 7 selects `frm`.
    #[inline(always)]
    pub fn rm(self) -> u8 {
        (self.0 >> RM) as u8 & 7
    }

    /// Immediate: sign-extended value, shift amount or CSR number. CSR instructions with an
    /// immediate have their 5-bit value in `rs1`.
    #[inline(always)]
    pub fn imm(self) -> i32 {
        (self.0 >> IMM) as i32
    }

    /// Immediate, sign-extended to register width.
    #[inline(always)]
    pub fn imm_u64(self) -> u64 {
        (self.0.cast_signed() >> IMM).cast_unsigned()
    }

    /// Length of the encoding in bytes, 2 or 4.
    #[inline(always)]
    pub fn length(self) -> u64 {
        4 - (self.0 & COMPRESSED) / (COMPRESSED / 2)
    }
}

impl fmt::Debug for Operands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rd {} rs1 {} rs2 {} rs3 {} rm {}", self.rd(), self.rs1(), self.rs2(), self.rs3(), self.rm())?;
        write!(f, " imm {} length {}", self.imm(), self.length())
    }
}

/// Decoded instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Insn {
    /// The operation.
    pub op: Op,
    /// Its operands.
    pub operands: Operands,
}
