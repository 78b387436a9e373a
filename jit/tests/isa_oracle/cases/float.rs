//! Floating point: results and flags in every rounding mode, static and dynamic.

use riscope_core::isa::{Format, Op, Row, rows};

use super::super::suite::{Builder, CAUSE, Suite, Table};
use super::super::values::{self, DOUBLES, INTEGERS, SINGLES};
use crate::common::encode::{Fields, encode};
use crate::common::random::Random;

/// Random operand pairs besides those of edges.
const RANDOM_PAIRS: usize = 300;
/// Random operand triples of fused operations; edges are drawn for half of them.
const TRIPLES: usize = 2000;
/// Rounding modes that exist; 7 takes the one in `frm`.
const MODES: [u32; 5] = [0, 1, 2, 3, 4];
const DYNAMIC: u32 = 7;
const TOWARDS_ZERO: u32 = 1;

const FFLAGS: u16 = 1;
const FRM: u16 = 2;

/// All arithmetic whose operation `selects`, on numbers of the format that the
/// mnemonic names.
pub(crate) fn suite(seed: u64, selects: fn(Op) -> bool) -> Suite {
    let mut b = Builder::new(seed);
    let mut random = b.random.clone();
    let singles = Operands::new(&mut b, &SINGLES, values::single, &mut random);
    let doubles = Operands::new(&mut b, &DOUBLES, values::double, &mut random);
    let words = values::pairs(&INTEGERS, RANDOM_PAIRS, || values::integer(&mut random));
    let integers = b.table(2, words);
    for row in rows().filter(|row| selects(row.op)) {
        let operands = if reads_doubles(row) { &doubles } else { &singles };
        match row.format {
            Format::FpRm | Format::Fp | Format::FpCmp => arithmetic(&mut b, row, &operands.pairs, 2),
            Format::Fp1Rm | Format::FpToIntRm | Format::FpToInt => arithmetic(&mut b, row, &operands.pairs, 1),
            Format::FpFma => arithmetic(&mut b, row, &operands.triples, 3),
            Format::FpFromIntRm | Format::FpFromInt => arithmetic(&mut b, row, &integers, 1),
            _ => continue,
        }
        if rounds(row) {
            reserved_modes(&mut b, row, &operands.pairs);
        }
    }
    b.finish()
}

/// Tables of one format.
struct Operands {
    pairs: Table,
    triples: Table,
}

impl Operands {
    fn new(b: &mut Builder, edges: &[u64], draw: fn(&mut Random) -> u64, random: &mut Random) -> Self {
        let pairs = values::pairs(edges, RANDOM_PAIRS, || draw(random));
        let triples = (0..3 * TRIPLES).map(|_| if random.chance(50) { random.pick(edges) } else { draw(random) });
        let triples = triples.collect();
        Self { pairs: b.table(2, pairs), triples: b.table(3, triples) }
    }
}

/// Whether the sources are doubles: the last format in the mnemonic.
fn reads_doubles(row: &Row) -> bool {
    row.mnemonic.ends_with(".d")
}

fn rounds(row: &Row) -> bool {
    matches!(row.format, Format::FpRm | Format::FpFma | Format::Fp1Rm | Format::FpToIntRm | Format::FpFromIntRm)
}

fn gives_integer(row: &Row) -> bool {
    matches!(row.format, Format::FpCmp | Format::FpToIntRm | Format::FpToInt)
}

fn takes_integer(row: &Row) -> bool {
    matches!(row.format, Format::FpFromIntRm | Format::FpFromInt)
}

/// Registers of an experiment.
#[derive(Clone, Copy)]
struct Registers {
    d: u32,
    sources: [u32; 3],
    flags: u32,
}

impl Registers {
    fn random(b: &mut Builder) -> Self {
        let [d, x, y, z, flags] = b.registers();
        Self { d, sources: [x, y, z], flags }
    }

    fn load(self, b: &mut Builder, row: &Row, count: usize) {
        for (n, &register) in self.sources.iter().enumerate().take(count) {
            if takes_integer(row) { b.operand(register, n) } else { b.float_operand(register, n) }
        }
    }

    fn instruction(self, row: &Row, rd: u32, modifier: u32) -> u32 {
        let [rs1, rs2, rs3] = self.sources;
        encode(row, Fields { rd, rs1, rs2, rs3, modifier, ..Fields::default() })
    }
}

/// Every mode, static and dynamic, each with a different one in the other field; flags
/// start at 0, and once at 31.
fn arithmetic(b: &mut Builder, row: &Row, table: &Table, count: usize) {
    let registers = Registers::random(b);
    let Registers { d, flags, .. } = registers;
    let modes: &[u32] = if rounds(row) { &MODES } else { &[0] };
    b.each(row.mnemonic, table, |b| {
        registers.load(b, row, count);
        for &mode in modes {
            for fixed in [true, false] {
                b.asm.csr("csrrwi", 0, FRM, if fixed { (mode + 1) % 4 } else { mode });
                b.asm.csr("csrrwi", 0, FFLAGS, 0);
                start_block(b);
                b.subject(registers.instruction(row, d, if fixed { mode } else { DYNAMIC }));
                b.asm.csr("csrrs", flags, FFLAGS, 0);
                let name = format!("in {} mode {mode}", if fixed { "static" } else { "dynamic" });
                result(b, row, d, &format!("result {name}"));
                b.result(flags, &format!("flags {name}"));
                if !rounds(row) {
                    break;
                }
            }
        }
        b.asm.csr("csrrwi", 0, FRM, 0);
        b.asm.csr("csrrwi", 0, FFLAGS, 31);
        // The destination may be a source.
        let rd = if gives_integer(row) == takes_integer(row) { registers.sources[0] } else { d };
        start_block(b);
        b.subject(registers.instruction(row, rd, if rounds(row) { DYNAMIC } else { 0 }));
        b.asm.csr("csrrs", flags, FFLAGS, 0);
        result(b, row, rd, "result in place");
        b.result(flags, "flags, all set before");
        if gives_integer(row) {
            b.asm.csr("csrrwi", 0, FFLAGS, 0);
            start_block(b);
            b.subject(registers.instruction(row, 0, if rounds(row) { TOWARDS_ZERO } else { 0 }));
            b.asm.csr("csrrs", flags, FFLAGS, 0);
            b.result(flags, "flags without a destination");
        }
    });
    b.count(row.mnemonic, table.len());
}

/// A jump to the next instruction, which starts a new block: otherwise the interpreter
/// would continue after an access to a CSR.
fn start_block(b: &mut Builder) {
    let next = b.asm.label();
    b.asm.jump(0, next);
    b.asm.bind(next);
}

/// Moves to and conversions to integers must not change the other register file.
fn result(b: &mut Builder, row: &Row, register: u32, name: &str) {
    if gives_integer(row) { b.result(register, name) } else { b.float_result(register, name) }
}

/// Modes 5 and 6 do not exist, and in `frm` neither does 7.
fn reserved_modes(b: &mut Builder, row: &Row, pairs: &Table) {
    let registers = Registers::random(b);
    let first = pairs.first();
    b.each(&format!("{} in a reserved mode", row.mnemonic), &first, |b| {
        for (frm, mode) in [(0, 5), (0, 6), (5, 7), (6, 7), (7, 7), (7, 0), (6, 4)] {
            b.asm.csr("csrrwi", 0, FRM, frm);
            b.asm.imm("addi", CAUSE, 0, 0);
            b.subject(registers.instruction(row, registers.d, mode));
            b.result(CAUSE, &format!("cause with rm {mode} and frm {frm}"));
        }
    });
    b.asm.csr("csrrwi", 0, FRM, 0);
}
