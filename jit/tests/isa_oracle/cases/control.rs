//! CSRs, traps, and fences.

use riscope_core::isa::{Op, Row, rows};

use super::super::suite::{Builder, CAUSE, Suite, Table};
use super::super::values::{self, INTEGERS};
use crate::common::encode::{Fields, encode, row};

/// Random operand pairs besides those of edges.
const RANDOM_PAIRS: usize = 100;
const MSCRATCH: u16 = 0x340;
const MEPC: u16 = 0x341;
const FCSR: u16 = 3;

/// Zicsr on writable and read-only registers, instructions that trap, illegal encodings,
/// and fences.
pub(crate) fn suite(seed: u64) -> Suite {
    let mut b = Builder::new(seed);
    let mut random = b.random.clone();
    let words = values::pairs(&INTEGERS, RANDOM_PAIRS, || values::integer(&mut random));
    let pairs = b.table(2, words);
    let one = b.table(1, vec![0]);
    for row in rows().filter(|row| matches!(row.op, Op::Zicsr(_))) {
        control_access(&mut b, row, &pairs);
    }
    traps(&mut b, &one);
    fences(&mut b, &one);
    b.finish()
}

/// Sets a register to operand 0 and accesses it with operand 1; the immediate forms
/// with every immediate of a set.
fn control_access(b: &mut Builder, access: &Row, pairs: &Table) {
    let [d, source, after] = b.registers();
    let immediate = access.mnemonic.ends_with('i');
    b.each(access.mnemonic, pairs, |b| {
        for csr in [MSCRATCH, MEPC, FCSR] {
            let sources: &[u32] = if immediate { &[0, 1, 10, 31] } else { &[source, 0] };
            for &rs1 in sources {
                for rd in [d, 0] {
                    b.operand(source, 0);
                    b.asm.csr("csrrw", 0, csr, source);
                    b.operand(source, 1);
                    b.subject(encode(access, Fields { rd, rs1, imm: i32::from(csr), ..Fields::default() }));
                    b.asm.csr("csrrs", after, csr, 0);
                    b.result(rd, &format!("old value of {csr:#x} with {rs1}"));
                    b.result(after, &format!("new value of {csr:#x} with {rs1}"));
                }
            }
        }
        // The destination is the source.
        if !immediate {
            b.operand(source, 0);
            b.asm.csr("csrrw", 0, MSCRATCH, source);
            b.operand(source, 1);
            let fields = Fields { rd: source, rs1: source, imm: i32::from(MSCRATCH), ..Fields::default() };
            b.subject(encode(access, fields));
            b.asm.csr("csrrs", after, MSCRATCH, 0);
            b.result(source, "old value in the source");
            b.result(after, "new value");
        }
    });
    b.count(access.mnemonic, 6 * pairs.len());
}

/// Cause and trap value of instructions that trap.
fn traps(b: &mut Builder, one: &Table) {
    let value = b.registers::<1>()[0];
    let reserved = [
        // All zeros and all ones, `c.addi4spn` and `c.lui` with 0, `c.lwsp` to x0.
        0x0000_0000,
        0xffff_ffff,
        0x0000_6101,
        0x0000_6081,
        0x0000_4002,
        0x0000_8002,
        0x0000_9c41,
        0x0000_8000,
        // An opcode of a custom extension, a load of unknown width, a bad function.
        0x0000_000b,
        0x0000_7003,
        0xfe00_0033,
        0x6035_1513,
        // Reads of a register that does not exist, a write of one that cannot be.
        0x3df0_2573,
        0xf115_1073,
    ];
    let exact = ["ecall", "ebreak"].map(|mnemonic| row(mnemonic).bits);
    b.each("traps", one, |b| {
        for bits in exact.into_iter().chain([0x9002]).chain(reserved) {
            b.asm.imm("addi", CAUSE, 0, 0);
            b.asm.csr("csrrwi", 0, 0x343, 0);
            b.subject(bits);
            b.asm.csr("csrrs", value, 0x343, 0);
            b.result(CAUSE, &format!("cause of {bits:#010x}"));
            // The address of a breakpoint may be there or not.
            if bits != 0x9002 && bits != row("ebreak").bits {
                b.result(value, &format!("trap value of {bits:#010x}"));
            }
        }
    });
}

/// Fences of all kinds, which have no effect visible to a single hart.
fn fences(b: &mut Builder, one: &Table) {
    let [x, y] = b.registers();
    b.each("fences", one, |b| {
        b.asm.imm("addi", CAUSE, 0, 0);
        b.asm.imm("addi", x, 0, 7);
        for sets in 0..256 {
            b.asm.raw(encode(row("fence"), Fields { imm: sets, ..Fields::default() }));
        }
        b.asm.raw(encode(row("fence.i"), Fields::default()));
        for (rs1, rs2) in [(0, 0), (x, 0), (0, x), (x, y)] {
            b.asm.raw(encode(row("sfence.vma"), Fields { rs1, rs2, ..Fields::default() }));
        }
        b.result(CAUSE, "cause");
        b.result(x, "register");
    });
}
