//! Snippets that compute: any instruction of an extension on random registers.

use std::sync::LazyLock;

use riscope_core::isa::compressed::{CompressedRow, ROWS};
use riscope_core::isa::float::{Float, Precision};
use riscope_core::isa::i::I;
use riscope_core::isa::{Format, Op, Row, decode, rows};

use super::Generator;
use super::unit::Unit;
use crate::common::encode::{Fields, encode};
use crate::common::random::Random;

/// Register arithmetic.
static INTEGER: LazyLock<Vec<&'static Row>> = LazyLock::new(|| {
    let computes = |row: &&Row| {
        matches!(row.op, Op::I(_) | Op::M(_) | Op::Zba(_) | Op::Zbb(_) | Op::Zbs(_) | Op::Zicond(_))
            && matches!(row.format, Format::R | Format::R1 | Format::I | Format::Shift64 | Format::Shift32 | Format::U)
    };
    rows().filter(computes).collect()
});

/// Floating-point arithmetic, with moves and conversions.
static FLOAT: LazyLock<Vec<&'static Row>> = LazyLock::new(|| {
    let computes =
        |row: &&Row| matches!(row.op, Op::Float(..) | Op::D(_)) && !matches!(row.format, Format::FpLoad | Format::FpS);
    rows().filter(computes).collect()
});

/// 16-bit instructions without jumps and traps.
static COMPRESSED: LazyLock<Vec<&'static CompressedRow>> = LazyLock::new(|| {
    let moves = |row: &&CompressedRow| !matches!(row.op, Op::I(I::Jal | I::Jalr | I::Beq | I::Bne | I::Ebreak));
    ROWS.iter().filter(moves).collect()
});

/// Whether an operation of a 16-bit instruction stores.
fn stores(op: Op) -> bool {
    matches!(op, Op::I(I::Sw | I::Sd) | Op::Float(Float::Store, Precision::Double))
}

/// Whether an operation of a 16-bit instruction loads or stores.
fn accesses(op: Op) -> bool {
    stores(op) || matches!(op, Op::I(I::Lw | I::Ld) | Op::Float(Float::Load, Precision::Double))
}

/// A random immediate, or one of the limits.
fn immediate(format: Format, random: &mut Random) -> i32 {
    match format {
        Format::I if random.chance(40) => random.pick(&[0, 1, -1, 2047, -2048]),
        Format::I => random.between(-2048, 2047),
        Format::U => random.word() as i32,
        _ => random.between(0, 63),
    }
}

impl Generator<'_> {
    pub(super) fn integer(&mut self) -> Unit {
        let row = self.random.pick(&INTEGER);
        let fields = Fields {
            rd: self.registers.target(&mut self.random),
            rs1: self.random.below(32),
            rs2: self.random.below(32),
            imm: immediate(row.format, &mut self.random),
            ..Fields::default()
        };
        Unit { bits: vec![encode(row, fields)], patchable: row.format == Format::I, ..Unit::default() }
    }

    pub(super) fn float(&mut self) -> Unit {
        let row = self.random.pick(&FLOAT);
        let to_integer = matches!(row.format, Format::FpCmp | Format::FpToIntRm | Format::FpToInt);
        let mode = self.random.weighted(&[(240, 7), (28, 0), (28, 1), (28, 2), (28, 3), (28, 4), (1, 5), (1, 6)]);
        let fields = Fields {
            rd: if to_integer { self.registers.target(&mut self.random) } else { self.random.below(32) },
            rs1: self.random.below(32),
            rs2: self.random.below(32),
            rs3: self.random.below(32),
            modifier: mode,
            imm: 0,
        };
        Unit::of(vec![encode(row, fields)])
    }

    /// A random 16-bit instruction that does not write reserved registers.
    pub(super) fn compressed(&mut self) -> Unit {
        loop {
            let row = self.random.pick(&COMPRESSED);
            let bits = u32::from(row.bits) | self.random.word() & !u32::from(row.mask) & 0xffff;
            let Some(insn) = decode(bits) else { continue };
            let rd = insn.operands.rd() as u32;
            // Of a store, `rd` is 0, and base and offset decide.
            let allowed = !(stores(insn.op) && self.profile.patches);
            let base = insn.operands.rs1() as u32;
            let somewhere = !accesses(insn.op) || self.registers.pointers.contains(&base) || self.random.chance(2);
            if insn.op == row.op && allowed && somewhere && !self.registers.protects(rd, &mut self.random) {
                return Unit::of(vec![bits]);
            }
        }
    }
}
