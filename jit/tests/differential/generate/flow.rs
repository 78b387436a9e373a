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
            (Part::Leaf, _) | (Part::Main, 0) | (Part::Function | Part::Recursion, 0 | 1) => return self.integer(),
            (Part::Main, 1) => 0..1,
            (Part::Main, count) => 0..count - 1,
            (Part::Function | Part::Recursion, count) => count - 1..count,
        };
        let function = callable.start + self.random.below(callable.len() as u32) as usize;
        let link = self.registers.links[usize::from(self.part != Part::Main)];
        self.far_jump(link, Target::Chunk(self.main_chunks + function))
    }

    /// Return from a function; sometimes to an odd address, whose lowest bit the jump ignores,
    /// rarely over what is behind the call, or by a call that links in the other register.
    pub(super) fn give_back(&mut self) -> Unit {
        let [first, second] = self.registers.links;
        let (rs1, other) = if self.part == Part::Leaf { (second, first) } else { (first, second) };
        let bits = match self.random.below(20) {
            0..5 => op("jalr", Fields { rs1, imm: 1, ..Fields::default() }),
            5..10 => 0x8002 | rs1 << 7,
            10 if !self.profile.patches => op("jalr", Fields { rs1, imm: 4, ..Fields::default() }),
            11 if !self.profile.patches => op("jalr", Fields { rd: other, rs1, ..Fields::default() }),
            _ => op("jalr", Fields { rs1, ..Fields::default() }),
        };
        Unit::of(vec![bits])
    }

    /// A return that is taken or not; in the main line, one to a following unit.
    pub(super) fn early_return(&mut self) -> Unit {
        match self.part {
            Part::Main => {
                let rs1 = self.random.pick(&self.registers.links);
                let bits = vec![
                    op("auipc", Fields { rd: rs1, ..Fields::default() }),
                    op("jalr", Fields { rs1, ..Fields::default() }),
                ];
                Unit { bits, open: vec![(0, Reach::Pair, Target::Behind)], ..Unit::default() }
            }
            Part::Function | Part::Leaf => {
                let unit = self.give_back();
                self.sometimes(unit)
            }
            Part::Recursion => {
                // From several levels at once.
                let depth = self.registers.depth;
                let levels = self.random.between(1, 6);
                let mut bits = vec![op("addi", Fields { rd: depth, rs1: depth, imm: levels, ..Fields::default() })];
                bits.extend(self.return_from_level().bits);
                self.sometimes(Unit::of(bits))
            }
        }
    }

    /// A unit that a branch may skip.
    fn sometimes(&mut self, unit: Unit) -> Unit {
        let mnemonic = self.random.pick(BRANCHES);
        let (rs1, rs2) = (self.random.below(32), self.random.below(32));
        let mut bits = vec![op(mnemonic, Fields { rs1, rs2, imm: 4 + unit.len() as i32, ..Fields::default() })];
        bits.extend(unit.bits);
        Unit::of(bits)
    }

    /// A call of the recursive function, if there is one, mostly for a few levels.
    pub(super) fn recursion(&mut self) -> Unit {
        let (Part::Main, Some(chunk)) = (self.part, self.recursion) else { return self.call() };
        let most = self.random.weighted(&[(80, 4), (18, 16), (2, 256)]);
        let levels = self.random.below(most) as i32;
        let call = self.far_jump(self.registers.links[0], Target::Chunk(chunk));
        let mut bits = vec![op("addi", Fields { rd: self.registers.depth, imm: levels, ..Fields::default() })];
        bits.extend(call.bits);
        let open = call.open.into_iter().map(|(n, reach, target)| (n + 1, reach, target)).collect();
        Unit { bits, open, patchable: false }
    }

    /// A function that calls itself, from one of two places, until no level is left.
    pub(super) fn recursive_function(&mut self) -> Vec<Unit> {
        let (depth, link) = (self.registers.depth, self.registers.links[0]);
        let Some(chunk) = self.recursion else { return Vec::new() };
        let mut units = vec![self.slot_access("sd", link)];
        self.some_snippets(&mut units);
        let check = units.len();
        units.push(Unit::default());
        for place in 0..2 {
            units.push(self.far_jump(link, Target::Chunk(chunk)));
            self.some_snippets(&mut units);
            if place == 0 {
                units.push(Unit::default());
            }
        }
        // Over the first place, in every second level or never; over both at the end.
        let over_first =
            units.iter().skip(check + 1).position(|unit| unit.bits.is_empty()).map_or(0, |n| check + 1 + n);
        let end = units.len();
        let address = self.registers.address;
        let bit = self.random.below(2) as i32;
        units[check] = Unit {
            bits: vec![
                op("addi", Fields { rd: depth, rs1: depth, imm: -1, ..Fields::default() }),
                op("blt", Fields { rs1: depth, ..Fields::default() }),
                op("andi", Fields { rd: address, rs1: depth, imm: bit, ..Fields::default() }),
                op("addi", Fields { rd: address, rs1: address, imm: -1, ..Fields::default() }),
                op("bge", Fields { rs1: address, ..Fields::default() }),
                op("addi", Fields { rd: address, ..Fields::default() }),
            ],
            open: vec![(1, Reach::Branch, Target::Unit(end)), (4, Reach::Branch, Target::Unit(over_first + 1))],
            patchable: false,
        };
        units[over_first] = Unit {
            bits: vec![op("jal", Fields::default())],
            open: vec![(0, Reach::Jump, Target::Unit(end))],
            patchable: false,
        };
        units.push(Unit::of(vec![op("addi", Fields { rd: depth, rs1: depth, imm: 1, ..Fields::default() })]));
        units.push(self.return_from_level());
        units
    }

    fn some_snippets(&mut self, units: &mut Vec<Unit>) {
        let count = self.random.below(4);
        self.snippets(units, count, 1);
    }

    /// A return to the address that was saved in the current level.
    fn return_from_level(&mut self) -> Unit {
        let mut unit = self.slot_access("ld", self.registers.links[0]);
        unit.bits.extend(self.give_back().bits);
        unit
    }

    /// Saves or loads the return address of the current level.
    fn slot_access(&mut self, mnemonic: &'static str, link: u32) -> Unit {
        let (address, depth, stack) = (self.registers.address, self.registers.depth, self.registers.stack);
        Unit::of(vec![
            op("andi", Fields { rd: address, rs1: depth, imm: 0xff, ..Fields::default() }),
            op("slli", Fields { rd: address, rs1: address, imm: 3, ..Fields::default() }),
            op("add", Fields { rd: address, rs1: address, rs2: stack, ..Fields::default() }),
            op(mnemonic, Fields { rd: link, rs1: address, rs2: link, ..Fields::default() }),
            op("addi", Fields { rd: address, ..Fields::default() }),
        ])
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
