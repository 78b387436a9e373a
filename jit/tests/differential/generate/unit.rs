//! Snippets before placement: sequences of instructions with symbolic targets.

use super::super::layout::CODE;
use super::super::program::length;
use crate::common::encode::{Fields, compressed_branch_offset, compressed_jump_offset, encode, row};
use crate::common::random::Random;

/// Target of an offset.
#[derive(Clone, Copy, Debug)]
pub(super) enum Target {
    /// A nearby following unit.
    Behind,
    /// Like [`Target::Behind`], but two bytes further: perhaps into an instruction.
    OffBeat,
    /// To a unit of the same chunk.
    Unit(usize),
    /// To the first unit of a chunk.
    Chunk(usize),
    /// Any unit.
    Anywhere,
    /// To an offset in RAM.
    Ram(u64),
    /// To the instruction of a patchable unit that counts modulo their number.
    Patchable(usize),
}

/// Encoding of an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// A branch.
    Branch,
    /// `jal`.
    Jump,
    /// `c.beqz`, `c.bnez`.
    ShortBranch,
    /// `c.j`.
    ShortJump,
    /// `auipc` with a following instruction with a 12-bit immediate.
    Pair,
}

/// Consecutive instructions. Jumps lead to the first of them only.
#[derive(Clone, Debug, Default)]
pub(super) struct Unit {
    pub(super) bits: Vec<u32>,
    /// Instructions without their offset, its encoding, and its target.
    pub(super) open: Vec<(usize, Reach, Target)>,
    /// An instruction with an immediate that another unit may change.
    pub(super) patchable: bool,
}

impl Unit {
    /// A unit of these instructions.
    pub(super) fn of(bits: Vec<u32>) -> Self {
        Self { bits, ..Self::default() }
    }

    pub(super) fn len(&self) -> u32 {
        self.bits.iter().map(|&bits| length(bits)).sum()
    }

    /// Offset of instruction `n` from the start of the unit.
    fn at(&self, n: usize) -> u32 {
        self.bits[..n].iter().map(|&bits| length(bits)).sum()
    }
}

/// A placed sequence of units.
#[derive(Clone, Debug, Default)]
pub(super) struct Chunk {
    pub(super) units: Vec<Unit>,
    /// Offset from the start of the code.
    pub(super) start: u32,
}

impl Chunk {
    pub(super) fn len(&self) -> u32 {
        self.units.iter().map(Unit::len).sum()
    }

    /// Offset of unit `n` from the start of the code; of the end, if `n` is the
    /// number of units.
    fn at(&self, n: usize) -> u32 {
        self.start + self.units[..n].iter().map(Unit::len).sum::<u32>()
    }
}

/// Fills in all offsets.
pub(super) fn link(chunks: &mut [Chunk], random: &mut Random) {
    let places = chunks.to_vec();
    let patchable: Vec<u32> = places
        .iter()
        .flat_map(|chunk| (0..chunk.units.len()).filter(|&n| chunk.units[n].patchable).map(|n| chunk.at(n)))
        .collect();
    let places = Places { chunks: places, patchable };
    for (c, chunk) in chunks.iter_mut().enumerate() {
        for n in 0..chunk.units.len() {
            for (index, reach, target) in std::mem::take(&mut chunk.units[n].open) {
                let from = chunk.at(n) + chunk.units[n].at(index);
                let to = places.resolve(target, reach, (c, n), random);
                set_offset(&mut chunk.units[n].bits, index, reach, (to - i64::from(from)) as i32);
            }
        }
    }
}

/// Positions of all units.
struct Places {
    chunks: Vec<Chunk>,
    /// Offsets of the instructions that may be changed.
    patchable: Vec<u32>,
}

impl Places {
    /// Offset from the start of the code that `target` means for a unit of a chunk.
    fn resolve(&self, target: Target, reach: Reach, (c, n): (usize, usize), random: &mut Random) -> i64 {
        let chunk = &self.chunks[c];
        match target {
            Target::Behind | Target::OffBeat => {
                let skipped = random.below(if reach == Reach::ShortBranch { 12 } else { 24 }) as usize;
                let last = chunk.units.len() - 1;
                let beat = if matches!(target, Target::OffBeat) { 2 } else { 0 };
                i64::from(chunk.at((n + 1 + skipped).min(last).max(n)) + beat)
            }
            Target::Unit(unit) => i64::from(chunk.at(unit)),
            Target::Chunk(chunk) => i64::from(self.chunks[chunk].start),
            Target::Anywhere => {
                let chunk = &self.chunks[random.below(self.chunks.len() as u32) as usize];
                i64::from(chunk.at(random.below(chunk.units.len() as u32) as usize))
            }
            Target::Ram(offset) => offset as i64 - CODE as i64,
            Target::Patchable(k) => {
                let at = self.patchable.get(k % self.patchable.len().max(1)).copied();
                i64::from(at.unwrap_or(self.chunks[0].start))
            }
        }
    }
}

/// Sets the offset of instruction `n`. An offset out of range becomes that of the next
/// instruction.
fn set_offset(bits: &mut [u32], n: usize, reach: Reach, offset: i32) {
    let within = |limit: i32| if (-limit..limit).contains(&offset) { offset } else { length(bits[n]) as i32 };
    match reach {
        Reach::Branch => bits[n] |= encode_offset("beq", within(4096)),
        Reach::Jump => bits[n] |= encode_offset("jal", within(1 << 20)),
        Reach::ShortBranch => bits[n] |= compressed_branch_offset(within(256)),
        Reach::ShortJump => bits[n] |= compressed_jump_offset(within(2048)),
        Reach::Pair => {
            let low = offset << 20 >> 20;
            bits[n] |= encode_offset("lui", offset.wrapping_sub(low));
            let store = matches!(bits[n + 1] & 0x7f, 0x23 | 0x27);
            bits[n + 1] |= encode_offset(if store { "sb" } else { "addi" }, low);
        }
    }
}

/// The bits that `imm` takes in the format of `mnemonic`.
fn encode_offset(mnemonic: &str, imm: i32) -> u32 {
    let row = row(mnemonic);
    encode(row, Fields { imm, ..Fields::default() }) & !row.bits
}
