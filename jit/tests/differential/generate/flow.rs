//! Snippets that jump.

use super::unit::{Reach, Target, Unit};
use super::{Generator, Part, op};
use crate::common::encode::Fields;

const BRANCHES: &[&str] = &["beq", "bne", "blt", "bge", "bltu", "bgeu"];

impl Generator<'_> {
    /// A following unit, rarely two bytes off. With patching, code is only entered at the
    /// start of a snippet.
    fn behind(&mut self) -> Target {
        if !self.profile.patches && self.random.chance(2) { Target::OffBeat } else { Target::Behind }
    }

    pub(super) fn branch(&mut self) -> Unit {
        let target = self.behind();
        if self.random.chance(25) {
            let bits = self.random.pick(&[0xc001, 0xe001]) | self.random.below(8) << 7;
            return Unit { bits: vec![bits], open: vec![(0, Reach::ShortBranch, target)], ..Unit::default() };
        }
        let mnemonic = self.random.pick(BRANCHES);
        let fields = Fields { rs1: self.random.below(32), rs2: self.random.below(32), ..Fields::default() };
        Unit { bits: vec![op(mnemonic, fields)], open: vec![(0, Reach::Branch, target)], ..Unit::default() }
    }

    pub(super) fn jump(&mut self) -> Unit {
        let target = self.behind();
        if self.random.chance(40) {
            return Unit { bits: vec![0xa001], open: vec![(0, Reach::ShortJump, target)], ..Unit::default() };
        }
        let rd = if self.random.chance(50) { 0 } else { self.registers.target(&mut self.random) };
        let bits = vec![op("jal", Fields { rd, ..Fields::default() })];
        Unit { bits, open: vec![(0, Reach::Jump, target)], ..Unit::default() }
    }

    /// A jump over any distance, direct or computed, that links in `rd`.
    pub(super) fn far_jump(&mut self, rd: u32, target: Target) -> Unit {
        if self.random.chance(60) {
            let bits = vec![op("jal", Fields { rd, ..Fields::default() })];
            return Unit { bits, open: vec![(0, Reach::Jump, target)], ..Unit::default() };
        }
        let rs1 = if rd == 0 { self.registers.address } else { rd };
        let bits = vec![
            op("auipc", Fields { rd: rs1, ..Fields::default() }),
            op("jalr", Fields { rd, rs1, ..Fields::default() }),
        ];
        Unit { bits, open: vec![(0, Reach::Pair, target)], ..Unit::default() }
    }

    /// A call of a function or, within a function, of the leaf function, if there is one.
    pub(super) fn call(&mut self) -> Unit {
        let callable = match (self.part, self.functions) {
            (Part::Leaf, _) | (Part::Main, 0) | (Part::Function, 0 | 1) => return self.integer(),
            (Part::Main, 1) => 0..1,
            (Part::Main, count) => 0..count - 1,
            (Part::Function, count) => count - 1..count,
        };
        let function = callable.start + self.random.below(callable.len() as u32) as usize;
        let link = self.registers.links[usize::from(self.part == Part::Function)];
        self.far_jump(link, Target::Chunk(self.main_chunks + function))
    }

    /// Return from a function; rarely to an odd address, whose lowest bit the jump ignores.
    pub(super) fn give_back(&mut self) -> Unit {
        let rs1 = self.registers.links[usize::from(self.part == Part::Leaf)];
        match self.random.below(4) {
            0 => Unit::of(vec![op("jalr", Fields { rs1, imm: 1, ..Fields::default() })]),
            1 => Unit::of(vec![0x8002 | rs1 << 7]),
            _ => Unit::of(vec![op("jalr", Fields { rs1, ..Fields::default() })]),
        }
    }

    /// A jump to a computed address: following, or anywhere if a timer ends the endless
    /// loops that may result.
    pub(super) fn computed_jump(&mut self) -> Unit {
        let anywhere = self.surroundings.timer_period != 0 && self.random.chance(20);
        let target = if anywhere { Target::Anywhere } else { Target::Behind };
        let rs1 = self.registers.address;
        let rd = if self.random.chance(50) { 0 } else { self.registers.target(&mut self.random) };
        let mut bits = vec![
            op("auipc", Fields { rd: rs1, ..Fields::default() }),
            op("addi", Fields { rd: rs1, rs1, ..Fields::default() }),
        ];
        match self.random.below(3) {
            0 => bits.push(0x8002 | rs1 << 7),
            // Links in `ra`.
            1 if !self.registers.links.contains(&1) => bits.push(0x9002 | rs1 << 7),
            _ => bits.push(op("jalr", Fields { rd, rs1, ..Fields::default() })),
        }
        Unit { bits, open: vec![(0, Reach::Pair, target)], ..Unit::default() }
    }

    /// A loop of a few rounds over a few snippets.
    pub(super) fn counted_loop(&mut self, units: &mut Vec<Unit>, depth: usize) {
        let counter = self.registers.counters[depth];
        let rounds = 1 + self.random.below(if depth == 0 { 12 } else { 4 }) as i32;
        units.push(Unit::of(vec![op("addi", Fields { rd: counter, imm: rounds, ..Fields::default() })]));
        let first = units.len();
        let count = 1 + self.random.below(6);
        self.snippets(units, count, depth + 1);
        let bits = vec![
            op("addi", Fields { rd: counter, rs1: counter, imm: -1, ..Fields::default() }),
            // Not `bne`: a branch into the loop may have skipped its start.
            op("blt", Fields { rs2: counter, ..Fields::default() }),
        ];
        units.push(Unit { bits, open: vec![(1, Reach::Branch, Target::Unit(first))], ..Unit::default() });
    }
}
