//! Reduction of a program that shows a difference.

use riscope_core::engine::EngineFactory;

use super::campaign::compare;
use super::program::Program;

/// Returns the smallest program found, with its difference.
pub(crate) fn shrink(program: Program, difference: String, suspect: &dyn EngineFactory) -> (Program, String) {
    let mut search = Search { program, difference, suspect };
    search.shorten();
    while search.remove_instructions() {
        search.shorten();
    }
    search.simplify_state();
    (search.program, search.difference)
}

struct Search<'a> {
    /// The smallest so far.
    program: Program,
    difference: String,
    suspect: &'a dyn EngineFactory,
}

impl Search<'_> {
    /// Takes `candidate` if it still shows a difference.
    fn accept(&mut self, candidate: Program) -> bool {
        let Some(difference) = compare(&candidate, self.suspect, None) else { return false };
        self.program = candidate;
        self.difference = difference;
        true
    }

    /// Runs fewer instructions, and in fewer steps.
    fn shorten(&mut self) {
        let mut last = self.program.steps.len() / 2;
        while last > 0 {
            let mut candidate = self.program.clone();
            if candidate.steps.len() > last {
                candidate.steps.truncate(candidate.steps.len() - last);
                if self.accept(candidate) {
                    continue;
                }
            }
            last /= 2;
        }
        let mut less = self.program.steps.last().copied().unwrap_or(0) / 2;
        while less > 0 {
            let mut candidate = self.program.clone();
            if let Some(step) = candidate.steps.last_mut().filter(|step| **step > less) {
                *step -= less;
                if self.accept(candidate) {
                    continue;
                }
            }
            less /= 2;
        }
    }

    /// Removes sequences of instructions, long ones first. Returns whether any was removed.
    fn remove_instructions(&mut self) -> bool {
        let before = self.program.live();
        let mut run = before.div_ceil(2);
        while run > 0 {
            let mut first = 0;
            loop {
                let live: Vec<usize> =
                    (0..self.program.slots.len()).filter(|&n| !self.program.slots[n].is_nop()).collect();
                let Some(dropped) = live.get(first..live.len().min(first + run)).filter(|run| !run.is_empty()) else {
                    break;
                };
                let mut candidate = self.program.clone();
                for &n in dropped {
                    candidate.slots[n] = candidate.slots[n].emptied();
                }
                if !self.accept(candidate) {
                    first += run;
                }
            }
            run /= 2;
        }
        self.program.live() < before
    }

    /// Clears registers and removes parts of the environment where possible.
    fn simplify_state(&mut self) {
        for n in 0..self.program.integers.len() {
            let mut candidate = self.program.clone();
            candidate.integers[n] = 0;
            self.accept(candidate);
        }
        for n in 0..self.program.floats.len() {
            let mut candidate = self.program.clone();
            candidate.floats[n] = 0;
            self.accept(candidate);
        }
        for n in (0..self.program.control.len()).rev() {
            let mut candidate = self.program.clone();
            candidate.control.remove(n);
            self.accept(candidate);
        }
    }
}
