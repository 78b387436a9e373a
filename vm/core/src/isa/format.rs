//! Instruction formats: positions of operands and fixed bits.

use super::Operands;

/// Format of a 32-bit instruction (unprivileged specification, "Base
/// Instruction Formats" and "Immediate Encoding Variants").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Register-register: `rd, rs1, rs2`.
    R,
    /// Register unary: `rd, rs1`; the `rs2` field is fixed.
    R1,
    /// Immediate: `rd, rs1, imm`.
    I,
    /// Load: `rd, imm(rs1)`; the encoding of [`Format::I`].
    Load,
    /// Shift by a 6-bit amount.
    Shift64,
    /// Shift by a 5-bit amount.
    Shift32,
    /// Store: `rs2, imm(rs1)`.
    S,
    /// Branch: `rs1, rs2, offset`.
    B,
    /// Upper immediate: `rd, imm`.
    U,
    /// Jump: `rd, offset`.
    J,
    /// Memory ordering: the predecessor and successor sets are in `imm`.
    Fence,
    /// No operands; other fields are reserved (`fence.i`).
    FenceI,
    /// No operands; all bits fixed.
    Exact,
    /// `rs1, rs2` without destination.
    Sfence,
    /// `(rs1)`: cache-block operations.
    Cbo,
    /// `rd, csr, rs1`.
    Csr,
    /// `rd, csr, uimm`, the 5-bit value in the `rs1` field.
    CsrImm,
    /// Atomic read-modify-write: `rd, rs2, (rs1)` with `aq` and `rl`.
    Amo,
    /// Load-reserved: `rd, (rs1)` with `aq` and `rl`.
    Lr,
    /// Floating-point load.
    FpLoad,
    /// Floating-point store.
    FpS,
    /// Floating-point `rd, rs1, rs2` with rounding mode.
    FpRm,
    /// Floating-point `rd, rs1, rs2` without rounding mode.
    Fp,
    /// Floating-point compare: integer `rd`.
    FpCmp,
    /// Floating-point fused multiply-add with rounding mode.
    FpFma,
    /// Floating-point unary with rounding mode, float to float.
    Fp1Rm,
    /// Float to integer with rounding mode.
    FpToIntRm,
    /// Integer to float with rounding mode.
    FpFromIntRm,
    /// Float to integer, no rounding (`fmv.x.w`, `fclass`).
    FpToInt,
    /// Integer to float, no rounding (`fmv.w.x`).
    FpFromInt,
}

impl Format {
    /// Mask of the bits that a row fixes.
    pub const fn mask(self) -> u32 {
        match self {
            Self::R | Self::Shift32 | Self::Fp | Self::FpCmp => 0xfe00_707f,
            Self::R1 | Self::FpToInt | Self::FpFromInt => 0xfff0_707f,
            Self::I
            | Self::Load
            | Self::S
            | Self::B
            | Self::Csr
            | Self::CsrImm
            | Self::FpLoad
            | Self::FpS
            | Self::Fence
            | Self::FenceI => 0x0000_707f,
            Self::Shift64 => 0xfc00_707f,
            Self::U | Self::J => 0x0000_007f,
            Self::Exact => 0xffff_ffff,
            Self::Sfence => 0xfe00_7fff,
            Self::Cbo => 0xfff0_7fff,
            Self::Amo => 0xf800_707f,
            Self::Lr => 0xf9f0_707f,
            Self::FpRm => 0xfe00_007f,
            Self::FpFma => 0x0600_007f,
            Self::Fp1Rm | Self::FpToIntRm | Self::FpFromIntRm => 0xfff0_007f,
        }
    }

    /// Extracts the operand fields.
    pub(crate) fn operands(self, bits: u32) -> Operands {
        let (rd, rs1, rs2) = (field(bits, 7, 5), field(bits, 15, 5), field(bits, 20, 5));
        match self {
            Self::R | Self::Amo | Self::Lr | Self::Fp | Self::FpCmp => Operands::new(rd, rs1, rs2, 0),
            Self::R1 | Self::FpToInt | Self::FpFromInt => Operands::new(rd, rs1, 0, 0),
            Self::I | Self::Load | Self::FpLoad => Operands::new(rd, rs1, 0, imm_i(bits)),
            Self::Shift64 => Operands::new(rd, rs1, 0, i32::from(field(bits, 20, 6))),
            Self::Shift32 => Operands::new(rd, rs1, 0, i32::from(rs2)),
            Self::S | Self::FpS => Operands::new(0, rs1, rs2, imm_s(bits)),
            Self::B => Operands::new(0, rs1, rs2, imm_b(bits)),
            Self::U => Operands::new(rd, 0, 0, imm_u(bits)),
            Self::J => Operands::new(rd, 0, 0, imm_j(bits)),
            Self::Fence => Operands::new(0, 0, 0, i32::from(field(bits, 20, 8))),
            Self::FenceI | Self::Exact => Operands::default(),
            Self::Sfence => Operands::new(0, rs1, rs2, 0),
            Self::Cbo => Operands::new(0, rs1, 0, 0),
            Self::Csr | Self::CsrImm => Operands::new(rd, rs1, 0, imm_i(bits) & 0xfff),
            Self::FpRm => Operands::new(rd, rs1, rs2, 0).with_rounding(field(bits, 12, 3)),
            Self::FpFma => {
                Operands::new(rd, rs1, rs2, 0).with_rounding(field(bits, 12, 3)).with_rs3(field(bits, 27, 5))
            }
            Self::Fp1Rm | Self::FpToIntRm | Self::FpFromIntRm => {
                Operands::new(rd, rs1, 0, 0).with_rounding(field(bits, 12, 3))
            }
        }
    }
}

/// Extracts `width` bits, at most 8, from bit `low`.
pub(super) fn field(bits: u32, low: u32, width: u32) -> u8 {
    let [byte, ..] = ((bits >> low) & ((1 << width) - 1)).to_le_bytes();
    byte
}

fn imm_i(bits: u32) -> i32 {
    bits.cast_signed() >> 20
}

fn imm_s(bits: u32) -> i32 {
    (bits.cast_signed() >> 25 << 5) | i32::from(field(bits, 7, 5))
}

fn imm_b(bits: u32) -> i32 {
    let sign = bits.cast_signed() >> 31 << 12;
    sign | i32::from(field(bits, 7, 1)) << 11 | i32::from(field(bits, 25, 6)) << 5 | i32::from(field(bits, 8, 4)) << 1
}

fn imm_u(bits: u32) -> i32 {
    (bits & 0xffff_f000).cast_signed()
}

fn imm_j(bits: u32) -> i32 {
    let sign = bits.cast_signed() >> 31 << 20;
    let high = i32::from(field(bits, 12, 8)) << 12 | i32::from(field(bits, 20, 1)) << 11;
    sign | high | i32::from(field(bits, 25, 6)) << 5 | i32::from(field(bits, 21, 4)) << 1
}
