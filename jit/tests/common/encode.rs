//! Encoder of instructions, the inverse of `Format::operands`, so that tests need no
//! assembler. A comparison with binutils verifies the rows themselves.

use riscope_core::isa::{Format, Row, rows};

/// Operand fields; a format uses those that it has.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Fields {
    pub(crate) rd: u32,
    pub(crate) rs1: u32,
    pub(crate) rs2: u32,
    pub(crate) rs3: u32,
    /// Rounding mode, or `aq` and `rl` of an atomic in bits 1 and 0.
    pub(crate) modifier: u32,
    /// Immediate, offset, shift amount, CSR number or fence set.
    pub(crate) imm: i32,
}

/// The row of `mnemonic`.
///
/// # Panics
/// If there is none.
pub(crate) fn row(mnemonic: &str) -> &'static Row {
    rows().find(|row| row.mnemonic == mnemonic).unwrap_or_else(|| panic!("there is no instruction {mnemonic}"))
}

/// The instruction of `row` with the given operands.
pub(crate) fn encode(row: &Row, fields: Fields) -> u32 {
    let Fields { rd, rs1, rs2, rs3, modifier, imm } = fields;
    let imm = imm as u32;
    let (rd, rs1, rs2) = (rd << 7, rs1 << 15, rs2 << 20);
    row.bits
        | match row.format {
            Format::R | Format::Fp | Format::FpCmp => rd | rs1 | rs2,
            Format::R1 | Format::FpToInt | Format::FpFromInt => rd | rs1,
            Format::I | Format::Load | Format::FpLoad | Format::Csr | Format::CsrImm => rd | rs1 | imm << 20,
            Format::Shift64 => rd | rs1 | (imm & 63) << 20,
            Format::Shift32 => rd | rs1 | (imm & 31) << 20,
            Format::S | Format::FpS => rs1 | rs2 | store_offset(imm),
            Format::B => rs1 | rs2 | branch_offset(imm),
            Format::U => rd | imm & 0xffff_f000,
            Format::J => rd | jump_offset(imm),
            Format::Fence => (imm & 0xff) << 20,
            Format::FenceI | Format::Exact => 0,
            Format::Sfence => rs1 | rs2,
            Format::Cbo => rs1,
            Format::Amo => rd | rs1 | rs2 | (modifier & 3) << 25,
            Format::Lr => rd | rs1 | (modifier & 3) << 25,
            Format::FpRm => rd | rs1 | rs2 | (modifier & 7) << 12,
            Format::FpFma => rd | rs1 | rs2 | rs3 << 27 | (modifier & 7) << 12,
            Format::Fp1Rm | Format::FpToIntRm | Format::FpFromIntRm => rd | rs1 | (modifier & 7) << 12,
        }
}

/// Extracts `count` bits of `imm` from bit `from` and moves them to bit `to`.
fn part(imm: u32, from: u32, count: u32, to: u32) -> u32 {
    (imm >> from & ((1 << count) - 1)) << to
}

fn store_offset(imm: u32) -> u32 {
    part(imm, 0, 5, 7) | part(imm, 5, 7, 25)
}

/// The offset field of a branch, -4096 to 4094.
fn branch_offset(imm: u32) -> u32 {
    part(imm, 11, 1, 7) | part(imm, 1, 4, 8) | part(imm, 5, 6, 25) | part(imm, 12, 1, 31)
}

/// The offset field of a jump, -2^20 to 2^20 - 2.
fn jump_offset(imm: u32) -> u32 {
    part(imm, 12, 8, 12) | part(imm, 11, 1, 20) | part(imm, 1, 10, 21) | part(imm, 20, 1, 31)
}

/// The offset field of `c.j`, -2048 to 2046.
pub(crate) fn compressed_jump_offset(imm: i32) -> u32 {
    let imm = imm as u32;
    part(imm, 5, 1, 2)
        | part(imm, 1, 3, 3)
        | part(imm, 7, 1, 6)
        | part(imm, 6, 1, 7)
        | part(imm, 10, 1, 8)
        | part(imm, 8, 2, 9)
        | part(imm, 4, 1, 11)
        | part(imm, 11, 1, 12)
}

/// The offset field of `c.beqz` and `c.bnez`, -256 to 254.
pub(crate) fn compressed_branch_offset(imm: i32) -> u32 {
    let imm = imm as u32;
    part(imm, 5, 1, 2) | part(imm, 1, 2, 3) | part(imm, 6, 2, 5) | part(imm, 3, 2, 10) | part(imm, 8, 1, 12)
}

#[cfg(test)]
mod tests {
    use riscope_core::isa::{Format, decode};

    use super::*;
    use crate::common::random::Random;

    /// Immediates that the format can hold.
    fn immediate(format: Format, random: &mut Random) -> i32 {
        match format {
            Format::I | Format::Load | Format::FpLoad | Format::S | Format::FpS => random.between(-2048, 2047),
            Format::Csr | Format::CsrImm => random.between(0, 4095),
            Format::Shift64 => random.between(0, 63),
            Format::Shift32 => random.between(0, 31),
            Format::B => random.between(-2048, 2047) * 2,
            Format::J => random.between(-(1 << 19), (1 << 19) - 1) * 2,
            Format::U => (random.word() & 0xffff_f000) as i32,
            Format::Fence => random.between(0, 255),
            _ => 0,
        }
    }

    #[test]
    fn decoding_gives_back_what_was_encoded() {
        let mut random = Random::new(1);
        for row in rows() {
            for _ in 0..200 {
                let mut register = || random.below(32);
                let (rd, rs1, rs2, rs3) = (register(), register(), register(), register());
                let modifier = random.below(8);
                let fields = Fields { rd, rs1, rs2, rs3, modifier, imm: immediate(row.format, &mut random) };
                let bits = encode(row, fields);
                let insn = decode(bits).unwrap_or_else(|| panic!("{} {bits:#010x}", row.mnemonic));
                assert_eq!(insn.op, row.op, "{bits:#010x}");
                assert_eq!(insn.operands.imm(), fields.imm, "{} {bits:#010x}", row.mnemonic);
                let again = Fields {
                    rd: insn.operands.rd() as u32,
                    rs1: insn.operands.rs1() as u32,
                    rs2: insn.operands.rs2() as u32,
                    rs3: insn.operands.rs3() as u32,
                    modifier: if matches!(row.format, Format::Amo | Format::Lr) {
                        modifier
                    } else {
                        u32::from(insn.operands.rm())
                    },
                    imm: insn.operands.imm(),
                };
                assert_eq!(encode(row, again), bits, "{}", row.mnemonic);
            }
        }
    }

    #[test]
    fn compressed_offsets_decode_to_themselves() {
        for offset in (-2048..2048).step_by(2) {
            let jump = decode(0xa001 | compressed_jump_offset(offset)).map(|insn| insn.operands.imm());
            assert_eq!(jump, Some(offset));
        }
        for offset in (-256..256).step_by(2) {
            let branch = decode(0xc001 | compressed_branch_offset(offset)).map(|insn| insn.operands.imm());
            assert_eq!(branch, Some(offset));
        }
    }
}
