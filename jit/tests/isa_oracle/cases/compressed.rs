//! 16-bit instructions that compute, load or store.

use riscope_core::isa::compressed::{CompressedRow, ROWS};
use riscope_core::isa::i::I;
use riscope_core::isa::{Format, Op, decode, rows};

use super::super::suite::{Builder, FREE, Suite, Table, WINDOW};
use super::super::values::{self, INTEGERS};

/// Encodings tested per row.
const ENCODINGS: usize = 32;
/// Memory for loads and stores.
const MIDDLE: u64 = WINDOW + 0x2000;

/// All except jumps, which are tested with their 32-bit forms, and `c.ebreak`.
pub(crate) fn suite(seed: u64) -> Suite {
    let mut b = Builder::new(seed);
    let mut random = b.random.clone();
    let words = INTEGERS.into_iter().flat_map(|value| [value, values::integer(&mut random)]);
    let words = words.collect();
    let values = b.table(2, words);
    for row in ROWS {
        match row.op {
            Op::I(I::Jal | I::Jalr | I::Beq | I::Bne | I::Ebreak) => {}
            Op::I(I::Lw | I::Ld | I::Sw | I::Sd) | Op::Float(..) => access(&mut b, row, &values),
            _ => compute(&mut b, row, &values),
        }
    }
    b.finish()
}

/// Valid encodings of the row whose registers are free to use, or `x0`.
fn encodings(b: &mut Builder, row: &CompressedRow) -> Vec<u32> {
    let usable = |register: usize| register == 0 || FREE.contains(&(register as u32));
    let mut found = Vec::new();
    while found.len() < ENCODINGS {
        let bits = u32::from(row.bits) | b.random.word() & !u32::from(row.mask) & 0xffff;
        let insn = decode(bits).filter(|insn| insn.op == row.op);
        if insn.is_some_and(|insn| {
            let o = insn.operands;
            usable(o.rd()) && usable(o.rs1()) && usable(o.rs2())
        }) {
            found.push(bits);
        }
    }
    found
}

fn compute(b: &mut Builder, row: &'static CompressedRow, values: &Table) {
    for group in encodings(b, row).chunks(16) {
        b.each(row.mnemonic, values, |b| {
            for &bits in group {
                let Some(insn) = decode(bits) else { continue };
                let o = insn.operands;
                // A source that is not the destination shows if it is written.
                b.operand(o.rs1() as u32, 0);
                b.operand(o.rs2() as u32, 1);
                b.subject(bits);
                b.result(o.rd() as u32, &format!("rd of {bits:#06x}"));
                b.result(o.rs2() as u32, &format!("rs2 of {bits:#06x}"));
            }
        });
    }
    b.count(row.mnemonic, ENCODINGS * values.len());
}

fn access(b: &mut Builder, row: &'static CompressedRow, values: &Table) {
    let format = rows().find(|full| full.op == row.op).map(|full| full.format);
    let float = matches!(format, Some(Format::FpLoad | Format::FpS));
    let store = matches!(format, Some(Format::S | Format::FpS));
    for group in encodings(b, row).chunks(16) {
        b.each(row.mnemonic, values, |b| {
            for &bits in group {
                let Some(insn) = decode(bits) else { continue };
                let o = insn.operands;
                let base = o.rs1() as u32;
                // A register that is neither base nor value nor destination.
                let spare = if float { base } else { o.rs2().max(o.rd()) as u32 };
                let other = (16..21).find(|other| *other != base && *other != spare).unwrap_or(21);
                b.asm.constant(other, MIDDLE.wrapping_add(o.imm_u64()));
                b.operand(base, 1);
                b.asm.store("sd", base, other, 0);
                if store && float {
                    b.float_operand(o.rs2() as u32, 0);
                } else if store {
                    b.operand(o.rs2() as u32, 0);
                }
                b.asm.constant(base, MIDDLE);
                b.subject(bits);
                match (store, float) {
                    (true, _) => {
                        b.asm.imm("ld", other, other, 0);
                        b.result(other, &format!("memory after {bits:#06x}"));
                    }
                    (false, true) => b.float_result(o.rd() as u32, &format!("value of {bits:#06x}")),
                    (false, false) => b.result(o.rd() as u32, &format!("value of {bits:#06x}")),
                }
            }
        });
    }
    b.count(row.mnemonic, ENCODINGS * values.len());
}
