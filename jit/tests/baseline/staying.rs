//! What does not leave generated code: the end of a quantum, and code that is not translated.

use std::panic::{AssertUnwindSafe, catch_unwind};

use riscope_core::counters::CodeExit;
use riscope_core::engine::Exit;
use riscope_core::event::Tier;
use riscope_core::hart::PrivilegeMode;
use riscope_jit::{JitConfig, JitFactory, Tiers};

use crate::bench::{BROKEN, Machine, at, csr};
use crate::common::assembler::Assembler;
use crate::system::{FUNCTION, HANDLER, MAIN, set_vector};

/// Counts rounds.
const ROUNDS: u32 = 8;
/// Counts what rarely happens.
const RARE: u32 = 9;

/// Instructions of a quantum, roughly.
const QUANTUM: u64 = 16_384;

/// A machine that runs `main` with templates and the usual threshold.
fn machine(main: Assembler) -> Machine {
    let config = JitConfig { tiers: Tiers::Baseline, ..JitConfig::default() };
    let machine = Machine::new(&JitFactory::new(config), PrivilegeMode::Machine, 1);
    machine.write(MAIN, &main.finish());
    machine
}

/// Executes exactly `limit` instructions.
#[track_caller]
fn run(machine: &mut Machine, limit: u64) {
    run_with_traps(machine, limit, 0);
}

/// Executes `instructions`, and takes as many traps.
#[track_caller]
fn run_with_traps(machine: &mut Machine, instructions: u64, traps: u64) {
    let (hart, engine) = machine.parts().next().expect("a hart");
    let before = hart.instructions_retired();
    assert_eq!(engine.run(hart, instructions + traps), Exit::LimitReached);
    assert_eq!(hart.instructions_retired() - before, instructions);
}

/// Counts rounds of two instructions for ever.
fn count(asm: &mut Assembler) {
    let again = asm.here();
    asm.imm("addi", ROUNDS, ROUNDS, 1);
    asm.jump(0, again);
}

#[test]
fn a_quantum_ends_within_generated_code_and_a_limit_to_the_instruction() {
    let mut asm = Assembler::default();
    count(&mut asm);
    let mut machine = machine(asm);
    for limit in [64 * QUANTUM + 1, 3 * QUANTUM, QUANTUM - 1, 1] {
        run(&mut machine, limit);
    }
    assert_eq!(machine.hart().x(ROUNDS as usize), (68 * QUANTUM + 1).div_ceil(2));
    let ends = machine.exits(CodeExit::Quantum);
    assert!((1..12).contains(&ends), "{ends} of 68");
    assert!(machine.instructions(0, Tier::Baseline) > 67 * QUANTUM, "what ran there is counted");
}

#[test]
fn a_timer_interrupts_generated_code_within_a_quantum() {
    /// When it is due, in ticks of a hundred instructions.
    const DUE: u64 = 2_000;
    let mut asm = Assembler::default();
    set_vector(&mut asm, "mtvec");
    asm.constant(5, 1 << 7);
    asm.csr("csrrw", 0, csr("mie"), 5);
    asm.csr("csrrsi", 0, csr("mstatus"), 8);
    count(&mut asm);
    let mut machine = machine(asm);
    let mut handler = Assembler::default();
    handler.imm("addi", RARE, ROUNDS, 0);
    handler.csr("csrrw", 0, csr("mie"), 0);
    handler.raw(0x3020_0073); // mret
    machine.write(HANDLER, &handler.finish());
    machine.hart().control().set_mtimecmp(DUE);
    run(&mut machine, 40 * QUANTUM);
    let after = 2 * machine.hart().x(RARE as usize);
    assert!((100 * DUE - 100..100 * DUE + QUANTUM).contains(&after), "after {after} instructions");
}

/// A loop with a call in each 512th round: of a function that makes a call too, and returns to
/// where the loop goes on, or one instruction further.
fn rare_calls(callee: impl FnOnce(&mut Assembler)) -> (Assembler, Assembler) {
    let mut asm = Assembler::default();
    set_vector(&mut asm, "mtvec");
    asm.constant(24, at(FUNCTION));
    let (again, often) = (asm.here(), asm.label());
    asm.imm("addi", ROUNDS, ROUNDS, 1);
    asm.imm("andi", 20, ROUNDS, 511);
    asm.branch("bne", 20, 0, often);
    asm.imm("jalr", 1, 24, 0);
    asm.imm("addi", RARE, RARE, 1);
    asm.imm("addi", RARE, RARE, 1);
    asm.bind(often);
    asm.jump(0, again);
    let mut function = Assembler::default();
    let inner = function.label();
    function.imm("addi", 21, 1, 0);
    function.jump(1, inner);
    function.imm("addi", 1, 21, 0);
    callee(&mut function);
    function.imm("jalr", 0, 1, 0);
    function.bind(inner);
    function.imm("addi", 10, 10, 1);
    function.imm("jalr", 0, 1, 0);
    (asm, function)
}

#[test]
fn what_is_rarely_reached_is_interpreted_without_leaving() {
    for (further, each) in [(0, 2), (4, 1)] {
        let (main, function) = rare_calls(|asm| asm.imm("addi", 1, 1, further));
        let mut machine = machine(main);
        machine.write(FUNCTION, &function.finish());
        // Eight calls.
        run(&mut machine, 4 * (8 * 512 + 256));
        let hart = machine.hart();
        let found = [RARE, 10].map(|register| hart.x(register as usize));
        assert_eq!(found, [8 * each, 8], "a return {further} bytes behind the usual point");
        assert_eq!(machine.exits(CodeExit::Lookup), 0);
        let interpreted = machine.instructions(0, Tier::Interpreter);
        assert!((8 * 8..1000).contains(&interpreted), "{interpreted}");
    }
}

#[test]
fn a_trap_in_what_is_interpreted_on_the_way_is_taken() {
    let (main, function) = rare_calls(|asm| asm.raw(0x0000_0073)); // ecall
    let mut machine = machine(main);
    machine.write(FUNCTION, &function.finish());
    let mut handler = Assembler::default();
    handler.imm("addi", 11, 11, 1);
    handler.csr("csrrs", 6, csr("mepc"), 0);
    handler.imm("addi", 6, 6, 4);
    handler.csr("csrrw", 0, csr("mepc"), 6);
    handler.raw(0x3020_0073); // mret
    machine.write(HANDLER, &handler.finish());
    run_with_traps(&mut machine, 4 * (8 * 512 + 256), 8);
    let hart = machine.hart();
    assert_eq!([RARE, 10, 11].map(|register| hart.x(register as usize)), [16, 8, 8]);
    assert_eq!(machine.exits(CodeExit::Lookup), 0);
}

#[test]
fn a_panic_of_what_generated_code_calls_goes_on_behind_it() {
    let mut asm = Assembler::default();
    asm.constant(24, BROKEN);
    let (again, often) = (asm.here(), asm.label());
    asm.imm("addi", ROUNDS, ROUNDS, 1);
    asm.imm("andi", 20, ROUNDS, 511);
    asm.branch("bne", 20, 0, often);
    asm.store("sd", ROUNDS, 24, 0);
    asm.bind(often);
    asm.jump(0, again);
    let mut machine = machine(asm);
    let (hart, engine) = machine.parts().next().expect("a hart");
    let panic = catch_unwind(AssertUnwindSafe(|| engine.run(hart, 10_000))).expect_err("the device panics");
    let text = panic.downcast_ref::<String>().expect("a formatted message");
    assert!(text.contains("as the test wants it"), "{text}");
    assert_eq!(hart.x(ROUNDS as usize), 512);
}
