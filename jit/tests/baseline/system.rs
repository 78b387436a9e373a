//! System instructions in the middle of hot loops: generated code calls the interpreter for
//! them, goes on behind some of them, and may not for others.

use riscope_core::addr::GuestAddr;
use riscope_core::hart::PrivilegeMode;

use crate::bench::{BELL, DATA, PAGE, Pair, RAM_SIZE, at, csr};
use crate::common::assembler::Assembler;

/// Offsets in RAM.
pub(crate) const MAIN: u64 = 0;
pub(crate) const HANDLER: u64 = 0x1000;
pub(crate) const FUNCTION: u64 = 0x2000;
pub(crate) const OTHER_FUNCTION: u64 = 0x3000;
pub(crate) const TABLES: u64 = 0x4000;
pub(crate) const OTHER_TABLES: u64 = 0x8000;

/// Virtual addresses of a page of data and one of code, next to RAM at its own address.
const VIRTUAL: u64 = 0x1000;
pub(crate) const CALLED: u64 = 0x2000;

/// Bits of status registers.
const SIE: u32 = 1 << 1;
const SPIE: u64 = 1 << 5;
pub(crate) const SPP: u64 = 1 << 8;
pub(crate) const MPP_SUPERVISOR: u64 = 1 << 11;
const TIMER: u64 = 1 << 5;

/// Guest registers that programs count in, more than there are host registers.
pub(crate) const COUNTERS: [u32; 13] = [8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20];

/// Changes counters, all of them or some.
pub(crate) fn work(asm: &mut Assembler, some: &[usize]) {
    for &n in some {
        let register = COUNTERS[n % COUNTERS.len()];
        asm.imm("addi", register, register, 1 + n as i32);
    }
}

pub(crate) fn work_on_all(asm: &mut Assembler) {
    for n in 0..COUNTERS.len() {
        asm.reg("add", COUNTERS[n], COUNTERS[n], COUNTERS[(n + 5) % COUNTERS.len()]);
        asm.imm("xori", COUNTERS[n], COUNTERS[n], n as i32);
    }
}

/// Runs a hart in pieces of all sizes, long ones too, which generated code runs; most of the
/// instructions have to be translated.
#[track_caller]
pub(crate) fn run_in_pieces(pair: &mut Pair, hart: usize, what: &str) {
    let before = pair.translated.translated(hart);
    let pieces = (1..150).chain([5000, 20_000, 77, 1000, 200, 333, 40_000]);
    let mut instructions = 0;
    for (n, piece) in pieces.enumerate() {
        pair.run_hart(hart, piece, &|| format!("{what}, piece {n} of {piece}"));
        instructions += piece;
    }
    let translated = pair.translated.translated(hart) - before;
    assert!(translated > instructions / 2, "{translated} of {instructions} were translated: {what}");
}

/// The pair with a program at the start and a trap handler.
pub(crate) fn machines(mode: PrivilegeMode, main: Assembler, handler: Assembler) -> Pair {
    let pair = Pair::new(mode);
    pair.write(MAIN, &main.finish());
    pair.write(HANDLER, &handler.finish());
    pair
}

/// Sets the trap vector of M-mode, or of S-mode, to the handler.
pub(crate) fn set_vector(asm: &mut Assembler, vector: &str) {
    asm.constant(5, at(HANDLER));
    asm.csr("csrrw", 0, csr(vector), 5);
}

/// Lets S-mode access all of memory.
pub(crate) fn allow_everything(asm: &mut Assembler) {
    asm.constant(6, !0 >> 10);
    asm.csr("csrrw", 0, csr("pmpaddr0"), 6);
    asm.constant(6, 0x1f);
    asm.csr("csrrw", 0, csr("pmpcfg0"), 6);
}

/// Adds instructions that do nothing up to an offset.
pub(crate) fn pad(asm: &mut Assembler, to: usize) {
    while asm.len() < to {
        asm.imm("addi", 0, 0, 0);
    }
}

/// Calls the function at an address.
fn call(asm: &mut Assembler, address: u64) {
    asm.constant(6, address);
    asm.imm("jalr", 1, 6, 0);
}

/// Page tables at `tables` that map RAM to itself, [`VIRTUAL`] to the first page of the data
/// and [`CALLED`] to `function`.
pub(crate) fn map(pair: &Pair, tables: u64, function: u64) {
    let entry = |offset: u64, target: u64, bits: u64| pair.write(offset, &(target >> 2 | bits).to_le_bytes());
    entry(tables + 16, at(0), 0xcf);
    entry(tables, at(tables + PAGE), 1);
    entry(tables + PAGE, at(tables + 2 * PAGE), 1);
    entry(tables + 2 * PAGE + 8 * (VIRTUAL >> 12), at(DATA), 0xc7);
    entry(tables + 2 * PAGE + 8 * (CALLED >> 12), at(function), 0xcf);
}

/// Page tables at [`TABLES`] that map RAM to itself, except that [`OTHER_FUNCTION`] is in the
/// place of [`FUNCTION`].
pub(crate) fn map_other_function(pair: &Pair) {
    let entry = |offset: u64, target: u64, bits: u64| pair.write(offset, &(target >> 2 | bits).to_le_bytes());
    entry(TABLES + 16, at(TABLES + PAGE), 1);
    entry(TABLES + PAGE, at(TABLES + 2 * PAGE), 1);
    for offset in (0..RAM_SIZE).step_by(PAGE as usize) {
        let target = if offset == FUNCTION { OTHER_FUNCTION } else { offset };
        entry(TABLES + 2 * PAGE + 8 * (offset >> 12), at(target), 0xcf);
    }
}

/// `satp` for such tables.
pub(crate) const fn space(tables: u64, number: u64) -> u64 {
    8 << 60 | number << 44 | at(tables) >> 12
}

/// A function that adds to a counter and returns.
pub(crate) fn adder(register: u32, amount: i32) -> Vec<u8> {
    let mut asm = Assembler::default();
    asm.imm("addi", register, register, amount);
    asm.imm("jalr", 0, 1, 0);
    asm.finish()
}

#[cfg(test)]
mod tests {
    use riscope_core::counters::CodeExit;
    use riscope_core::hart::RemoteFence;

    use super::*;

    /// Calls of a function behind a fence.
    const CALLS: u64 = 300;

    const MACHINE: PrivilegeMode = PrivilegeMode::Machine;
    const SUPERVISOR: PrivilegeMode = PrivilegeMode::Supervisor;

    #[test]
    fn scratch_registers_are_exchanged_within_a_loop() {
        // Each form, with the result in a register that is kept, is not, or is the operand.
        let mut asm = Assembler::default();
        let again = asm.here();
        work_on_all(&mut asm);
        for (n, form) in ["csrrw", "csrrs", "csrrc"].into_iter().enumerate() {
            asm.csr(form, COUNTERS[n], csr("sscratch"), COUNTERS[n + 4]);
            asm.csr(form, COUNTERS[n + 1], csr("sscratch"), COUNTERS[n + 1]);
            work(&mut asm, &[n, n + 1, 12]);
            asm.csr(form, 21, csr("sscratch"), COUNTERS[12]);
            asm.csr(form, 22, csr("sscratch"), 21);
        }
        asm.csr("csrrwi", 23, csr("sscratch"), 21);
        asm.csr("csrrs", 24, csr("sscratch"), 0);
        asm.jump(0, again);
        let mut pair = machines(SUPERVISOR, asm, Assembler::default());
        run_in_pieces(&mut pair, 0, "exchanges");
        assert_eq!(pair.translated.exits(CodeExit::System), 0, "generated code goes on behind them");
    }

    #[test]
    fn a_hint_to_pause_changes_nothing() {
        let mut asm = Assembler::default();
        let again = asm.here();
        work_on_all(&mut asm);
        asm.raw(0x0100_000f);
        work(&mut asm, &[3, 12]);
        asm.jump(0, again);
        let mut pair = machines(SUPERVISOR, asm, Assembler::default());
        run_in_pieces(&mut pair, 0, "pauses");
        assert_eq!(pair.translated.exits(CodeExit::System), 0, "generated code goes on behind them");
    }

    #[test]
    fn an_interrupt_comes_right_behind_its_enable() {
        let mut asm = Assembler::default();
        set_vector(&mut asm, "stvec");
        asm.constant(6, TIMER);
        asm.csr("csrrs", 0, csr("sie"), 6);
        let again = asm.here();
        work_on_all(&mut asm);
        asm.csr("csrrsi", 21, csr("sstatus"), SIE);
        work(&mut asm, &[0, 3, 6, 9, 12]);
        asm.csr("csrrci", 22, csr("sstatus"), SIE);
        work(&mut asm, &[1, 4, 7, 10]);
        // Nothing is enabled or disabled by this one.
        asm.csr("csrrci", 23, csr("sstatus"), SIE);
        work(&mut asm, &[2, 5]);
        asm.jump(0, again);
        // The timer stays pending: interrupts stay off until the loop enables them again.
        let mut handler = Assembler::default();
        work(&mut handler, &[2, 5, 8, 11]);
        handler.imm("addi", 30, 30, 1);
        handler.csr("csrrs", 31, csr("sepc"), 0);
        handler.constant(5, SPIE);
        handler.csr("csrrc", 0, csr("sstatus"), 5);
        handler.imm("sret", 0, 0, 0);
        let mut pair = machines(SUPERVISOR, asm, handler);
        pair.each(|machine| machine.hart().set_stimecmp(0));
        run_in_pieces(&mut pair, 0, "interrupts");
        assert!(pair.translated.hart().x(30) > 500, "interrupts were taken");
    }

    #[test]
    fn an_interrupt_that_an_access_raises_comes_right_behind_it() {
        // By an access of generated code, and by one of a handler that it calls.
        for access in ["ld", "fld"] {
            let mut asm = Assembler::default();
            set_vector(&mut asm, "mtvec");
            // External interrupts on, floating point on.
            asm.constant(6, 1 << 11);
            asm.csr("csrrs", 0, csr("mie"), 6);
            asm.constant(6, 1 << 13 | 1 << 3);
            asm.csr("csrrs", 0, csr("mstatus"), 6);
            asm.constant(24, BELL);
            let again = asm.here();
            work(&mut asm, &[0, 3, 6, 9, 12]);
            asm.imm(access, 21, 24, 0);
            work_on_all(&mut asm);
            asm.jump(0, again);
            let mut handler = Assembler::default();
            handler.store("sd", 0, 24, 0);
            handler.imm("addi", 30, 30, 1);
            // What was done between access and interrupt shows.
            work_on_all(&mut handler);
            handler.imm("mret", 0, 0, 0);
            let mut pair = machines(MACHINE, asm, handler);
            run_in_pieces(&mut pair, 0, access);
            assert!(pair.translated.hart().x(30) > 500, "interrupts were taken");
        }
    }

    #[test]
    fn a_translation_fence_makes_a_changed_page_table_visible() {
        // The entry of the page alternates between two pages, and what is loaded is added up.
        for by_address in [false, true] {
            let mut asm = Assembler::default();
            asm.constant(5, space(TABLES, 0));
            asm.csr("csrrw", 0, csr("satp"), 5);
            asm.imm("sfence.vma", 0, 0, 0);
            let entry = TABLES + 2 * PAGE + 8 * (VIRTUAL >> 12);
            asm.constant(24, at(entry));
            asm.constant(25, VIRTUAL);
            asm.constant(26, (at(DATA) ^ at(DATA + PAGE)) >> 2);
            let again = asm.here();
            work(&mut asm, &[0, 1, 2, 11, 12]);
            asm.imm("ld", 21, 24, 0);
            asm.reg("xor", 21, 21, 26);
            asm.store("sd", 21, 24, 0);
            work(&mut asm, &[5, 6, 10]);
            asm.reg("sfence.vma", 0, if by_address { 25 } else { 0 }, 0);
            asm.imm("ld", 22, 25, 8);
            asm.reg("add", 23, 23, 22);
            asm.store("sd", 23, 25, 16);
            work(&mut asm, &[0, 7, 8, 9]);
            asm.jump(0, again);
            let mut pair = machines(SUPERVISOR, asm, Assembler::default());
            map(&pair, TABLES, FUNCTION);
            pair.write(DATA + 8, &3u64.to_le_bytes());
            pair.write(DATA + PAGE + 8, &0x1_0000u64.to_le_bytes());
            run_in_pieces(&mut pair, 0, "fences of translations");
            let sum = pair.translated.hart().x(23);
            assert!(sum & 0xffff > 3 && sum >> 16 > 1, "both pages were read: {sum:#x}");
        }
    }

    #[test]
    fn an_instruction_fence_makes_patched_code_visible() {
        // Now and then the loop gives a function on another page, and an instruction of its own
        // that is further on, another immediate. Both are translated meanwhile.
        let mut asm = Assembler::default();
        asm.constant(24, at(FUNCTION));
        asm.constant(26, 1 << 20);
        asm.constant(27, at(MAIN) + 0x100);
        let (again, unchanged) = (asm.here(), asm.label());
        asm.imm("addi", 23, 23, 1);
        asm.imm("andi", 22, 23, 15);
        asm.branch("bne", 22, 0, unchanged);
        for code in [24, 27] {
            asm.imm("lwu", 21, code, 0);
            asm.reg("xor", 22, 21, 26);
            asm.store("sw", 22, code, 0);
        }
        asm.bind(unchanged);
        work(&mut asm, &[0, 1, 4, 11, 12]);
        asm.raw(0x0000_100f);
        work(&mut asm, &[6, 7, 8]);
        asm.imm("jalr", 1, 24, 0);
        let patched = asm.label();
        asm.jump(0, patched);
        pad(&mut asm, 0x100);
        asm.bind(patched);
        asm.imm("addi", 29, 29, 0x400);
        asm.imm("addi", 26, 26, 0);
        asm.jump(0, again);
        let mut pair = machines(MACHINE, asm, Assembler::default());
        pair.write(FUNCTION, &adder(28, 0x400));
        run_in_pieces(&mut pair, 0, "fences of instructions");
        let [sum, own] = [28, 29].map(|n| pair.translated.hart().x(n));
        assert!(sum & 0x3ff > 1 && own & 0x3ff > 1, "both versions were executed: {sum:#x}, {own:#x}");
    }

    #[test]
    fn calls_of_the_environment_return_into_the_loop() {
        // From M-mode down to S-mode, whose calls M-mode serves.
        let mut asm = Assembler::default();
        set_vector(&mut asm, "mtvec");
        let supervisor = asm.label();
        asm.constant(6, MPP_SUPERVISOR);
        asm.csr("csrrs", 0, csr("mstatus"), 6);
        asm.constant(6, at(MAIN) + 0x100);
        asm.csr("csrrw", 0, csr("mepc"), 6);
        allow_everything(&mut asm);
        asm.imm("mret", 0, 0, 0);
        pad(&mut asm, 0x100);
        asm.bind(supervisor);
        work_on_all(&mut asm);
        asm.imm("ecall", 0, 0, 0);
        work(&mut asm, &[0, 2, 4, 6, 8, 10, 12]);
        asm.imm("ecall", 0, 0, 0);
        asm.jump(0, supervisor);
        let mut handler = Assembler::default();
        handler.imm("addi", 30, 30, 1);
        handler.csr("csrrw", 29, csr("mscratch"), COUNTERS[3]);
        work(&mut handler, &[1, 3, 5, 11]);
        handler.csr("csrrs", 31, csr("mepc"), 0);
        handler.imm("addi", 31, 31, 4);
        handler.csr("csrrw", 0, csr("mepc"), 31);
        handler.imm("mret", 0, 0, 0);
        let mut pair = machines(MACHINE, asm, handler);
        run_in_pieces(&mut pair, 0, "calls of the environment");
        assert!(pair.translated.hart().x(30) > 500, "calls were served");
    }

    #[test]
    fn returns_from_traps_go_where_they_are_told() {
        // `sret` to two places in turn, one of them right behind it, and none by a trap.
        let mut asm = Assembler::default();
        asm.constant(24, SPP);
        asm.constant(25, at(MAIN) + 0x100);
        let (again, behind) = (asm.here(), asm.label());
        asm.csr("csrrs", 0, csr("sstatus"), 24);
        asm.imm("xori", 26, 26, 0x10);
        asm.reg("add", 27, 25, 26);
        asm.csr("csrrw", 0, csr("sepc"), 27);
        work_on_all(&mut asm);
        asm.branch("beq", 26, 0, behind);
        work(&mut asm, &[1, 5, 9]);
        asm.bind(behind);
        pad(&mut asm, 0xfc);
        asm.imm("sret", 0, 0, 0);
        work(&mut asm, &[0, 11, 12, 7]);
        work(&mut asm, &[3, 10, 9, 8]);
        asm.jump(0, again);
        let mut pair = machines(SUPERVISOR, asm, Assembler::default());
        run_in_pieces(&mut pair, 0, "returns");
    }

    #[test]
    fn a_wait_that_ends_at_once_goes_on_in_the_loop() {
        // An interrupt is pending and enabled, but not taken. What is behind the instruction
        // is also jumped to from within the fragment.
        let mut asm = Assembler::default();
        asm.constant(6, TIMER);
        asm.csr("csrrs", 0, csr("sie"), 6);
        let (again, behind) = (asm.here(), asm.label());
        work_on_all(&mut asm);
        asm.imm("addi", 28, 28, 1);
        asm.imm("andi", 29, 28, 3);
        asm.branch("beq", 29, 0, behind);
        work(&mut asm, &[0, 4, 8, 12]);
        asm.imm("wfi", 0, 0, 0);
        asm.bind(behind);
        work(&mut asm, &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
        asm.jump(0, again);
        let mut pair = machines(SUPERVISOR, asm, Assembler::default());
        pair.each(|machine| machine.hart().set_stimecmp(0));
        run_in_pieces(&mut pair, 0, "waits with an interrupt pending");
        assert_eq!(pair.translated.exits(CodeExit::System), 0, "generated code goes on behind them");
    }

    #[test]
    fn a_wait_for_nothing_stops_the_engine_behind_it() {
        let mut asm = Assembler::default();
        let again = asm.here();
        work_on_all(&mut asm);
        asm.imm("wfi", 0, 0, 0);
        work(&mut asm, &[0, 4, 8, 12]);
        asm.jump(0, again);
        let mut pair = machines(SUPERVISOR, asm, Assembler::default());
        run_in_pieces(&mut pair, 0, "waits");
    }

    #[test]
    fn address_spaces_have_their_own_code_at_the_same_address() {
        // With a fence behind each switch, and without one where numbers tell them apart.
        for fenced in [true, false] {
            let numbers = if fenced { [0, 0] } else { [1, 2] };
            let mut asm = Assembler::default();
            asm.constant(24, space(TABLES, numbers[0]));
            asm.constant(25, space(OTHER_TABLES, numbers[1]));
            asm.constant(26, CALLED);
            let again = asm.here();
            for register in [24, 25] {
                work(&mut asm, &[0, 1, 2, 3, 11, 12]);
                asm.csr("csrrw", 21, csr("satp"), register);
                if fenced {
                    asm.imm("sfence.vma", 0, 0, 0);
                }
                work(&mut asm, &[4, 5, 6]);
                asm.imm("jalr", 1, 26, 0);
                asm.imm("jalr", 1, 26, 0);
            }
            work_on_all(&mut asm);
            asm.jump(0, again);
            let mut pair = machines(SUPERVISOR, asm, Assembler::default());
            map(&pair, TABLES, FUNCTION);
            map(&pair, OTHER_TABLES, OTHER_FUNCTION);
            pair.write(FUNCTION, &adder(28, 1));
            pair.write(OTHER_FUNCTION, &adder(29, 1));
            run_in_pieces(&mut pair, 0, "address spaces");
            let [one, other] = [28, 29].map(|n| pair.translated.hart().x(n));
            assert!(one > 200 && one.abs_diff(other) <= 2, "calls of both: {one}, {other}");
        }
    }

    #[test]
    fn modes_have_their_own_code_at_the_same_address() {
        // S-mode calls a function and, from M-mode, the one at its physical address.
        let mut asm = Assembler::default();
        set_vector(&mut asm, "mtvec");
        asm.constant(6, MPP_SUPERVISOR);
        asm.csr("csrrs", 0, csr("mstatus"), 6);
        asm.constant(6, at(MAIN) + 0x100);
        asm.csr("csrrw", 0, csr("mepc"), 6);
        allow_everything(&mut asm);
        asm.constant(6, space(TABLES, 0));
        asm.csr("csrrw", 0, csr("satp"), 6);
        asm.constant(24, at(FUNCTION));
        asm.imm("mret", 0, 0, 0);
        pad(&mut asm, 0x100);
        let again = asm.here();
        work(&mut asm, &[0, 2, 4, 6, 8, 10, 12]);
        // Both are found again in each round.
        asm.imm("sfence.vma", 0, 0, 0);
        asm.imm("jalr", 1, 24, 0);
        asm.imm("ecall", 0, 0, 0);
        work_on_all(&mut asm);
        asm.imm("jalr", 1, 24, 0);
        asm.jump(0, again);
        let mut handler = Assembler::default();
        work(&mut handler, &[1, 3, 5, 11]);
        handler.imm("jalr", 1, 24, 0);
        handler.csr("csrrs", 31, csr("mepc"), 0);
        handler.imm("addi", 31, 31, 4);
        handler.csr("csrrw", 0, csr("mepc"), 31);
        handler.imm("mret", 0, 0, 0);
        let mut pair = machines(MACHINE, asm, handler);
        map_other_function(&pair);
        pair.write(FUNCTION, &adder(28, 1));
        pair.write(OTHER_FUNCTION, &adder(29, 1));
        run_in_pieces(&mut pair, 0, "modes");
        let [machine, supervisor] = [28, 29].map(|n| pair.translated.hart().x(n));
        assert!(machine > 200 && supervisor.abs_diff(2 * machine) <= 2, "calls: {machine}, {supervisor}");
    }

    #[test]
    fn code_that_another_hart_patched_is_new_behind_a_fence() {
        // The first hart calls a function, and fences when it is told; the second patches it.
        // With a fence of translations in each round, the function is found by its physical
        // address.
        for (remote, flushing) in [(false, false), (true, false), (false, true), (true, true)] {
            let mut pair = Pair::with_harts(MACHINE, 2);
            let mut asm = Assembler::default();
            let again = asm.here();
            work(&mut asm, &[0, 5, 11]);
            if flushing {
                asm.imm("sfence.vma", 0, 0, 0);
            }
            call(&mut asm, at(FUNCTION));
            asm.jump(0, again);
            let fence = asm.len() as u64;
            asm.raw(0x0000_100f);
            asm.jump(0, again);
            pair.write(MAIN, &asm.finish());
            pair.write(FUNCTION, &adder(28, 1));
            // The patch: sw t1, 0(t0), and a loop.
            let mut patch = Assembler::default();
            patch.store("sw", 6, 5, 0);
            let here = patch.here();
            patch.jump(0, here);
            pair.write(HANDLER, &patch.finish());
            for amount in [1i64, 2, 3, 1] {
                run_in_pieces(&mut pair, 0, "calls");
                let code = adder(28, amount as i32);
                let bits = u32::from_le_bytes([code[0], code[1], code[2], code[3]]);
                pair.each(|machine| {
                    let hart = &mut machine.harts[1];
                    hart.set_pc(GuestAddr(at(HANDLER)));
                    hart.set_x(5, at(FUNCTION));
                    hart.set_x(6, u64::from(bits));
                });
                pair.run_hart(1, 100, &|| "the patch".into());
                if remote {
                    pair.each(|machine| {
                        machine.harts[0].control().request_fence(RemoteFence::Instructions);
                    });
                } else {
                    pair.each(|machine| machine.harts[0].set_pc(GuestAddr(at(fence))));
                }
                let what = || format!("calls behind a fence for {amount}");
                pair.run_hart(0, 1, &what);
                // Between calls, so that the count of them is known.
                while pair.translated.harts[0].pc() != GuestAddr(at(MAIN)) {
                    pair.run_hart(0, 1, &what);
                }
                let before = pair.translated.harts[0].x(28);
                pair.run_hart(0, CALLS * (fence / 4 + 2), &what);
                assert_eq!(pair.translated.harts[0].x(28) - before, CALLS * amount.cast_unsigned(), "{}", what());
            }
        }
    }
}
