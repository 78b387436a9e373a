//! Instructions that not every mode may execute, in code that all modes share.

use riscope_core::hart::PrivilegeMode;

use crate::bench::{DATA, at, csr};
use crate::common::assembler::Assembler;
use crate::system::{MAIN, allow_everything, machines, pad, run_in_pieces, set_vector, work, work_on_all};

/// Where the code is that runs in S-mode and in U-mode, and its size.
const SHARED: u64 = MAIN + 0x200;

const CALLS: u32 = 30;
const ILLEGAL: u32 = 31;
const BASE: u32 = 24;
const INSIDE: u32 = 25;

/// A handler of M-mode that has the shared code run again at each of its calls of the
/// environment: by turns in both modes, with `cbo.zero` enabled for both, for S-mode, for none.
fn handler() -> Assembler {
    let mut asm = Assembler::default();
    let (illegal, user) = (asm.label(), asm.label());
    asm.csr("csrrs", 5, csr("mcause"), 0);
    asm.imm("addi", 6, 0, 2);
    asm.branch("beq", 5, 6, illegal);
    asm.imm("addi", CALLS, CALLS, 1);
    // Bits 1 and 2 of the count enable it.
    for (name, bit) in [("menvcfg", 2), ("senvcfg", 4)] {
        asm.imm("andi", 5, CALLS, bit);
        asm.reg("sltu", 5, 0, 5);
        asm.imm("slli", 5, 5, 7);
        asm.csr("csrrw", 0, csr(name), 5);
    }
    asm.constant(6, 3 << 11);
    asm.csr("csrrc", 0, csr("mstatus"), 6);
    asm.imm("andi", 5, CALLS, 1);
    asm.branch("beq", 5, 0, user);
    asm.constant(6, 1 << 11);
    asm.csr("csrrs", 0, csr("mstatus"), 6);
    asm.bind(user);
    asm.constant(6, at(SHARED));
    asm.csr("csrrw", 0, csr("mepc"), 6);
    asm.imm("mret", 0, 0, 0);
    asm.bind(illegal);
    asm.imm("addi", ILLEGAL, ILLEGAL, 1);
    asm.csr("csrrs", 5, csr("mepc"), 0);
    asm.imm("addi", 5, 5, 4);
    asm.csr("csrrw", 0, csr("mepc"), 5);
    asm.imm("mret", 0, 0, 0);
    asm
}

/// Code that first sets up M-mode and then is shared.
fn shared(subject: impl FnOnce(&mut Assembler)) -> Assembler {
    let mut asm = Assembler::default();
    set_vector(&mut asm, "mtvec");
    allow_everything(&mut asm);
    asm.constant(BASE, at(DATA));
    asm.constant(INSIDE, at(DATA) + 20);
    asm.imm("ecall", 0, 0, 0);
    pad(&mut asm, SHARED as usize);
    work_on_all(&mut asm);
    subject(&mut asm);
    work(&mut asm, &[0, 5, 9, 12]);
    asm.imm("ecall", 0, 0, 0);
    asm
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs code that is legal in so many of four turns of each mode.
    fn run(what: &str, illegal_of_8: u64, subject: impl FnOnce(&mut Assembler)) {
        let mut pair = machines(PrivilegeMode::Machine, shared(subject), handler());
        run_in_pieces(&mut pair, 0, what);
        let [calls, illegal] = [CALLS, ILLEGAL].map(|n| pair.translated.hart().x(n as usize));
        assert!(calls > 300, "{what}: {calls} calls");
        assert!(illegal.abs_diff(calls * illegal_of_8 / 8) <= 8, "{what}: {illegal} traps at {calls} calls");
    }

    #[test]
    fn registers_of_s_mode_are_not_for_u_mode() {
        for name in ["sscratch", "sepc", "scause", "stval"] {
            run(name, 4, |asm| asm.csr("csrrw", 8, csr(name), 9));
            run(name, 4, |asm| asm.csr("csrrs", 10, csr(name), 0));
        }
    }

    #[test]
    fn the_status_is_for_s_mode_and_shows_whether_floating_point_state_is_dirty() {
        run("disables", 4 * 2, |asm| {
            asm.csr("csrrci", 8, csr("sstatus"), 2);
            asm.csr("csrrci", 0, csr("sstatus"), 2);
        });
        run("reads", 4 * 4, |asm| {
            // Off, initial, clean, dirty by turns, with other fields that are next to it set or not.
            asm.csr("csrrs", 9, csr("sstatus"), 0);
            asm.imm("addi", 28, 28, 1);
            asm.imm("slli", 29, 28, 13);
            asm.csr("csrrw", 10, csr("sstatus"), 29);
            asm.csr("csrrci", 11, csr("sstatus"), 0);
            asm.csr("csrrci", 12, csr("sstatus"), 2);
        });
    }

    #[test]
    fn the_status_of_s_mode_is_that_part_of_mstatus() {
        // Whatever M-mode sets there, each bit in some rounds.
        let mut asm = Assembler::default();
        asm.constant(29, 0x9e37_79b9_7f4a_7c15);
        let again = asm.here();
        work_on_all(&mut asm);
        asm.reg("add", 28, 28, 29);
        asm.csr("csrrw", 8, csr("mstatus"), 28);
        asm.csr("csrrs", 9, csr("sstatus"), 0);
        asm.csr("csrrci", 10, csr("sstatus"), 2);
        work(&mut asm, &[1, 4, 8]);
        asm.csr("csrrsi", 0, csr("sstatus"), 2);
        asm.csr("csrrci", 0, csr("sstatus"), 2);
        work(&mut asm, &[2, 6]);
        asm.jump(0, again);
        run_in_pieces(&mut machines(PrivilegeMode::Machine, asm, Assembler::default()), 0, "status");
    }

    #[test]
    fn registers_of_s_mode_keep_what_is_written() {
        run("exchanges", 4 * 8, |asm| {
            for (n, name) in (0..).zip(["sscratch", "sepc", "scause", "stval"]) {
                asm.csr("csrrw", 8 + n, csr(name), 12 - n);
                asm.csr("csrrw", 0, csr(name), 9 + n);
            }
        });
        run("reads", 4 * 8, |asm| {
            for (n, name) in (0..).zip(["sscratch", "sepc", "scause", "stval"]) {
                asm.csr("csrrw", 21, csr(name), 8 + n);
                asm.csr("csrrci", 12 + n, csr(name), 0);
            }
        });
    }

    #[test]
    fn blocks_are_zeroed_where_that_is_enabled() {
        // S-mode may in two of four turns, U-mode in one of four.
        run("cbo.zero", 5, |asm| {
            for offset in [-8, 0, 16, 56, 64] {
                asm.store("sd", 8, BASE, offset);
            }
            asm.imm("cbo.zero", 0, INSIDE, 0);
            asm.imm("ld", 11, BASE, 56);
        });
    }
}
