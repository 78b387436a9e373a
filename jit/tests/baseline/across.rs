//! Instructions whose second half is on the next page, which may fault, be mapped elsewhere or
//! be rewritten while the first one stays.

use riscope_core::counters::CodeExit;
use riscope_core::event::Tier;
use riscope_core::hart::PrivilegeMode;
use riscope_jit::Tiers;

use crate::bench::{DATA, PAGE, Pair, at, csr};
use crate::common::assembler::{Assembler, Label};
use crate::common::encode::{Fields, encode, row};
use crate::system::{
    CALLED, FUNCTION, OTHER_FUNCTION, OTHER_TABLES, TABLES, machines, map, run_in_pieces, set_vector, space, work,
    work_on_all,
};

const MACHINE: PrivilegeMode = PrivilegeMode::Machine;
const SUPERVISOR: PrivilegeMode = PrivilegeMode::Supervisor;

/// Where functions start, from the start of their first page, and the instruction on two pages.
const START: u64 = PAGE - 8;
const SUBJECT: u64 = PAGE - 2;
/// Where they go on that a jump leads to, on the second page.
const LANDING: u64 = 0x80;

const RA: u32 = 1;
const ODD: u32 = 21;
const DATA_BASE: u32 = 26;
const LANDING_BASE: u32 = 27;
const TRAPS: u32 = 30;
const ROUNDS: u32 = 23;
const C_NOP: u32 = 1;
const FFLAGS: u16 = 1;
const DYNAMIC: u32 = 7;

/// A function around an instruction, which may jump to the label that it is given.
fn function(subject: impl FnOnce(&mut Assembler, Label)) -> Vec<u8> {
    let mut asm = Assembler::default();
    let landing = asm.label();
    asm.imm("addi", 8, 8, 3);
    asm.raw(C_NOP);
    assert_eq!(START + asm.len() as u64, SUBJECT);
    subject(&mut asm, landing);
    assert_eq!(START + asm.len() as u64, PAGE + 2, "one instruction of four bytes");
    work(&mut asm, &[1, 5, 9, 12]);
    asm.imm("jalr", 0, RA, 0);
    asm.raw(C_NOP);
    while (asm.len() as u64) < PAGE - START + LANDING {
        asm.imm("addi", 0, 0, 0);
    }
    asm.bind(landing);
    work(&mut asm, &[0, 2, 11]);
    asm.imm("jalr", 0, RA, 0);
    asm.finish()
}

/// A loop in M-mode that calls a function at its start, and at the instruction on two pages.
fn caller() -> Assembler {
    let mut asm = Assembler::default();
    set_vector(&mut asm, "mtvec");
    asm.constant(6, 3 << 13);
    asm.csr("csrrs", 0, csr("mstatus"), 6);
    asm.constant(24, at(FUNCTION + START));
    asm.constant(25, at(FUNCTION + SUBJECT));
    asm.constant(DATA_BASE, at(DATA));
    asm.constant(LANDING_BASE, at(FUNCTION + PAGE + LANDING));
    let again = asm.here();
    work_on_all(&mut asm);
    asm.imm("andi", ODD, ROUNDS, 1);
    asm.imm("jalr", RA, 24, 0);
    work(&mut asm, &[3, 6, 7]);
    asm.imm("jalr", RA, 25, 0);
    asm.imm("addi", ROUNDS, ROUNDS, 1);
    asm.jump(0, again);
    asm
}

/// A handler of M-mode that goes on behind the instruction that trapped.
fn skipper() -> Assembler {
    let mut asm = Assembler::default();
    asm.imm("addi", TRAPS, TRAPS, 1);
    work(&mut asm, &[2, 4]);
    asm.csr("csrrs", 6, csr("mepc"), 0);
    asm.imm("addi", 6, 6, 4);
    asm.csr("csrrw", 0, csr("mepc"), 6);
    asm.imm("mret", 0, 0, 0);
    asm
}

/// Runs the loop around an instruction; generated code does not leave for it.
#[track_caller]
fn run(what: &str, subject: impl FnOnce(&mut Assembler, Label)) -> Pair {
    let mut pair = machines(MACHINE, caller(), skipper());
    pair.write(FUNCTION + START, &function(subject));
    run_in_pieces(&mut pair, 0, what);
    assert_eq!(pair.translated.exits(CodeExit::Fallback), 0, "exits at {what}");
    pair
}

/// Bits of `addi s1, s1, imm`: the immediate is in the second half.
const fn add(imm: u64) -> u64 {
    0x0004_8493 | imm << 20
}

/// A second half, and code that adds to another register and returns.
fn second_half(imm: u64, amount: i32) -> Vec<u8> {
    let mut code = (add(imm) >> 16).to_le_bytes()[..2].to_vec();
    let mut asm = Assembler::default();
    asm.imm("addi", 10, 10, amount);
    asm.imm("jalr", 0, RA, 0);
    code.extend(asm.finish());
    code
}

/// The first half at the end of a page.
fn first_half() -> [u8; 2] {
    let [a, b, ..] = add(0).to_le_bytes();
    [a, b]
}

/// Offset of the entry of the page behind [`CALLED`] in the tables at an offset.
const fn entry_behind(tables: u64) -> u64 {
    tables + 2 * PAGE + 8 * ((CALLED + PAGE) >> 12)
}

/// An entry for a page of code.
const fn leaf(offset: u64) -> u64 {
    at(offset) >> 2 | 0xcf
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_on_two_pages_are_executed_without_leaving() {
        run("an addition", |asm, _| asm.imm("addi", 9, 9, 100));
        run("a branch", |asm, landing| asm.branch("beq", ODD, 0, landing));
        run("a jump", |asm, landing| asm.jump(0, landing));
        run("a call", |asm, _| asm.imm("jalr", 5, LANDING_BASE, 0));
        run("a load", |asm, _| asm.imm("ld", 9, DATA_BASE, 16));
        run("a store", |asm, _| asm.store("sd", 9, DATA_BASE, 16));
        run("a load from two pages", |asm, _| asm.imm("ld", 9, DATA_BASE, -4));
        run("an atomic", |asm, _| asm.reg("amoadd.d", 9, DATA_BASE, 10));
        run("a sum", |asm, _| asm.reg("fadd.d", 9, 10, 11));
        run("an exchange", |asm, _| asm.csr("csrrw", 9, csr("mscratch"), 10));
        run("a flush", |asm, _| asm.reg("sfence.vma", 0, 0, 0));
    }

    #[test]
    fn instructions_on_two_pages_may_trap() {
        for (what, pair) in [
            ("a load of nothing", run("a load of nothing", |asm, _| asm.imm("ld", 9, 0, 16))),
            ("a misaligned atomic", run("a misaligned atomic", |asm, _| asm.reg("amoadd.d", 9, 25, 10))),
            ("a call", run("a call of the environment", |asm, _| asm.imm("ecall", 0, 0, 0))),
            ("no instruction", run("no instruction", |asm, _| asm.raw(!0))),
        ] {
            let mut pair = pair;
            assert!(pair.translated.hart().x(TRAPS as usize) > 500, "{what}");
        }
    }

    #[test]
    fn a_fence_on_two_pages_makes_patched_code_visible() {
        // The loop leaves at each fence: only whether it computes the same is of interest.
        let mut pair = machines(MACHINE, caller(), skipper());
        pair.write(FUNCTION + START, &function(|asm, _| asm.raw(0x0000_100f)));
        run_in_pieces(&mut pair, 0, "fences on two pages");
    }

    #[test]
    fn a_fault_of_the_second_half_has_its_address() {
        // Each round unmaps the second page; the handler maps one of two there.
        let mut asm = Assembler::default();
        set_vector(&mut asm, "stvec");
        asm.constant(5, space(TABLES, 0));
        asm.csr("csrrw", 0, csr("satp"), 5);
        asm.imm("sfence.vma", 0, 0, 0);
        asm.constant(22, at(entry_behind(TABLES)));
        asm.constant(24, CALLED + SUBJECT);
        asm.constant(26, leaf(OTHER_FUNCTION));
        asm.constant(27, leaf(OTHER_FUNCTION) ^ leaf(DATA + PAGE));
        let again = asm.here();
        work(&mut asm, &[0, 3, 5, 6, 12]);
        asm.store("sd", 0, 22, 0);
        asm.reg("sfence.vma", 0, 0, 0);
        asm.imm("jalr", RA, 24, 0);
        asm.imm("addi", ROUNDS, ROUNDS, 1);
        asm.jump(0, again);
        let mut handler = Assembler::default();
        for (register, name) in [(28, "sepc"), (29, "scause"), (31, "stval")] {
            handler.csr("csrrs", register, csr(name), 0);
            // The sum is of all rounds: the last one may be interpreted.
            handler.reg("add", ODD, ODD, register);
        }
        handler.imm("addi", TRAPS, TRAPS, 1);
        handler.reg("xor", 26, 26, 27);
        handler.store("sd", 26, 22, 0);
        handler.reg("sfence.vma", 0, 0, 0);
        handler.imm("sret", 0, 0, 0);
        let mut pair = machines(SUPERVISOR, asm, handler);
        map(&pair, TABLES, FUNCTION);
        pair.write(FUNCTION + SUBJECT, &first_half());
        pair.write(OTHER_FUNCTION, &second_half(0x100, 1));
        pair.write(DATA + PAGE, &second_half(0x200, 3));
        run_in_pieces(&mut pair, 0, "faults of the second half");
        let hart = pair.translated.hart();
        assert!(hart.x(TRAPS as usize) > 500, "a fault in each round");
        assert_eq!([28, 29, 31].map(|n| hart.x(n)), [CALLED + SUBJECT, 12, CALLED + PAGE]);
        assert!(hart.x(10) > 2 * hart.x(ROUNDS as usize) - 4, "both pages were executed");
        assert_eq!(pair.translated.exits(CodeExit::Fallback), 0);
    }

    #[test]
    fn flags_that_optimised_code_raises_are_read_on_two_pages() {
        let mut asm = Assembler::default();
        asm.constant(6, 3 << 13);
        asm.csr("csrrs", 0, csr("mstatus"), 6);
        let float = |mnemonic, rd, rs1, rs2| {
            encode(row(mnemonic), Fields { rd, rs1, rs2, modifier: DYNAMIC, ..Fields::default() })
        };
        for (register, value) in [(1, 1), (2, 3)] {
            asm.imm("addi", 6, 0, value);
            asm.raw(float("fcvt.d.l", register, 6, 0));
        }
        asm.constant(24, at(FUNCTION + START));
        let again = asm.here();
        // Inexact in each round.
        asm.raw(float("fdiv.d", 3, 1, 2));
        asm.imm("jalr", RA, 24, 0);
        asm.reg("add", ODD, ODD, 9);
        // Nothing was raised since.
        asm.imm("jalr", RA, 24, 0);
        asm.reg("add", ROUNDS, ROUNDS, 9);
        asm.jump(0, again);
        let mut pair = Pair::with_tiers(Tiers::All, MACHINE);
        pair.write(0, &asm.finish());
        pair.write(FUNCTION + START, &function(|asm, _| asm.csr("csrrw", 9, FFLAGS, 0)));
        run_in_pieces(&mut pair, 0, "flags");
        let optimised = pair.translated.instructions(0, Tier::Optimised);
        assert!(optimised > 1000, "{optimised} instructions ran in optimised code");
        assert_eq!(pair.translated.exits(CodeExit::Fallback), 0);
    }

    #[test]
    fn the_second_half_is_that_of_the_address_space() {
        let mut asm = Assembler::default();
        asm.constant(5, space(TABLES, 1));
        asm.constant(6, space(TABLES, 1) ^ space(OTHER_TABLES, 2));
        asm.constant(24, CALLED + SUBJECT);
        let again = asm.here();
        asm.csr("csrrw", 0, csr("satp"), 5);
        work(&mut asm, &[0, 3, 4, 12]);
        asm.imm("jalr", RA, 24, 0);
        asm.reg("xor", 5, 5, 6);
        asm.imm("addi", ROUNDS, ROUNDS, 1);
        asm.jump(0, again);
        let mut pair = machines(SUPERVISOR, asm, Assembler::default());
        map(&pair, TABLES, FUNCTION);
        map(&pair, OTHER_TABLES, FUNCTION);
        pair.write(entry_behind(TABLES), &leaf(OTHER_FUNCTION).to_le_bytes());
        pair.write(entry_behind(OTHER_TABLES), &leaf(DATA + PAGE).to_le_bytes());
        pair.write(FUNCTION + SUBJECT, &first_half());
        pair.write(OTHER_FUNCTION, &second_half(1, 1));
        pair.write(DATA + PAGE, &second_half(3, 3));
        run_in_pieces(&mut pair, 0, "second halves of two spaces");
        let hart = pair.translated.hart();
        assert!(hart.x(ROUNDS as usize) > 1000, "both spaces were entered");
        assert!(hart.x(10) > 2 * hart.x(ROUNDS as usize) - 4, "both pages were executed");
        assert_eq!(pair.translated.exits(CodeExit::Fallback), 0);
    }

    #[test]
    fn a_second_half_that_is_rewritten_is_seen_behind_a_fence() {
        let mut asm = Assembler::default();
        asm.constant(22, at(FUNCTION + PAGE));
        asm.constant(24, at(FUNCTION + SUBJECT));
        asm.constant(26, add(1) >> 16);
        asm.constant(27, (add(1) ^ add(3)) >> 16);
        let (again, unchanged) = (asm.here(), asm.label());
        asm.imm("andi", ODD, ROUNDS, 7);
        asm.branch("bne", ODD, 0, unchanged);
        asm.reg("xor", 26, 26, 27);
        asm.store("sh", 26, 22, 0);
        asm.raw(0x0000_100f);
        asm.bind(unchanged);
        work(&mut asm, &[0, 3, 4, 12]);
        asm.imm("jalr", RA, 24, 0);
        asm.imm("addi", ROUNDS, ROUNDS, 1);
        asm.jump(0, again);
        let mut pair = machines(MACHINE, asm, Assembler::default());
        pair.write(FUNCTION + SUBJECT, &first_half());
        pair.write(FUNCTION + PAGE, &second_half(1, 1));
        run_in_pieces(&mut pair, 0, "rewritten second halves");
        let [sum, rounds] = [9, ROUNDS as usize].map(|n| pair.translated.hart().x(n));
        assert!(rounds > 1000 && sum > rounds + 100 && sum < 3 * rounds, "both were executed: {sum}, {rounds}");
        assert_eq!(pair.translated.exits(CodeExit::Fallback), 0);
    }
}
