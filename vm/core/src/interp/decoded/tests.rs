//! Tests of what is kept and what is evicted of decoded code.

use std::sync::Arc;

use vm_memory::{Bytes, GuestAddress};

use super::*;
use crate::addr::{GuestAddr, PAGE_SIZE, PageOffset};
use crate::arch::PrivilegeMode;
use crate::clock::Clock;
use crate::engine::{Engine, Exit};
use crate::hart::HartConfig;
use crate::interp::{BlockEnd, Interpreter};
use crate::mem::GuestRam;

const RAM: u64 = 0x8000_0000;
/// More than an interpreter keeps.
const PAGES: u64 = MAX_PAGES as u64 + 1000;
/// `addi a0, a0, 1`
const ADD_ONE: u32 = 0x0015_0513;
/// `addi a0, a0, 2`
const ADD_TWO: u32 = 0x0025_0513;
/// `j .`
const SPIN: u32 = 0x0000_006f;
const FENCE_I: u32 = 0x0000_100f;

/// `jal x0` by `distance` bytes.
fn jump(distance: u64) -> u32 {
    let bit = |at: u64, to: u64| (distance >> at & 1) << to;
    ((distance >> 1 & 0x3ff) << 21 | bit(11, 20) | (distance >> 12 & 0xff) << 12 | bit(20, 31) | 0x6f) as u32
}

/// A hart in M-mode at the start of memory, with an interpreter.
struct Machine {
    hart: Hart,
    interpreter: Interpreter,
}

impl Machine {
    fn new() -> Self {
        let ram = Arc::new(GuestRam::new(GuestPhys(RAM), PAGES * PAGE_SIZE).expect("memory"));
        let mut hart = Hart::new(HartConfig::alone(ram, Clock::manual()));
        hart.reset(GuestAddr(RAM), PrivilegeMode::Machine, 0, 0);
        Self { hart, interpreter: Interpreter::default() }
    }

    fn write(&self, at: u64, words: &[u32]) {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        self.hart.ram().memory().write_slice(&bytes, GuestAddress(at)).expect("memory");
    }

    /// Executes `count` instructions from `pc`.
    fn run(&mut self, pc: u64, count: u64) {
        self.hart.set_pc(GuestAddr(pc));
        assert_eq!(self.interpreter.run(&mut self.hart, count), Exit::LimitReached);
    }

    /// Writes two instructions to each of these lines, from `RAM` on, and executes them.
    fn execute_lines(&mut self, lines: u64, apart: u64) {
        for line in 0..lines {
            self.write(RAM + line * apart, &[ADD_ONE, jump(apart - 4)]);
        }
        let before = self.hart.x(10);
        self.run(RAM, 2 * lines);
        assert_eq!(self.hart.x(10), before + lines, "each is executed once");
    }

    /// Arrives at the block at `pc`; whether it is hot after so many arrivals.
    fn arrive(&mut self, pc: u64, hot: u16) -> bool {
        self.hart.set_pc(GuestAddr(pc));
        self.hart.start_quantum(100, 100);
        matches!(self.interpreter.run_block(&mut self.hart, Some(hot)), BlockEnd::Hot { .. })
    }

    fn lines(&self) -> usize {
        self.interpreter.decoded.tables.lines.len()
    }
}

/// Address of a block that `execute_lines` does not touch.
const BLOCK: u64 = RAM + 2048;

/// Executes so many lines that all are evicted that were decoded before.
fn evict_all(machine: &mut Machine) {
    let first = RAM + PAGE_SIZE;
    for line in 0..(MAX_LINES + EVICTED_LINES) as u64 {
        machine.write(first + line * 64, &[ADD_ONE, jump(60)]);
    }
    machine.run(first, 2 * (MAX_LINES + EVICTED_LINES) as u64);
}

#[test]
fn lines_are_evicted_in_the_middle_of_a_run_and_decoded_again() {
    let mut machine = Machine::new();
    let lines = 3 * MAX_LINES as u64;
    machine.execute_lines(lines, 64);
    assert!(machine.lines() <= MAX_LINES + 64, "{} lines", machine.lines());
    machine.execute_lines(lines, 64);
    assert!(machine.lines() <= MAX_LINES + 64, "{} lines", machine.lines());
}

#[test]
fn pages_are_evicted_and_those_in_use_stay() {
    let mut machine = Machine::new();
    machine.write(RAM, &[ADD_ONE]);
    for page in 1..PAGES {
        machine.write(RAM + page * PAGE_SIZE, &[ADD_ONE, SPIN]);
        machine.run(RAM + page * PAGE_SIZE, 2);
        machine.run(RAM, 1);
    }
    let decoded = &machine.interpreter.decoded;
    assert!(decoded.pages.len() <= MAX_PAGES);
    assert!(machine.lines() <= MAX_LINES + 64);
    let is_known = |page: u64| decoded.page(GuestPhys(RAM + page * PAGE_SIZE)).is_some();
    assert!(is_known(0), "it is in use");
    assert!(!is_known(1));
    assert!(is_known(PAGES - 1));
    for (index, page) in decoded.pages.iter().enumerate() {
        assert_eq!(usize::from(page.index), index);
        assert_eq!(decoded.by_number[&page.number()], index);
    }
    assert_eq!(machine.hart.x(10), 2 * (PAGES - 1));
}

#[test]
fn a_block_of_an_evicted_page_is_executed_before_it_is_hot_again() {
    let mut machine = Machine::new();
    machine.write(BLOCK, &[ADD_ONE, SPIN]);
    for _ in 0..11 {
        assert!(!machine.arrive(BLOCK, 12));
    }
    for page in 1..PAGES {
        machine.write(RAM + page * PAGE_SIZE, &[SPIN]);
        machine.run(RAM + page * PAGE_SIZE, 1);
    }
    assert!(machine.interpreter.decoded.page(GuestPhys(BLOCK)).is_none());
    assert!(!machine.arrive(BLOCK, 12));
    assert!(machine.interpreter.executed(GuestPhys(BLOCK)).contains(PageOffset::of(BLOCK)));
    assert!(machine.arrive(BLOCK, 12));
}

#[test]
fn heat_and_what_was_executed_survive_the_eviction_of_lines() {
    let mut machine = Machine::new();
    machine.write(BLOCK, &[ADD_ONE, SPIN]);
    for _ in 0..10 {
        assert!(!machine.arrive(BLOCK, 12));
    }
    evict_all(&mut machine);
    assert!(machine.interpreter.executed(GuestPhys(BLOCK)).contains(PageOffset::of(BLOCK + 4)));
    assert!(!machine.arrive(BLOCK, 12));
    assert!(machine.arrive(BLOCK, 12));
    assert!(machine.interpreter.executed(GuestPhys(BLOCK)).contains(PageOffset::of(BLOCK + 4)));
}

#[test]
fn new_code_starts_cold_whether_its_line_was_evicted_or_not() {
    for evicted in [false, true] {
        for fence in [false, true] {
            let mut machine = Machine::new();
            machine.write(BLOCK, &[ADD_ONE, SPIN]);
            for _ in 0..10 {
                assert!(!machine.arrive(BLOCK, 12));
            }
            if evicted {
                evict_all(&mut machine);
            }
            machine.write(BLOCK, &[ADD_TWO, SPIN]);
            if fence {
                machine.write(RAM, &[FENCE_I]);
                machine.run(RAM, 1);
            }
            if !evicted && !fence {
                continue;
            }
            machine.hart.set_x(10, 0);
            for _ in 0..11 {
                assert!(!machine.arrive(BLOCK, 12), "evicted: {evicted}, fence: {fence}");
            }
            assert_eq!(machine.hart.x(10), 22);
            assert!(machine.arrive(BLOCK, 12));
        }
    }
}

#[test]
fn a_block_that_is_never_hot_is_so_until_its_line_is_evicted() {
    let mut machine = Machine::new();
    machine.write(BLOCK, &[ADD_ONE, SPIN]);
    assert!(!machine.arrive(BLOCK, 1), "it has not been executed");
    assert!(machine.arrive(BLOCK, 1));
    machine.interpreter.never_hot(&mut machine.hart);
    assert!(!machine.arrive(BLOCK, 1));
    evict_all(&mut machine);
    assert!(machine.arrive(BLOCK, 1));
}
