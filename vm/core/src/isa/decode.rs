//! Instruction decoder, driven by the rows.

use std::sync::LazyLock;

use rustc_hash::FxHashMap;

use super::compressed::{self, CompressedRow};
use super::{Insn, Op, Operands, Row, rows};

/// Decodes the instruction in `bits`: a 16-bit one in the low half, or a 32-bit one. `None`
/// for reserved and unimplemented encodings.
pub fn decode(bits: u32) -> Option<Insn> {
    if bits & 3 == 3 {
        let row = find(bits)?;
        Some(classified(row.op, row.format.operands(bits)))
    } else {
        let [low, high, ..] = bits.to_le_bytes();
        let bits = u16::from_le_bytes([low, high]);
        let row = find_compressed(bits)?;
        let operands = (row.operands)(bits)?.with_compressed_length();
        Some(classified(row.op, operands))
    }
}

fn classified(op: Op, operands: Operands) -> Insn {
    Insn { op, operands: operands.with_class(op.class().index()) }
}

/// Row of a 32-bit instruction.
pub(crate) fn find(bits: u32) -> Option<&'static Row> {
    /// Rows, each with its mask, by major opcode (bits 2 to 6) and `funct3` (bits 12 to 14); those
    /// without that field are under each of its values.
    static BY_OPCODE: LazyLock<Vec<Vec<(u32, &'static Row)>>> = LazyLock::new(|| {
        let mut table = vec![Vec::new(); 1 << 8];
        for row in rows() {
            let fixed = row.format.mask();
            let places = (0..1 << 8).filter(|place| (spread(*place) ^ row.bits) & FUNCT3_AND_OPCODE & fixed == 0);
            places.for_each(|place| table[place].push((fixed, row)));
        }
        table
    });
    BY_OPCODE[place(bits)].iter().find(|(mask, row)| bits & mask == row.bits).map(|(_, row)| *row)
}

/// Row of an operation, which a 16-bit instruction shares with the one that it abbreviates.
pub(crate) fn row_of(op: Op) -> Option<&'static Row> {
    static BY_OP: LazyLock<FxHashMap<Op, &'static Row>> = LazyLock::new(|| rows().map(|row| (row.op, row)).collect());
    BY_OP.get(&op).copied()
}

/// Row of a 16-bit instruction.
pub(crate) fn find_compressed(bits: u16) -> Option<&'static CompressedRow> {
    /// Rows by quadrant and `funct3` (bits 0, 1, 13 to 15), all of which every row fixes. Nearly
    /// all have one row, so that the tables stay in the host's caches.
    static BY_QUADRANT: LazyLock<Vec<&'static [CompressedRow]>> = LazyLock::new(|| {
        let same = |a: &CompressedRow, b: &CompressedRow| compressed_place(a.bits) == compressed_place(b.bits);
        let mut table = vec![&[][..]; 1 << 5];
        for rows in compressed::ROWS.chunk_by(same) {
            table[compressed_place(rows[0].bits)] = rows;
        }
        table
    });
    BY_QUADRANT[compressed_place(bits)].iter().find(|row| bits & row.mask == row.bits)
}

/// Quadrant and `funct3` in one number below 32.
fn compressed_place(bits: u16) -> usize {
    usize::from(bits >> 13 << 2 | bits & 3)
}

const FUNCT3_AND_OPCODE: u32 = 0x707c;

/// `funct3` and major opcode in one number below 256.
fn place(bits: u32) -> usize {
    usize::from(super::format::field(bits, 12, 3)) << 5 | usize::from(super::format::field(bits, 2, 5))
}

/// The fields of which [`place`] makes a number.
#[expect(clippy::cast_possible_truncation, reason = "a number below 256")]
fn spread(place: usize) -> u32 {
    ((place >> 5) << 12 | (place & 31) << 2) as u32
}

#[cfg(test)]
mod tests {
    use super::super::{i::I, zbb::Zbb};
    use super::*;

    #[test]
    fn fixed_bits_lie_within_the_formats_mask() {
        for row in rows() {
            assert_eq!(row.bits & !row.format.mask(), 0, "{}", row.mnemonic);
            assert_eq!(row.bits & 3, 3, "{}", row.mnemonic);
        }
        for row in compressed::ROWS {
            assert_eq!(row.bits & !row.mask, 0, "{}", row.mnemonic);
        }
    }

    #[test]
    fn no_two_rows_match_the_same_bits() {
        let all: Vec<_> = rows().collect();
        for (n, a) in all.iter().enumerate() {
            for b in &all[n + 1..] {
                let common = a.format.mask() & b.format.mask();
                assert_ne!(a.bits & common, b.bits & common, "{} and {}", a.mnemonic, b.mnemonic);
            }
        }
    }

    #[test]
    fn compressed_rows_with_one_quadrant_and_funct3_are_together() {
        let mut places: Vec<_> = compressed::ROWS.iter().map(|row| compressed_place(row.bits)).collect();
        places.dedup();
        let all = places.len();
        places.sort_unstable();
        places.dedup();
        assert_eq!(places.len(), all);
        assert!(compressed::ROWS.iter().all(|row| row.mask & 0xe003 == 0xe003));
    }

    #[test]
    fn every_row_is_found_whatever_its_operands_are() {
        for row in rows() {
            for operands in [0, 0x0000_5000, 0x0000_7000, !0] {
                let bits = row.bits | operands & !row.format.mask();
                let first = rows().find(|other| bits & other.format.mask() == other.bits);
                assert_eq!(find(bits).map(|row| row.mnemonic), first.map(|row| row.mnemonic), "{}", row.mnemonic);
            }
        }
        for row in compressed::ROWS {
            let first = compressed::ROWS.iter().find(|other| row.bits & other.mask == other.bits);
            assert_eq!(find_compressed(row.bits).map(|row| row.mnemonic), first.map(|row| row.mnemonic));
        }
    }

    #[test]
    fn immediates_are_sign_extended() {
        let addi = decode(0xfff5_0513).unwrap(); // addi a0, a0, -1
        assert_eq!(addi.op, Op::I(I::Addi));
        assert_eq!(addi.operands.imm(), -1);
        let jal = decode(0xffdf_f06f).unwrap(); // jal zero, -4
        assert_eq!((jal.op, jal.operands.imm()), (Op::I(I::Jal), -4));
        let branch = decode(0xfe05_0ee3).unwrap(); // beq a0, zero, -4
        assert_eq!((branch.op, branch.operands.imm()), (Op::I(I::Beq), -4));
        let sd = decode(0xfea1_3c23).unwrap(); // sd a0, -8(sp)
        assert_eq!((sd.op, sd.operands.imm(), sd.operands.rs2()), (Op::I(I::Sd), -8, 10));
    }

    #[test]
    fn unary_bit_instructions_need_their_fixed_rs2() {
        assert_eq!(decode(0x6005_1513).map(|insn| insn.op), Some(Op::Zbb(Zbb::Clz)));
        assert_eq!(decode(0x6035_1513), None);
    }

    #[test]
    fn reserved_compressed_encodings_do_not_decode() {
        for bits in [0x0000, 0x2001, 0x6101, 0x4002, 0x6002, 0x8002, 0x9c41, 0x9c61, 0x8000] {
            assert_eq!(decode(bits), None, "{bits:#06x}");
        }
    }

    #[test]
    fn compressed_instructions_expand() {
        let expect = |bits: u32, op: Op, rd: usize, rs1: usize, rs2: usize, imm: i32| {
            let insn = decode(bits).unwrap();
            let o = insn.operands;
            assert_eq!(
                (insn.op, o.rd(), o.rs1(), o.rs2(), o.imm(), o.length()),
                (op, rd, rs1, rs2, imm, 2),
                "{bits:#x}"
            );
        };
        expect(0x1141, Op::I(I::Addi), 2, 2, 0, -16); // addi sp, sp, -16
        expect(0xe406, Op::I(I::Sd), 0, 2, 1, 8); // sd ra, 8(sp)
        expect(0x8082, Op::I(I::Jalr), 0, 1, 0, 0); // ret
        expect(0x7179, Op::I(I::Addi), 2, 2, 0, -48); // addi16sp
        expect(0x0808, Op::I(I::Addi), 10, 2, 0, 16); // addi4spn a0, sp, 16
        expect(0x4108, Op::I(I::Lw), 10, 10, 0, 0); // lw a0, 0(a0)
    }
}
