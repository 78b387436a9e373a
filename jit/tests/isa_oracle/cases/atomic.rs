//! Atomics: the old value, the new memory, adjacent memory, and misalignment.

use riscope_core::isa::{Format, Op, Row, rows};

use super::super::suite::{Builder, CAUSE, Suite, Table, WINDOW};
use super::super::values::{self, INTEGERS};
use crate::common::encode::{Fields, encode, row};

/// Random operand pairs besides those of edges.
const RANDOM_PAIRS: usize = 200;

/// All of A.
pub(crate) fn suite(seed: u64) -> Suite {
    let mut b = Builder::new(seed);
    let mut random = b.random.clone();
    let words = values::pairs(&INTEGERS, RANDOM_PAIRS, || values::integer(&mut random));
    let pairs = b.table(2, words);
    let misaligned = b.table(1, [1, 2, 3, 5, 6, 7].map(|n| WINDOW + n).to_vec());
    for row in rows().filter(|row| matches!(row.op, Op::A(_))) {
        if row.format == Format::Amo && !row.mnemonic.starts_with("sc") {
            read_modify_write(&mut b, row, &pairs);
        } else {
            misaligned_access(&mut b, row, &misaligned);
        }
    }
    for width in ["w", "d"] {
        reserved_and_conditional(&mut b, width, &pairs);
    }
    b.finish()
}

fn is_word(row: &Row) -> bool {
    row.mnemonic.ends_with(".w")
}

/// Operand 0 is in memory, operand 1 in a register; words at both ends of a double.
fn read_modify_write(b: &mut Builder, row: &Row, pairs: &Table) {
    let [d, source, base, memory] = b.registers();
    b.each(row.mnemonic, pairs, |b| {
        b.asm.constant(base, WINDOW);
        for (modifier, at) in [(0, 0), (1, 4), (2, 0), (3, 4)] {
            b.operand(memory, 0);
            b.operand(source, 1);
            b.asm.store("sd", memory, base, 0);
            if is_word(row) {
                b.asm.imm("addi", base, base, at);
            }
            let rd = if modifier == 3 { source } else { d };
            b.subject(encode(row, Fields { rd, rs1: base, rs2: source, modifier, ..Fields::default() }));
            b.asm.imm("andi", base, base, -8);
            b.asm.imm("ld", memory, base, 0);
            b.result(rd, &format!("old value with ordering {modifier}"));
            b.result(memory, &format!("memory with ordering {modifier}"));
        }
        b.operand(source, 1);
        b.asm.store("sd", source, base, 0);
        b.subject(encode(row, Fields { rd: base, rs1: base, rs2: source, ..Fields::default() }));
        b.result(base, "old value in the base register");
        b.asm.constant(base, WINDOW);
        b.subject(encode(row, Fields { rd: 0, rs1: base, rs2: source, ..Fields::default() }));
        b.asm.imm("ld", memory, base, 0);
        b.result(memory, "memory without destination");
    });
    b.count(row.mnemonic, pairs.len());
}

/// Misaligned load-reserved and store-conditional trap and write nothing. The specification
/// allows misaligned or access-fault causes ("Load-Reserved/Store-Conditional
/// Instructions"), so that bit is masked; it also leaves open whether other misaligned
/// atomics work, so these are excluded.
fn misaligned_access(b: &mut Builder, row: &Row, addresses: &Table) {
    let [d, source, base] = b.registers();
    b.each(&format!("misaligned {}", row.mnemonic), addresses, |b| {
        b.asm.constant(d, 0x55);
        b.asm.imm("addi", CAUSE, 0, 0);
        b.operand(base, 0);
        b.operand(source, 0);
        b.subject(encode(row, Fields { rd: d, rs1: base, rs2: source, ..Fields::default() }));
        b.asm.imm("ori", CAUSE, CAUSE, 1);
        b.result(CAUSE, "cause");
        b.result(d, "rd");
        b.asm.imm("ld", d, base, 0);
        b.result(d, "memory");
    });
}

/// A reservation that holds, one that is used up, and one for another address.
fn reserved_and_conditional(b: &mut Builder, width: &str, pairs: &Table) {
    let (lr, sc) = (row(&format!("lr.{width}")), row(&format!("sc.{width}")));
    let [loaded, failed, source, base, memory] = b.registers();
    b.each(&format!("lr.{width} and sc.{width}"), pairs, |b| {
        let load = |at: u32| encode(lr, Fields { rd: loaded, rs1: at, modifier: 2, ..Fields::default() });
        let store = |at: u32| encode(sc, Fields { rd: failed, rs1: at, rs2: source, modifier: 1, ..Fields::default() });
        b.asm.constant(base, WINDOW);
        b.operand(memory, 0);
        b.operand(source, 1);
        b.asm.store("sd", memory, base, 0);
        b.asm.store("sd", memory, base, 128);
        b.subject(load(base));
        b.subject(store(base));
        b.result(loaded, "loaded value");
        b.result(failed, "success");
        b.asm.imm("ld", loaded, base, 0);
        b.result(loaded, "stored value");
        b.subject(store(base));
        b.result(failed, "failure without reservation");
        b.subject(load(base));
        b.asm.imm("addi", base, base, 128);
        b.subject(store(base));
        b.result(failed, "failure at another address");
        b.asm.imm("ld", loaded, base, 0);
        b.result(loaded, "memory after the failure");
    });
    b.count(lr.mnemonic, pairs.len());
    b.count(sc.mnemonic, 3 * pairs.len());
}
