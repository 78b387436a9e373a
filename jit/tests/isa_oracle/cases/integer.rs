//! Register arithmetic.

use riscope_core::isa::{Format, Op, Row, rows};

use super::super::suite::{Builder, Suite, Table};
use super::super::values::{self, INTEGERS};
use crate::common::encode::{Fields, encode};

/// Random operand pairs besides those of edges.
const RANDOM_PAIRS: usize = 400;
/// Operands that each of many immediates is tried on.
const FIRST_OPERANDS: usize = 64;

/// Everything on registers and immediates whose operation `selects`.
pub(crate) fn suite(seed: u64, selects: fn(Op) -> bool) -> Suite {
    let mut b = Builder::new(seed);
    let mut random = b.random.clone();
    let words = values::pairs(&INTEGERS, RANDOM_PAIRS, || values::integer(&mut random));
    let pairs = b.table(2, words);
    let few = (0..FIRST_OPERANDS - INTEGERS.len()).map(|_| values::integer(&mut random));
    let singles = INTEGERS.into_iter().chain(few).collect();
    let singles = b.table(1, singles);
    let one = b.table(1, vec![0]);
    for row in rows().filter(|row| selects(row.op)) {
        match row.format {
            Format::R => register_register(&mut b, row, &pairs),
            Format::R1 => register(&mut b, row, &pairs),
            Format::I => immediate(&mut b, row, &singles, &immediates(&mut random)),
            Format::Shift64 => immediate(&mut b, row, &singles, &(0..64).collect::<Vec<_>>()),
            Format::Shift32 => immediate(&mut b, row, &singles, &(0..32).collect::<Vec<_>>()),
            Format::U => upper_immediate(&mut b, row, &one),
            _ => {}
        }
    }
    b.finish()
}

/// The ends of the range, and some between.
fn immediates(random: &mut crate::common::random::Random) -> Vec<i32> {
    let edges = [0, 1, 2, 31, 63, 255, 1023, 2047, -1, -2, -256, -2047, -2048];
    edges.into_iter().chain((0..19).map(|_| random.between(-2048, 2047))).collect()
}

/// With three registers, and with each two of them the same.
fn register_register(b: &mut Builder, row: &Row, pairs: &Table) {
    let [d, x, y, e, f] = b.registers();
    b.each(row.mnemonic, pairs, |b| {
        b.operand(x, 0);
        b.operand(y, 1);
        b.operand(e, 0);
        b.operand(f, 1);
        for (rd, rs1, rs2, name) in [
            (d, x, y, "rd"),
            (e, e, y, "rd that is rs1"),
            (f, x, f, "rd that is rs2"),
            (x, y, y, "rd of equal sources"),
            (y, y, y, "rd that is both sources"),
            (0, e, f, "x0"),
        ] {
            b.subject(encode(row, Fields { rd, rs1, rs2, ..Fields::default() }));
            b.result(rd, name);
        }
    });
    b.count(row.mnemonic, pairs.len());
}

fn register(b: &mut Builder, row: &Row, pairs: &Table) {
    let [d, x] = b.registers();
    b.each(row.mnemonic, pairs, |b| {
        b.operand(x, 0);
        b.subject(encode(row, Fields { rd: d, rs1: x, ..Fields::default() }));
        b.result(d, "rd");
        b.operand(x, 1);
        b.subject(encode(row, Fields { rd: x, rs1: x, ..Fields::default() }));
        b.result(x, "rd that is rs1");
    });
    b.count(row.mnemonic, 2 * pairs.len());
}

/// Each immediate is its own instruction.
fn immediate(b: &mut Builder, row: &Row, operands: &Table, immediates: &[i32]) {
    let [d, x] = b.registers();
    b.each(row.mnemonic, operands, |b| {
        for &imm in immediates {
            b.operand(x, 0);
            let rd = if imm & 1 == 0 { d } else { x };
            b.subject(encode(row, Fields { rd, rs1: x, imm, ..Fields::default() }));
            b.result(rd, &format!("with {imm}"));
        }
    });
    b.count(row.mnemonic, operands.len() * immediates.len());
}

/// `lui` and `auipc`: depend only on the immediate and the instruction's address.
fn upper_immediate(b: &mut Builder, row: &Row, one: &Table) {
    for _ in 0..8 {
        let [d] = b.registers();
        b.each(row.mnemonic, one, |b| {
            for n in 0..128 {
                let imm = if n < 4 { [0, 0x1000, i32::MIN, -0x1000][n] } else { b.random.word() as i32 };
                b.subject(encode(row, Fields { rd: d, imm, ..Fields::default() }));
                b.result(d, &format!("with {imm:#x}"));
            }
        });
        b.count(row.mnemonic, 128);
    }
}
