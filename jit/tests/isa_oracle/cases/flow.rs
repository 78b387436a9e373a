//! Branches and jumps: taken or not, over all distances, with their link values.

use riscope_core::isa::i::I;
use riscope_core::isa::{Format, Op, Row, rows};

use super::super::suite::{Builder, Suite, Table};
use super::super::values::{self, INTEGERS};
use crate::common::encode::{Fields, compressed_branch_offset, compressed_jump_offset, encode, row};

/// Random operand pairs besides those of edges.
const RANDOM_PAIRS: usize = 200;
/// Maximum jumps of a random walk.
const JUMPS: usize = 1000;

/// Branches, `jal`, `jalr`, and the 16-bit forms of each.
pub(crate) fn suite(seed: u64) -> Suite {
    let mut b = Builder::new(seed);
    let mut random = b.random.clone();
    let words = values::pairs(&INTEGERS, RANDOM_PAIRS, || values::integer(&mut random));
    let pairs = b.table(2, words);
    let one = b.table(1, vec![0]);
    for row in rows().filter(|row| row.format == Format::B) {
        branch(&mut b, row, &pairs);
        branch_walk(&mut b, row, &one);
    }
    for (mnemonic, bits) in [("c.beqz", 0xc001), ("c.bnez", 0xe001)] {
        short_branch(&mut b, mnemonic, bits, &pairs);
        short_branch_walk(&mut b, mnemonic, bits, &one);
    }
    jump_walk(&mut b, &one);
    short_jump_walk(&mut b, &one);
    register_jump_walk(&mut b, "jalr", &one);
    register_jump_walk(&mut b, "c.jr", &one);
    register_jump_walk(&mut b, "c.jalr", &one);
    b.finish()
}

/// Forward over one instruction and backward over three, on the operands, on equal ones,
/// and on zero.
fn branch(b: &mut Builder, row: &Row, pairs: &Table) {
    let [x, y, way] = b.registers();
    b.each(row.mnemonic, pairs, |b| {
        b.operand(x, 0);
        b.operand(y, 1);
        for (rs1, rs2, name) in
            [(x, y, "two"), (y, x, "two, swapped"), (x, x, "equal"), (0, y, "zero and one"), (x, 0, "one and zero")]
        {
            let (forward, over, back, end) = (b.asm.label(), b.asm.label(), b.asm.label(), b.asm.label());
            b.asm.imm("addi", way, 0, 0);
            b.subject_branch(row.mnemonic, rs1, rs2, forward);
            b.asm.imm("ori", way, way, 1);
            b.asm.bind(forward);
            b.asm.jump(0, over);
            b.asm.bind(back);
            b.asm.imm("ori", way, way, 2);
            b.asm.jump(0, end);
            b.asm.bind(over);
            b.subject_branch(row.mnemonic, rs1, rs2, back);
            b.asm.bind(end);
            b.result(way, &format!("way of {name} operands"));
        }
    });
    b.count(row.mnemonic, 5 * pairs.len());
}

/// `c.beqz` and `c.bnez` of every encodable register.
fn short_branch(b: &mut Builder, mnemonic: &'static str, bits: u32, pairs: &Table) {
    const WAY: u32 = 16;
    b.each(mnemonic, pairs, |b| {
        for register in 8..16 {
            b.operand(register, register as usize & 1);
            b.asm.imm("addi", WAY, 0, 1);
            // Over the next instruction.
            b.subject(bits | (register - 8) << 7 | compressed_branch_offset(6));
            b.asm.imm("addi", WAY, 0, 0);
            b.result(WAY, &format!("way of x{register}"));
        }
    });
    b.count(mnemonic, 8 * pairs.len());
}

/// Parameters of a walk.
#[derive(Clone, Copy)]
struct Walk {
    mnemonic: &'static str,
    /// Bytes of the region.
    region: i32,
    /// Bytes of a place in it.
    place: i32,
    /// How many walks there are.
    count: usize,
}

/// A random walk through a region: each place updates the digest and jumps to the next,
/// anywhere in the region. `emit` generates a place from the digest's register and the
/// distance to the next place.
fn walk(b: &mut Builder, walk: Walk, one: &Table, emit: impl Fn(&mut Builder, u32, i32)) {
    let Walk { mnemonic, region, place, count } = walk;
    let all = region / place;
    let mut jumps = 0;
    for _ in 0..count {
        // A random order of some of the places; behind the last the region ends.
        let mut free: Vec<i32> = (0..all).collect();
        let taken = (all as usize).min(JUMPS);
        let order: Vec<i32> =
            (0..taken).map(|_| free.swap_remove(b.random.below(free.len() as u32) as usize)).collect();
        let mut next = vec![None; all as usize];
        for (n, &from) in order.iter().enumerate() {
            next[from as usize] = Some(order.get(n + 1).copied().unwrap_or(all));
        }
        b.each(mnemonic, one, |b| {
            let digest = 18;
            b.asm.imm("addi", digest, 0, 1);
            b.asm.imm("jal", 0, 0, 4 + place * order[0]);
            for (from, next) in (0..).zip(&next) {
                match next {
                    Some(next) => emit(b, digest, place * (next - from)),
                    None => (0..place / 2).for_each(|_| b.asm.raw(0)),
                }
            }
            b.result(digest, "digest of a walk");
        });
        jumps += taken;
    }
    b.count(mnemonic, jumps);
}

/// Changes the digest in a way that depends on the place: four instructions, 16
/// bytes.
fn visit(b: &mut Builder, digest: u32) {
    const HERE: u32 = 19;
    b.asm.imm("auipc", HERE, 0, 0);
    b.asm.reg("xor", digest, digest, HERE);
    b.asm.imm("rori", digest, digest, 7);
    b.asm.imm("addi", digest, digest, 1);
}

const VISIT: i32 = 16;

fn branch_walk(b: &mut Builder, row: &Row, one: &Table) {
    const ONE: u32 = 20;
    let (rs1, rs2) = match row.op {
        Op::I(I::Beq) => (0, 0),
        Op::I(I::Bge | I::Bgeu | I::Bne) => (ONE, 0),
        _ => (0, ONE),
    };
    let region = Walk { mnemonic: row.mnemonic, region: 4060, place: VISIT + 8, count: 3 };
    walk(b, region, one, |b, digest, distance| {
        visit(b, digest);
        b.asm.imm("addi", ONE, 0, 1);
        b.subject(encode(row, Fields { rs1, rs2, imm: distance - VISIT - 4, ..Fields::default() }));
    });
}

fn short_branch_walk(b: &mut Builder, mnemonic: &'static str, bits: u32, one: &Table) {
    const CONDITION: u32 = 9;
    let value = i32::from(mnemonic == "c.bnez");
    let region = Walk { mnemonic, region: 230, place: VISIT + 6, count: 20 };
    walk(b, region, one, |b, digest, distance| {
        visit(b, digest);
        b.asm.imm("addi", CONDITION, 0, value);
        b.subject(bits | (CONDITION - 8) << 7 | compressed_branch_offset(distance - VISIT - 4));
    });
}

/// The next place folds the link into the digest.
fn jump_walk(b: &mut Builder, one: &Table) {
    const LINK: u32 = 21;
    let region = Walk { mnemonic: "jal", region: 1_000_000, place: VISIT + 8, count: 2 };
    walk(b, region, one, |b, digest, distance| {
        visit(b, digest);
        b.asm.reg("add", digest, digest, LINK);
        b.subject(encode(row("jal"), Fields { rd: LINK, imm: distance - VISIT - 4, ..Fields::default() }));
    });
}

fn short_jump_walk(b: &mut Builder, one: &Table) {
    let region = Walk { mnemonic: "c.j", region: 2030, place: VISIT + 2, count: 10 };
    walk(b, region, one, |b, digest, distance| {
        visit(b, digest);
        b.subject(0xa001 | compressed_jump_offset(distance - VISIT));
    });
}

/// `jalr` with all kinds of offsets, and its 16-bit forms. Half of the addresses are
/// odd, which the jump ignores.
fn register_jump_walk(b: &mut Builder, mnemonic: &'static str, one: &Table) {
    const LINK: u32 = 1;
    const BASE: u32 = 20;
    let last = if mnemonic == "jalr" { 4 } else { 2 };
    let region = Walk { mnemonic, region: 100_000, place: VISIT + 16 + last, count: 2 };
    walk(b, region, one, |b, digest, distance| {
        visit(b, digest);
        b.asm.reg("add", digest, digest, LINK);
        let offset = if mnemonic == "jalr" { b.random.between(-2048, 2047) } else { 0 };
        let odd = b.random.between(0, 1);
        // From the next instruction to where the base has to point.
        let from_here = distance - VISIT - 4 + odd - offset;
        let low = from_here << 20 >> 20;
        b.asm.imm("auipc", BASE, 0, from_here - low);
        b.asm.imm("addi", BASE, BASE, low);
        b.asm.imm("addi", BASE, BASE, 0);
        b.subject(match mnemonic {
            "jalr" => encode(row("jalr"), Fields { rd: LINK, rs1: BASE, imm: offset, ..Fields::default() }),
            "c.jr" => 0x8002 | BASE << 7,
            _ => 0x9002 | BASE << 7,
        });
    });
}
