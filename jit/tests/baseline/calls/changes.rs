//! What changes in a callee: the address space, page tables, the mode, or the caller's code.
//! A return then executes what is at the return address now.

use riscope_core::hart::PrivilegeMode;

use super::{DEPTH, RA, ROUNDS, SCRATCH, SP, STACK, copy, recursion, ret};
use crate::bench::{PAGE, Pair, at, csr};
use crate::common::assembler::Assembler;
use crate::system::{
    CALLED, FUNCTION, MAIN, MPP_SUPERVISOR, OTHER_FUNCTION, OTHER_TABLES, SPP, TABLES, allow_everything, machines, map,
    map_other_function, pad, run_in_pieces, set_vector, space, work, work_on_all,
};

const SUPERVISOR: PrivilegeMode = PrivilegeMode::Supervisor;

/// Where functions are that every space has: no code of theirs is in the slots of the jump
/// cache that [`caller`] has.
const COMMON: u64 = MAIN + 0x840;

/// The entry for the page of [`CALLED`].
const ENTRY: u64 = TABLES + 2 * PAGE + 8 * (CALLED / PAGE);

/// A loop that calls the function at the address in `x27` and counts in `counter`. All of
/// them have the same length.
fn caller(counter: u32) -> Vec<u8> {
    let mut asm = Assembler::default();
    let again = asm.here();
    asm.imm("addi", ROUNDS, ROUNDS, 1);
    asm.imm("andi", DEPTH, ROUNDS, 3);
    work(&mut asm, &[0, 1, 2, 3]);
    asm.imm("jalr", RA, 27, 0);
    asm.imm("addi", counter, counter, 1);
    work(&mut asm, &[4, 5, 12]);
    asm.jump(0, again);
    asm.finish()
}

/// Writes two such loops, and checks that both run in turn.
#[track_caller]
fn run(pair: &mut Pair, what: &str) {
    pair.write(FUNCTION, &caller(28));
    pair.write(OTHER_FUNCTION, &caller(29));
    run_in_pieces(pair, 0, what);
    both_ran(pair, what);
}

#[track_caller]
fn both_ran(pair: &mut Pair, what: &str) {
    let [one, other] = [28, 29].map(|n| pair.translated.hart().x(n));
    assert!(one > 100 && one.abs_diff(other) <= 2, "{what}: {one}, {other}");
}

/// Writes `satp` from `x24`, and exchanges that with `x25`.
fn switch(asm: &mut Assembler, fenced: bool) {
    asm.csr("csrrw", 0, csr("satp"), 24);
    if fenced {
        asm.imm("sfence.vma", 0, 0, 0);
    }
    copy(asm, SCRATCH, 24);
    copy(asm, 24, 25);
    copy(asm, 25, SCRATCH);
}

/// Numbers of the two spaces, and whether a fence follows each switch.
const SPACES: [([u64; 2], bool); 2] = [([1, 2], false), ([0, 0], true)];

#[test]
fn a_return_behind_a_switch_of_spaces_executes_the_new_spaces_code() {
    for (numbers, fenced) in SPACES {
        let mut asm = Assembler::default();
        asm.constant(SP, STACK);
        asm.constant(24, space(TABLES, numbers[0]));
        asm.constant(25, space(OTHER_TABLES, numbers[1]));
        asm.constant(26, CALLED);
        asm.constant(27, at(COMMON));
        switch(&mut asm, fenced);
        asm.imm("jalr", 0, 26, 0);
        let mut pair = machines(SUPERVISOR, asm, Assembler::default());
        map(&pair, TABLES, FUNCTION);
        map(&pair, OTHER_TABLES, OTHER_FUNCTION);
        pair.write(COMMON, &recursion(|asm| switch(asm, fenced)).finish());
        run(&mut pair, &format!("spaces, fenced: {fenced}"));
    }
}

#[test]
fn a_user_returns_in_the_space_that_the_supervisor_switched_to() {
    for (numbers, fenced) in SPACES {
        let mut asm = Assembler::default();
        set_vector(&mut asm, "stvec");
        asm.constant(SP, STACK);
        asm.constant(24, space(TABLES, numbers[0]));
        asm.constant(25, space(OTHER_TABLES, numbers[1]));
        asm.constant(26, CALLED);
        asm.constant(27, CALLED + 0x100);
        switch(&mut asm, fenced);
        asm.constant(SCRATCH, SPP);
        asm.csr("csrrc", 0, csr("sstatus"), SCRATCH);
        asm.csr("csrrw", 0, csr("sepc"), 26);
        asm.imm("sret", 0, 0, 0);
        let mut handler = Assembler::default();
        switch(&mut handler, fenced);
        handler.csr("csrrs", 31, csr("sepc"), 0);
        handler.imm("addi", 31, 31, 4);
        handler.csr("csrrw", 0, csr("sepc"), 31);
        handler.imm("sret", 0, 0, 0);
        let mut pair = machines(SUPERVISOR, asm, handler);
        for (tables, function) in [(TABLES, FUNCTION), (OTHER_TABLES, OTHER_FUNCTION)] {
            map(&pair, tables, function);
            // A page of the user.
            let entry = tables + 2 * PAGE + 8 * (CALLED / PAGE);
            pair.write(entry, &(at(function) >> 2 | 0xdf).to_le_bytes());
            let mut callee = Assembler::default();
            work(&mut callee, &[7, 8]);
            callee.imm("ecall", 0, 0, 0);
            work(&mut callee, &[9]);
            ret(&mut callee);
            pair.write(function + 0x100, &callee.finish());
        }
        run(&mut pair, &format!("spaces of users, fenced: {fenced}"));
    }
}

#[test]
fn a_return_behind_a_fence_of_translations_executes_the_page_that_is_mapped_now() {
    for by_address in [false, true] {
        let mut asm = Assembler::default();
        asm.constant(SP, STACK);
        asm.constant(SCRATCH, space(TABLES, 0));
        asm.csr("csrrw", 0, csr("satp"), SCRATCH);
        // Of what was fetched without translation, so that a fence by address is not one of all.
        asm.imm("sfence.vma", 0, 0, 0);
        asm.constant(24, at(ENTRY));
        asm.constant(25, (at(FUNCTION) ^ at(OTHER_FUNCTION)) >> 2);
        asm.constant(26, CALLED);
        asm.constant(27, at(COMMON));
        asm.imm("jalr", 0, 26, 0);
        let mut pair = machines(SUPERVISOR, asm, Assembler::default());
        map(&pair, TABLES, FUNCTION);
        let function = recursion(|asm| {
            asm.imm("ld", SCRATCH, 24, 0);
            asm.reg("xor", SCRATCH, SCRATCH, 25);
            asm.store("sd", SCRATCH, 24, 0);
            work(asm, &[6, 7]);
            asm.reg("sfence.vma", 0, if by_address { 26 } else { 0 }, 0);
            work(asm, &[8, 9]);
        });
        pair.write(COMMON, &function.finish());
        run(&mut pair, &format!("changed page tables, fenced by address: {by_address}"));
    }
}

#[test]
fn a_return_in_another_mode_executes_the_code_of_that_mode() {
    // M-mode returns to where its caller, in S-mode, would have returned to, before that does.
    let mut asm = Assembler::default();
    set_vector(&mut asm, "mtvec");
    asm.constant(6, MPP_SUPERVISOR);
    asm.csr("csrrs", 0, csr("mstatus"), 6);
    asm.constant(27, at(FUNCTION) + 0x100);
    asm.constant(6, at(FUNCTION));
    asm.csr("csrrw", 0, csr("mepc"), 6);
    allow_everything(&mut asm);
    asm.constant(6, space(TABLES, 0));
    asm.csr("csrrw", 0, csr("satp"), 6);
    asm.imm("mret", 0, 0, 0);
    let mut handler = Assembler::default();
    work(&mut handler, &[10, 11]);
    ret(&mut handler);
    let mut pair = machines(PrivilegeMode::Machine, asm, handler);
    map_other_function(&pair);
    let mut code = caller(29);
    let mut callee = Assembler::default();
    work(&mut callee, &[6, 7]);
    callee.imm("ecall", 0, 0, 0);
    work(&mut callee, &[8]);
    ret(&mut callee);
    pair.write(OTHER_FUNCTION, &code);
    pair.write(OTHER_FUNCTION + 0x100, &callee.finish());
    // The same in M-mode up to the last instruction, in whose place it goes back.
    code = caller(28);
    code.truncate(code.len() - 4);
    pair.write(FUNCTION, &code);
    let mut back = Assembler::default();
    back.csr("csrrs", 31, csr("mepc"), 0);
    back.imm("addi", 31, 31, 4);
    back.csr("csrrw", 0, csr("mepc"), 31);
    back.imm("mret", 0, 0, 0);
    pair.write(FUNCTION + code.len() as u64, &back.finish());
    run_in_pieces(&mut pair, 0, "modes");
    both_ran(&mut pair, "modes");
}

#[test]
fn a_return_behind_an_instruction_fence_executes_what_was_written() {
    let mut asm = Assembler::default();
    asm.constant(SP, STACK);
    asm.constant(26, 1 << 20);
    asm.constant(24, at(COMMON));
    asm.constant(27, at(MAIN) + 0x100);
    let again = asm.label();
    asm.jump(0, again);
    pad(&mut asm, 0xfc - 4 * 5);
    asm.bind(again);
    asm.imm("addi", ROUNDS, ROUNDS, 1);
    asm.imm("andi", DEPTH, ROUNDS, 3);
    work(&mut asm, &[0, 1, 2]);
    asm.imm("jalr", RA, 24, 0);
    assert_eq!(asm.len(), 0x100, "this is what is changed:");
    asm.imm("addi", 29, 29, 0x400);
    work_on_all(&mut asm);
    asm.jump(0, again);
    let mut pair = machines(PrivilegeMode::Machine, asm, Assembler::default());
    let function = recursion(|asm| {
        let unchanged = asm.label();
        asm.imm("andi", SCRATCH, ROUNDS, 15);
        asm.branch("bne", SCRATCH, 0, unchanged);
        asm.imm("lwu", 28, 27, 0);
        asm.reg("xor", 28, 28, 26);
        asm.store("sw", 28, 27, 0);
        asm.raw(0x0000_100f);
        asm.bind(unchanged);
        work(asm, &[6, 7, 8]);
    });
    pair.write(COMMON, &function.finish());
    run_in_pieces(&mut pair, 0, "fences of instructions");
    let sum = pair.translated.hart().x(29);
    assert!(sum & 0x3ff > 100 && sum >> 10 > 200, "both versions were executed: {sum:#x}");
}
