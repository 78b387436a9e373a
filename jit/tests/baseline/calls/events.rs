//! What happens at depth: traps, accesses of devices, interrupts, faults, and code of the
//! optimising tier.

use riscope_core::event::Tier;
use riscope_core::hart::PrivilegeMode;
use riscope_jit::Tiers;

use super::{DEPTH, RA, ROUNDS, SCRATCH, SP, STACK, recursion};
use crate::bench::{BELL, DATA, DEVICE, PAGE, Pair, at, csr};
use crate::common::assembler::Assembler;
use crate::system::{FUNCTION, HANDLER, MAIN, machines, run_in_pieces, set_vector, work, work_on_all};

const MACHINE: PrivilegeMode = PrivilegeMode::Machine;

/// A page that nothing may access, outside of what is compared.
const FORBIDDEN: u64 = 0x3_8000;
/// A physical address where nothing is.
const NOWHERE: u64 = 0x5000_0000;

/// The address of an access at depth, and its operand.
const ADDRESS: u32 = 28;
const VALUE: u32 = 29;

/// Something at depth: its name, what it does, and two addresses for it. Most rounds use the
/// first.
type Event = (&'static str, fn(&mut Assembler), [u64; 2]);

fn events() -> Vec<Event> {
    let data = at(DATA + 8);
    vec![
        ("a call of the environment", |asm| asm.imm("ecall", 0, 0, 0), [data, data]),
        ("a breakpoint", |asm| asm.imm("ebreak", 0, 0, 0), [data, data]),
        ("an illegal instruction", |asm| asm.raw(0xffff_ffff), [data, data]),
        ("a read of a register", |asm| asm.csr("csrrs", VALUE, csr("minstret"), 0), [data, data]),
        ("a load", |asm| asm.imm("ld", VALUE, ADDRESS, 0), [data, DEVICE]),
        ("a store", |asm| asm.store("sd", VALUE, ADDRESS, 0), [data, DEVICE + 16]),
        ("a forbidden load", |asm| asm.imm("lw", VALUE, ADDRESS, 0), [data, at(FORBIDDEN)]),
        ("a forbidden store", |asm| asm.store("sw", VALUE, ADDRESS, 0), [data, at(FORBIDDEN)]),
        ("a load across a page", |asm| asm.imm("ld", VALUE, ADDRESS, 0), [at(DATA + PAGE) - 3, at(FORBIDDEN) - 3]),
        ("a store across a page", |asm| asm.store("sd", VALUE, ADDRESS, 0), [at(DATA + PAGE) - 3, at(FORBIDDEN) - 3]),
        ("a load from nowhere", |asm| asm.imm("lbu", VALUE, ADDRESS, 0), [data, NOWHERE]),
        ("an atomic", |asm| asm.reg("amoadd.d", VALUE, ADDRESS, ROUNDS), [data, at(FORBIDDEN)]),
        ("a reservation", |asm| asm.reg("lr.d", VALUE, ADDRESS, 0), [data, DEVICE]),
    ]
}

/// Recursion with something in the last call, to depths of 0 to 31.
fn program(set_up: impl FnOnce(&mut Assembler)) -> Assembler {
    let mut asm = Assembler::default();
    set_vector(&mut asm, "mtvec");
    set_up(&mut asm);
    asm.constant(SP, STACK);
    asm.constant(24, at(FUNCTION));
    let (again, usual) = (asm.here(), asm.label());
    asm.imm("addi", ROUNDS, ROUNDS, 1);
    asm.imm("andi", DEPTH, ROUNDS, 31);
    asm.imm("andi", SCRATCH, ROUNDS, 5);
    asm.imm("addi", ADDRESS, 26, 0);
    asm.branch("bne", SCRATCH, 0, usual);
    asm.imm("addi", ADDRESS, 27, 0);
    asm.bind(usual);
    asm.imm("jalr", RA, 24, 0);
    work_on_all(&mut asm);
    asm.jump(0, again);
    asm
}

#[test]
fn traps_and_devices_and_faults_at_depth_find_registers_and_return() {
    for (what, event, addresses) in events() {
        let asm = program(|asm| {
            // A naturally aligned page, locked, no permission.
            asm.constant(5, at(FORBIDDEN) >> 2 | (PAGE / 8 - 1));
            asm.csr("csrrw", 0, csr("pmpaddr0"), 5);
            asm.constant(5, 0b1001_1000);
            asm.csr("csrrw", 0, csr("pmpcfg0"), 5);
            asm.constant(26, addresses[0]);
            asm.constant(27, addresses[1]);
        });
        // Goes on behind the instruction, and shows what registers were worth.
        let mut handler = Assembler::default();
        handler.imm("addi", 30, 30, 1);
        work(&mut handler, &[2, 5, 8, 11]);
        handler.csr("csrrs", 31, csr("mepc"), 0);
        handler.imm("addi", 31, 31, 4);
        handler.csr("csrrw", 0, csr("mepc"), 31);
        handler.imm("mret", 0, 0, 0);
        let mut pair = machines(MACHINE, asm, handler);
        let function = recursion(|asm| {
            work(asm, &[0, 1, 2, 3, 12]);
            event(asm);
            work(asm, &[4, 5, 6]);
        });
        pair.write(FUNCTION, &function.finish());
        run_in_pieces(&mut pair, 0, what);
        assert!(pair.translated.hart().x(ROUNDS as usize) > 100, "{what}: rounds were made");
        pair.control_registers(&|| what.into());
    }
}

#[test]
fn interrupts_at_depth_return_into_the_callee() {
    let asm = program(|asm| {
        asm.constant(6, 1 << 11);
        asm.csr("csrrs", 0, csr("mie"), 6);
        asm.csr("csrrsi", 0, csr("mstatus"), 8);
        asm.constant(26, at(DATA));
        asm.constant(27, BELL);
    });
    let mut handler = Assembler::default();
    handler.store("sd", 0, 27, 0);
    handler.imm("addi", 30, 30, 1);
    work_on_all(&mut handler);
    handler.imm("mret", 0, 0, 0);
    let mut pair = machines(MACHINE, asm, handler);
    let function = recursion(|asm| {
        work(asm, &[0, 1, 2, 3, 12]);
        asm.imm("ld", VALUE, ADDRESS, 0);
        work(asm, &[4, 5, 6]);
    });
    pair.write(FUNCTION, &function.finish());
    run_in_pieces(&mut pair, 0, "interrupts");
    assert!(pair.translated.hart().x(30) > 30, "interrupts were taken");
}

#[test]
fn code_of_both_tiers_calls_and_returns_into_the_other() {
    // Floating point, which is promoted, in the caller, in the callee, or in both.
    for (caller, callee) in [(true, false), (false, true), (true, true)] {
        let what = format!("floating point in the caller: {caller}, in the callee: {callee}");
        let mut pair = Pair::with_tiers(Tiers::All, MACHINE);
        let asm = program(|asm| {
            asm.constant(6, 1 << 13);
            asm.csr("csrrs", 0, csr("mstatus"), 6);
            asm.constant(26, at(DATA));
            asm.constant(27, at(DATA + 8));
        });
        pair.write(MAIN, &asm.finish());
        // Around calls of a function on yet another page.
        let mut function = Assembler::default();
        let (start, deeper) = (function.here(), function.label());
        function.branch("bne", DEPTH, 0, deeper);
        function.imm("ld", VALUE, ADDRESS, 0);
        function.imm("jalr", 0, RA, 0);
        function.bind(deeper);
        super::push(&mut function);
        function.imm("addi", DEPTH, DEPTH, -1);
        for (n, float) in [caller, callee, caller].into_iter().enumerate() {
            work(&mut function, &[n, n + 6]);
            if float {
                arithmetic(&mut function);
            }
            if n == 1 {
                function.jump(RA, start);
            } else {
                function.constant(31, at(HANDLER) + 0x100);
                function.imm("jalr", RA, 31, 0);
            }
        }
        super::pop_and_return(&mut function);
        pair.write(FUNCTION, &function.finish());
        let mut leaf = Assembler::default();
        work(&mut leaf, &[3, 4, 5]);
        if callee {
            arithmetic(&mut leaf);
        }
        leaf.imm("jalr", 0, RA, 0);
        pair.write(HANDLER + 0x100, &leaf.finish());
        for _ in 0..3 {
            run_in_pieces(&mut pair, 0, &what);
        }
        for tier in [Tier::Baseline, Tier::Optimised] {
            let instructions = pair.translated.instructions(0, tier);
            assert!(instructions > 10_000, "{instructions} by {tier:?}: {what}");
        }
    }
}

/// Adds the rounds to a sum and stores it.
fn arithmetic(asm: &mut Assembler) {
    asm.reg("fcvt.d.l", 2, ROUNDS, 0);
    asm.reg("fadd.d", 1, 1, 2);
    asm.reg("fmul.d", 3, 1, 2);
    asm.store("fsd", 3, 26, 16);
    asm.store("fsd", 1, 26, 24);
}
