//! Loads, stores, and zeroing of cache blocks: all alignments, across pages too.

use riscope_core::isa::{Format, Op, Row, rows};

use super::super::suite::{Builder, Suite, Table, WINDOW};
use super::super::values;
use crate::common::encode::{Fields, encode, row};

/// Middle of the memory that is accessed: the first byte of a page.
const MIDDLE: u64 = WINDOW + 0x8000;
/// Offsets of the accesses from the base register.
const OFFSETS: [i32; 8] = [0, 1, -3, 8, 127, -128, 2047, -2048];
/// Bytes around `MIDDLE` that the base register goes through, one by one.
const REACH: u64 = 72;

/// All loads and stores of integers and of floating-point numbers, `cbo.zero`.
pub(crate) fn suite(seed: u64) -> Suite {
    let mut b = Builder::new(seed);
    let mut random = b.random.clone();
    let words = (0..2 * REACH).flat_map(|n| [MIDDLE - REACH + n, values::integer(&mut random)]);
    let bases = words.collect();
    let bases = b.table(2, bases);
    fill(&mut b);
    for row in rows() {
        match (row.op, row.format) {
            (Op::I(_), Format::Load) if row.mnemonic != "jalr" => load(&mut b, row, &bases, false),
            (_, Format::FpLoad) => load(&mut b, row, &bases, true),
            (_, Format::S) => store(&mut b, row, &bases, false),
            (_, Format::FpS) => store(&mut b, row, &bases, true),
            (_, Format::Cbo) => zero_block(&mut b, row, &bases),
            _ => {}
        }
    }
    b.finish()
}

/// Fills the memory around `MIDDLE` with words that all differ in every byte.
fn fill(b: &mut Builder) {
    let [at, value, end, factor] = b.registers();
    b.asm.constant(at, MIDDLE - 4096);
    b.asm.constant(end, MIDDLE + 4096);
    b.asm.constant(value, 0x0102_0304_8586_8788);
    b.asm.constant(factor, 0x9e37_79b9_7f4a_7c15);
    let again = b.asm.here();
    b.asm.store("sd", value, at, 0);
    b.asm.reg("mul", value, value, factor);
    b.asm.imm("addi", at, at, 8);
    b.asm.branch("bltu", at, end, again);
}

fn load(b: &mut Builder, row: &Row, bases: &Table, float: bool) {
    let [d, base] = b.registers();
    b.each(row.mnemonic, bases, |b| {
        for imm in OFFSETS {
            b.operand(base, 0);
            // The base may be the destination, except of a load to the other file.
            let rd = if imm & 1 == 0 || float { d } else { base };
            b.subject(encode(row, Fields { rd, rs1: base, imm, ..Fields::default() }));
            let name = format!("value at {imm}");
            if float { b.float_result(rd, &name) } else { b.result(rd, &name) }
        }
    });
    b.count(row.mnemonic, bases.len() * OFFSETS.len());
}

/// Each store goes to words with a known pattern, which are then read back.
fn store(b: &mut Builder, row: &Row, bases: &Table, float: bool) {
    let [value, base, pattern, around] = b.registers();
    b.each(row.mnemonic, bases, |b| {
        b.asm.constant(pattern, 0x1122_3344_5566_7788);
        for imm in OFFSETS {
            b.operand(base, 0);
            b.asm.constant(around, imm as u64);
            b.asm.reg("add", around, around, base);
            b.asm.imm("andi", around, around, -8);
            b.asm.store("sd", pattern, around, 0);
            b.asm.store("sd", pattern, around, 8);
            if float {
                b.float_operand(value, 1)
            } else {
                b.operand(value, 1)
            }
            b.subject(encode(row, Fields { rs1: base, rs2: value, imm, ..Fields::default() }));
            b.asm.imm("ld", base, around, 0);
            b.result(base, &format!("word at {imm}"));
            b.asm.imm("ld", base, around, 8);
            b.result(base, &format!("word behind {imm}"));
        }
    });
    b.count(row.mnemonic, bases.len() * OFFSETS.len());
}

/// The 64-byte block around the address, with adjacent memory.
fn zero_block(b: &mut Builder, cbo: &Row, bases: &Table) {
    let [base, word] = b.registers();
    b.each(cbo.mnemonic, bases, |b| {
        for shift in 0..8 {
            // Fills the memory with the operand, so that it is not zero by chance.
            b.operand(base, 0);
            b.asm.imm("addi", base, base, 100 * shift);
            b.asm.imm("ori", word, base, 1);
            b.asm.imm("andi", base, base, -64);
            for at in (-8..72).step_by(8) {
                b.asm.store("sd", word, base, at);
            }
            b.asm.imm("addi", base, base, 9 * shift);
            b.subject(encode(cbo, Fields { rs1: base, ..Fields::default() }));
            b.asm.imm("andi", base, base, -64);
            for at in [-8, 0, 32, 56, 64] {
                b.asm.raw(encode(row("ld"), Fields { rd: word, rs1: base, imm: at, ..Fields::default() }));
                b.result(word, &format!("word at {at}"));
            }
        }
    });
    b.count(cbo.mnemonic, bases.len() * 8);
}
