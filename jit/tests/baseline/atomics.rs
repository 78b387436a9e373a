//! Atomics: reservations, and what several harts do to one word at once.

use riscope_core::addr::GuestAddr;
use riscope_core::engine::Exit;
use riscope_core::hart::PrivilegeMode;

use crate::bench::{DATA, Machine, Pair, at, templates};
use crate::common::assembler::Assembler;
use crate::system::{machines, run_in_pieces, work, work_on_all};

const BASE: u32 = 24;
const OTHER: u32 = 25;
const OLD: u32 = 21;
const FAILED: u32 = 22;

/// A loop around a load-reserved and a store-conditional, with other instructions in between.
fn reservations(load: &str, store: &str, base: u32, between: impl FnOnce(&mut Assembler)) -> Pair {
    let mut asm = Assembler::default();
    asm.constant(BASE, at(DATA));
    asm.constant(OTHER, at(DATA + 8));
    let again = asm.here();
    work_on_all(&mut asm);
    asm.imm(load, OLD, BASE, 0);
    work(&mut asm, &[0, 4]);
    between(&mut asm);
    asm.reg(store, FAILED, base, 9);
    asm.reg("add", 23, 23, FAILED);
    asm.imm("addi", 29, 29, 1);
    // Without a reservation.
    asm.reg(store, 8, base, 10);
    asm.reg("add", 9, 9, OLD);
    asm.jump(0, again);
    let mut pair = machines(PrivilegeMode::Machine, asm, Assembler::default());
    pair.write(DATA, &0xfedc_ba98_8765_4321_u64.to_le_bytes());
    run_in_pieces(&mut pair, 0, store);
    let failures = [&pair.interpreted, &pair.translated].map(Machine::failed_stores);
    assert_eq!(failures[0], failures[1], "failures that were counted");
    pair
}

/// Adds one to the word at [`BASE`] so often.
const TIMES: u64 = 200_000;

/// Has two harts on threads of their own run `increment` at once; the sum of all.
fn at_once(increment: impl Fn(&mut Assembler)) -> u64 {
    let mut asm = Assembler::default();
    asm.constant(BASE, at(DATA));
    asm.constant(20, TIMES);
    asm.constant(9, 1);
    let again = asm.here();
    increment(&mut asm);
    asm.imm("addi", 20, 20, -1);
    asm.branch("bne", 20, 0, again);
    let end = at(asm.len() as u64);
    let here = asm.here();
    asm.jump(0, here);
    let mut machine = Machine::new(&templates(), PrivilegeMode::Machine, 2);
    machine.write(0, &asm.finish());
    std::thread::scope(|scope| {
        for (hart, engine) in machine.parts() {
            scope.spawn(move || {
                while hart.pc() != GuestAddr(end) {
                    assert_eq!(engine.run(hart, 10_000), Exit::LimitReached);
                }
            });
        }
    });
    machine.word(DATA)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_conditional_succeeds_unless_the_word_was_changed() {
        for (load, store) in [("lr.d", "sc.d"), ("lr.w", "sc.w")] {
            let mut pair = reservations(load, store, BASE, |_| ());
            assert_eq!(pair.translated.hart().x(23), 0, "{store}");
            let mut pair = reservations(load, store, BASE, |asm| asm.store("sw", 29, BASE, 0));
            let [failed, rounds] = [23, 29].map(|n| pair.translated.hart().x(n));
            assert!(rounds > 100 && failed.abs_diff(rounds) <= 2, "{store} failed {failed} times of {rounds}");
        }
        // A word of the double word, which keeps its value.
        let mut pair = reservations("lr.w", "sc.d", BASE, |_| ());
        assert!(pair.translated.hart().x(23) > 100, "the upper half was not reserved");
        let mut pair = reservations("lr.d", "sc.w", BASE, |_| ());
        assert_eq!(pair.translated.hart().x(23), 0);
    }

    #[test]
    fn a_store_conditional_elsewhere_fails() {
        let mut pair = reservations("lr.d", "sc.d", OTHER, |_| ());
        let [failed, rounds] = [23, 29].map(|n| pair.translated.hart().x(n));
        assert!(rounds > 100 && failed.abs_diff(rounds) <= 1, "{failed} of {rounds}");
    }

    #[test]
    fn what_several_harts_add_at_once_is_not_lost() {
        assert_eq!(at_once(|asm| asm.reg("amoadd.d", 0, BASE, 9)), 2 * TIMES);
        assert_eq!(at_once(|asm| asm.reg("amoadd.w", 10, BASE, 9)), 2 * TIMES);
        let sum = at_once(|asm| {
            let again = asm.here();
            asm.imm("lr.d", 10, BASE, 0);
            asm.imm("addi", 10, 10, 1);
            asm.reg("sc.d", 11, BASE, 10);
            asm.branch("bne", 11, 0, again);
        });
        assert_eq!(sum, 2 * TIMES);
        // What one hart toggles, the other one does as well.
        assert_eq!(at_once(|asm| asm.reg("amoxor.d", 10, BASE, 9)), 0);
    }
}
