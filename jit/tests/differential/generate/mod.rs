//! Generation of programs from a seed.
//!
//! ```text
//!  chunk 0   fresh operands by iteration, pointers    ◄─┐
//!            snippets …  branches, loops, calls ──► functions
//!  chunk 1   snippets …                                 │
//!  chunk n   snippets …  ───────────────────────────────┘
//!
//!  function          snippets …   return, some of them early
//!  recursion         return address to the operand table, snippets …   call of itself
//!                    snippets …   return
//! ```
//!
//! The chunks are at random positions of four pages, so that code crosses pages and jumps
//! lead to other pages. Programs do not end; the caller limits their instructions.

mod flow;
mod memory;
mod operands;
pub(crate) mod profile;
mod registers;
mod surroundings;
mod system;
mod unit;
mod value;

use profile::{Kind, Profile};
use registers::Registers;
use surroundings::Surroundings;
use unit::{Chunk, Reach, Target, Unit, link};

use super::firmware::Plan;
use super::layout::{CODE_BYTES, DATA, DATA_BYTES, OPERANDS, RETURN_ADDRESSES, SUPERPAGE};
use super::program::{Program, Slot};
use crate::common::encode::{Fields, encode, row};
use crate::common::random::Random;

/// Maximum instructions between two comparisons: not more than any engine's quantum, so
/// that all engines poll clock and interrupts after the same instructions.
const LONGEST_STEP: u32 = 8192;

/// State of a generation.
struct Generator<'a> {
    random: Random,
    profile: &'a Profile,
    registers: Registers,
    surroundings: Surroundings,
    /// Chunks of the main line; the others are functions.
    main_chunks: usize,
    functions: usize,
    /// Chunk of the function that calls itself, if there is one.
    recursion: Option<usize>,
    /// Whether pages of code are exchanged with their copies: not where an interrupt may come
    /// between the change and its fence.
    remaps_code: bool,
    /// Destination of generated snippets.
    part: Part,
}

/// Parts of a program by caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Main,
    /// Called by the main line.
    Function,
    /// Called by functions.
    Leaf,
    /// Called by the main line and by itself.
    Recursion,
}

/// The program of `seed` in `profile` that runs for about `instructions`.
pub(crate) fn program(profile: &Profile, seed: u64, instructions: u64) -> Program {
    let mut random = Random::new(seed);
    let surroundings = Surroundings::random(profile, &mut random);
    let registers = Registers::random(&mut random);
    let main_chunks = 1 + random.below(3) as usize;
    let functions = random.below(4) as usize;
    let recurses = profile.kinds.iter().any(|(_, kind)| *kind == Kind::Recursion) && random.chance(60);
    let recursion = recurses.then_some(main_chunks + functions);
    let remaps_code = !profile.patches && surroundings.timer_period == 0 && random.chance(80);
    let part = Part::Main;
    let mut generator =
        Generator { random, profile, registers, surroundings, main_chunks, functions, recursion, remaps_code, part };
    let mut chunks = generator.chunks();
    generator.place(&mut chunks);
    link(&mut chunks, &mut generator.random);
    let plan = Plan {
        paging: generator.surroundings.paging(),
        modes: generator.surroundings.modes(&mut generator.random),
        restart: u64::from(chunks[0].start),
        timer_period: generator.surroundings.timer_period,
    };
    let random = &mut generator.random;
    let integers = std::array::from_fn(|_| value::integer(random));
    let floats = std::array::from_fn(|_| value::float(random));
    let mut memory = value::data(random);
    memory.extend(generator.surroundings.tables());
    Program {
        seed,
        slots: slots(&chunks),
        integers,
        floats,
        control: generator.surroundings.control(&plan, random),
        plan,
        memory,
        steps: steps(instructions, random),
    }
}

fn slots(chunks: &[Chunk]) -> Vec<Slot> {
    let mut slots = Vec::new();
    for chunk in chunks {
        let mut at = chunk.start;
        for &bits in chunk.units.iter().flat_map(|unit| &unit.bits) {
            let slot = Slot { at, bits };
            at += slot.len();
            slots.push(slot);
        }
    }
    slots.sort_by_key(|slot| slot.at);
    slots
}

/// Random steps that make up `instructions`.
fn steps(instructions: u64, random: &mut Random) -> Vec<u64> {
    let mut steps = Vec::new();
    let mut left = instructions;
    while left > 0 {
        let longest = random.pick(&[16, 256, LONGEST_STEP, LONGEST_STEP, LONGEST_STEP]);
        let step = u64::from(1 + random.below(longest)).min(left);
        steps.push(step);
        left -= step;
    }
    steps
}

/// `mnemonic` with operands.
fn op(mnemonic: &str, fields: Fields) -> u32 {
    encode(row(mnemonic), fields)
}

impl Generator<'_> {
    fn chunks(&mut self) -> Vec<Chunk> {
        let mut chunks = Vec::new();
        for n in 0..self.main_chunks {
            let mut units = if n == 0 { self.prologue() } else { Vec::new() };
            let count = 20 + self.random.below(60);
            self.snippets(&mut units, count, 0);
            let next = Target::Chunk((n + 1) % self.main_chunks);
            units.push(self.far_jump(0, next));
            chunks.push(Chunk { units, start: 0 });
        }
        for n in 0..self.functions {
            self.part = if n > 0 && n + 1 == self.functions { Part::Leaf } else { Part::Function };
            let mut units = Vec::new();
            let count = 3 + self.random.below(15);
            self.snippets(&mut units, count, 1);
            units.push(self.give_back());
            chunks.push(Chunk { units, start: 0 });
        }
        if self.recursion.is_some() {
            self.part = Part::Recursion;
            chunks.push(Chunk { units: self.recursive_function(), start: 0 });
        }
        chunks
    }

    /// Places the chunks in sequence with random gaps, as far as they fit.
    fn place(&mut self, chunks: &mut [Chunk]) {
        let total: u32 = chunks.iter().map(Chunk::len).sum();
        let mut room = CODE_BYTES as u32 - total;
        let mut at = 0;
        for chunk in chunks {
            let gap = self.random.below(room.min(3000)) & !1;
            room -= gap;
            at += gap;
            chunk.start = at;
            at += chunk.len();
        }
    }

    /// Sets the pointers to the data window and loads fresh operands.
    fn prologue(&mut self) -> Vec<Unit> {
        let mut units = Vec::new();
        for pointer in self.registers.pointers {
            let inside = 2048 + self.random.below(DATA_BYTES as u32 - 4096);
            let aligned = if self.random.chance(80) { inside & !7 } else { inside };
            let superpage = if self.random.chance(15) { SUPERPAGE } else { 0 };
            units.push(self.point(pointer, Target::Ram(DATA + u64::from(aligned) + superpage)));
        }
        if self.recursion.is_some() {
            units.push(self.point(self.registers.stack, Target::Ram(RETURN_ADDRESSES)));
        }
        units.push(self.fresh_operands());
        units
    }

    /// Sets `register` to an address.
    fn point(&mut self, register: u32, target: Target) -> Unit {
        let bits = vec![
            op("auipc", Fields { rd: register, ..Fields::default() }),
            op("addi", Fields { rd: register, rs1: register, ..Fields::default() }),
        ];
        Unit { bits, open: vec![(0, Reach::Pair, target)], ..Unit::default() }
    }

    /// Loads registers from the operand table, from another place in each iteration.
    fn fresh_operands(&mut self) -> Unit {
        let (address, count) = (self.registers.address, self.registers.counters[0]);
        let fields = |rd, rs1, imm| Fields { rd, rs1, imm, ..Fields::default() };
        let mut bits = vec![
            op("auipc", fields(address, 0, 0)),
            op("addi", fields(address, address, 0)),
            op("ld", fields(count, address, 0)),
            op("addi", fields(count, count, 56)),
            op("sd", Fields { rs1: address, rs2: count, ..Fields::default() }),
            op("andi", fields(count, count, 0x7f8)),
            op("add", Fields { rd: address, rs1: address, rs2: count, ..Fields::default() }),
        ];
        for _ in 0..4 + self.random.below(6) {
            let imm = 8 + 8 * self.random.between(0, 254);
            bits.push(op("ld", fields(self.registers.target(&mut self.random), address, imm)));
        }
        let floats = if self.profile.kinds.iter().any(|(_, kind)| *kind == Kind::Float) { 10 } else { 1 };
        for _ in 0..floats {
            let imm = 8 + 8 * self.random.between(0, 254);
            bits.push(op("fld", fields(self.random.below(32), address, imm)));
        }
        bits.extend([op("addi", fields(address, 0, 0)), op("addi", fields(count, 0, 0))]);
        Unit { bits, open: vec![(0, Reach::Pair, Target::Ram(OPERANDS))], ..Unit::default() }
    }

    /// Appends `count` random snippets; loops nest from `depth` on.
    fn snippets(&mut self, units: &mut Vec<Unit>, count: u32, depth: usize) {
        for _ in 0..count {
            match self.random.weighted(self.profile.kinds) {
                Kind::Loop if depth < self.registers.counters.len() => self.counted_loop(units, depth),
                kind => {
                    let unit = self.snippet(kind);
                    units.push(unit);
                }
            }
        }
    }

    fn snippet(&mut self, kind: Kind) -> Unit {
        match kind {
            Kind::Integer | Kind::Loop => self.integer(),
            Kind::Compressed => self.compressed(),
            Kind::Float => self.float(),
            Kind::Load => self.load(),
            Kind::Store => self.store(),
            Kind::Atomic => self.atomic(),
            Kind::Reserved => self.reserved(),
            Kind::CacheBlock => self.cache_block(),
            Kind::FloatMemory => self.float_memory(),
            Kind::Device => self.device(),
            Kind::Unmapped => self.unmapped(),
            Kind::Stray => self.stray(),
            Kind::Branch => self.branch(),
            Kind::Jump => self.jump(),
            Kind::Call => self.call(),
            Kind::Recursion => self.recursion(),
            Kind::Return => self.early_return(),
            Kind::ComputedJump => self.computed_jump(),
            Kind::FloatControl => self.float_control(),
            Kind::ControlRead => self.control_read(),
            Kind::ControlWrite => self.control_write(),
            Kind::StatusBit => self.status_bit(),
            Kind::System => self.system(),
            Kind::Fence => self.fence(),
            Kind::Invalid => self.invalid(),
            Kind::Patch => self.patch(),
            Kind::Remap => self.remap(),
            Kind::SwitchSpace => self.switch_space(),
        }
    }
}
