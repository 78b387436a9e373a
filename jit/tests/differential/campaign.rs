//! Comparison of programs on two engines.

use std::fmt;

use riscope_core::engine::EngineFactory;
use riscope_core::event::Tier;
use riscope_core::hart::ExceptionCause;
use riscope_core::interp::InterpreterFactory;
use riscope_jit::{JitConfig, JitFactory, Tiers};

use super::generate;
use super::generate::profile::Profile;
use super::layout::{OPERANDS, RAM};
use super::machine::Machine;
use super::program::Program;
use super::shrink::shrink;

/// Instructions per program; most repeat their main line more than a hundred times.
const INSTRUCTIONS: u64 = 60_000;

/// The engine with these tiers such that nearly everything is translated, and at the same
/// moment in every run.
pub(crate) fn translator(tiers: Tiers) -> JitFactory {
    JitFactory::new(JitConfig { tiers, hot_threshold: 2, code_cache_bytes: 1 << 20, synchronous: true })
}

/// The same with so small a code cache that code is evicted all the time.
pub(crate) fn crowded_translator(tiers: Tiers) -> JitFactory {
    JitFactory::new(JitConfig { tiers, hot_threshold: 2, code_cache_bytes: 32 << 10, synchronous: true })
}

/// Statistics of programs on the engine under test.
#[derive(Clone, Debug, Default)]
pub(crate) struct Statistics {
    pub(crate) programs: u64,
    /// Instructions retired.
    pub(crate) instructions: u64,
    /// Of these, in generated code.
    pub(crate) translated: u64,
    /// Translations that exist at the end.
    pub(crate) blocks: u64,
    /// Translations that were evicted.
    pub(crate) evicted: u64,
    /// Exceptions and interrupts.
    pub(crate) exceptions: [u64; ExceptionCause::ALL.len()],
    pub(crate) interrupts: u64,
    /// Rounds through the main line, by program.
    pub(crate) iterations: Vec<u64>,
}

impl Statistics {
    fn add(&mut self, machine: &Machine) {
        let by_tier = machine.counters.instructions();
        self.programs += 1;
        self.instructions += by_tier.iter().sum::<u64>();
        self.translated += by_tier[Tier::Baseline.index()..].iter().sum::<u64>();
        let resident = machine.engine_counters.resident_blocks.iter();
        self.blocks += resident.map(|blocks| blocks.load(std::sync::atomic::Ordering::Relaxed)).sum::<u64>();
        self.evicted += machine.evicted();
        for (sum, count) in self.exceptions.iter_mut().zip(machine.counters.exceptions()) {
            *sum += count;
        }
        self.interrupts += machine.counters.interrupts().iter().sum::<u64>();
        self.iterations.push(machine.word(RAM + OPERANDS) / 56);
    }

    /// Percentage of the instructions that ran in generated code.
    pub(crate) fn translated_percent(&self) -> u64 {
        self.translated * 100 / self.instructions.max(1)
    }

    /// Rounds through the main line that half of the programs reach.
    pub(crate) fn median_iterations(&self) -> u64 {
        let mut sorted = self.iterations.clone();
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).copied().unwrap_or(0)
    }
}

/// A program on which two engines differ.
#[derive(Debug)]
pub(crate) struct Finding {
    /// The reduced program.
    pub(crate) program: Program,
    /// What differs.
    difference: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\nexpected and found:\n{}", self.program, self.difference)
    }
}

/// Runs `program` on the interpreter and on `suspect`; describes the difference, if any.
pub(crate) fn compare(
    program: &Program,
    suspect: &dyn EngineFactory,
    statistics: Option<&mut Statistics>,
) -> Option<String> {
    differ(program, &InterpreterFactory, suspect, statistics)
}

/// Runs `program` on two engines; describes the difference in registers, CSRs or memory, if
/// any.
pub(crate) fn differ(
    program: &Program,
    reference: &dyn EngineFactory,
    suspect: &dyn EngineFactory,
    statistics: Option<&mut Statistics>,
) -> Option<String> {
    let mut expected = Machine::new(program, reference);
    let mut found = Machine::new(program, suspect);
    let mut done = 0;
    for step in &program.steps {
        let (exits, other_exits) = (expected.run(*step), found.run(*step));
        let (state, other_state) = (expected.state(), found.state());
        if exits != other_exits || state != other_state {
            let place = format!("between instructions {done} and {}", done + step);
            let exits =
                if exits == other_exits { String::new() } else { format!("  {exits:?}, but {other_exits:?}\n") };
            let registers = state.difference(&other_state);
            let memory = expected.memory_differences(&found);
            let shown: Vec<_> =
                memory.iter().take(8).map(|(at, a, b)| format!("  RAM+{at:#x}: {a:#x}, but {b:#x}\n")).collect();
            return Some(format!("{place}\n{exits}{registers}{}", shown.concat()));
        }
        done += step;
    }
    if let Some(statistics) = statistics {
        statistics.add(&found);
    }
    let (registers, others) = (expected.control_registers(), found.control_registers());
    let differing = registers.iter().zip(&others).filter(|(a, b)| a != b);
    let lines: Vec<_> =
        differing.map(|((number, a), (_, b))| format!("  csr {number:#x}: {a:#x}, but {b:#x}\n")).collect();
    if lines.is_empty() { None } else { Some(format!("after {done} instructions\n{}", lines.concat())) }
}

/// Runs programs of `profile` until `instructions` have been executed.
///
/// # Errors
/// The first program on which `suspect` differs from the interpreter.
pub(crate) fn run(
    profile: &Profile,
    seed: u64,
    instructions: u64,
    suspect: &dyn EngineFactory,
) -> Result<Statistics, Box<Finding>> {
    let mut statistics = Statistics::default();
    let mut executed = 0;
    for n in 0.. {
        if executed >= instructions {
            break;
        }
        let program = generate::program(profile, seed.wrapping_add(n), INSTRUCTIONS);
        if let Some(difference) = compare(&program, suspect, Some(&mut statistics)) {
            let (program, difference) = shrink(program, difference, suspect);
            return Err(Box::new(Finding { program, difference }));
        }
        executed += program.total();
    }
    Ok(statistics)
}
