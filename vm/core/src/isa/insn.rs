//! A decoded instruction.

use super::Op;

/// Operand fields of a decoded instruction, packed so that the interpreter's
/// pre-decoded cell takes 16 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Operands {
    imm: i32,
    /// Bits 0 to 4: destination register. Bit 6: not decoded yet. Bit 7: a 16-bit
    /// encoding.
    rd: u8,
    rs1: u8,
    rs2: u8,
    /// Bits 0 to 2: rounding mode. Bits 3 to 7: third source register.
    rm_rs3: u8,
}

const COMPRESSED: u8 = 0x80;
const UNDECODED: u8 = 0x40;

impl Operands {
    /// What a cell of the interpreter holds before it is decoded.
    pub(crate) const UNDECODED: Self = Self { imm: 0, rd: UNDECODED, rs1: 0, rs2: 0, rm_rs3: 0 };

    /// Whether this is [`Operands::UNDECODED`].
    #[inline(always)]
    pub(crate) fn is_undecoded(self) -> bool {
        self.rd & UNDECODED != 0
    }

    /// Operands with the given registers (each 0 to 31) and immediate.
    pub(super) fn new(rd: u8, rs1: u8, rs2: u8, imm: i32) -> Self {
        Self { imm, rd: rd & 31, rs1: rs1 & 31, rs2: rs2 & 31, rm_rs3: 0 }
    }

    pub(super) fn with_rounding(mut self, rm: u8) -> Self {
        self.rm_rs3 |= rm & 7;
        self
    }

    pub(super) fn with_rs3(mut self, rs3: u8) -> Self {
        self.rm_rs3 |= (rs3 & 31) << 3;
        self
    }

    pub(super) fn with_compressed_length(mut self) -> Self {
        self.rd |= COMPRESSED;
        self
    }

    /// Destination register, 0 to 31.
    #[inline(always)]
    pub fn rd(self) -> usize {
        usize::from(self.rd & 31)
    }

    /// First source register, 0 to 31.
    #[inline(always)]
    pub fn rs1(self) -> usize {
        usize::from(self.rs1 & 31)
    }

    /// Second source register, 0 to 31.
    #[inline(always)]
    pub fn rs2(self) -> usize {
        usize::from(self.rs2 & 31)
    }

    /// Third source register of fused multiply-adds, 0 to 31.
    #[inline(always)]
    pub fn rs3(self) -> usize {
        usize::from(self.rm_rs3 >> 3)
    }

    /// Rounding-mode field, 0 to 7; 7 means `frm`.
    #[inline(always)]
    pub fn rm(self) -> u8 {
        self.rm_rs3 & 7
    }

    /// Immediate: sign-extended value, shift amount, or CSR number. For the
    /// immediate forms of CSR instructions the 5-bit value is in `rs1`.
    #[inline(always)]
    pub fn imm(self) -> i32 {
        self.imm
    }

    /// Immediate, sign-extended to register width.
    #[inline(always)]
    #[expect(clippy::cast_sign_loss, reason = "registers hold two's complement bits")]
    pub fn imm_u64(self) -> u64 {
        i64::from(self.imm) as u64
    }

    /// Length of the encoding in bytes, 2 or 4.
    #[inline(always)]
    pub fn length(self) -> u64 {
        if self.rd & COMPRESSED == 0 { 4 } else { 2 }
    }
}

/// A decoded instruction: what to do, and to what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Insn {
    /// The operation.
    pub op: Op,
    /// Its operands.
    pub operands: Operands,
}
