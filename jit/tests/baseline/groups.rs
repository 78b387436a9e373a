//! Accesses that are translated together, as those of a stack frame: with every byte of the
//! group on the wrong side of a border once, the state must be that between two instructions.

use riscope_core::addr::GuestAddr;
use riscope_core::counters::CodeExit;
use riscope_core::hart::PrivilegeMode;

use crate::bench::{DATA, DEVICE, PAGE, RAM, RAM_SIZE, at, csr};
use crate::common::assembler::Assembler;
use crate::faults::{
    BASE, BEHIND_UNMAPPED, COUNT, ELSEWHERE, FORBIDDEN, FRESH, MAPPED, REGISTERS, SLOTS, UNMAPPED, prepared, start,
};

/// Has the address that programs copy to [`BASE`], and that of other accesses.
const SAVED: u32 = 20;
const OTHER: u32 = 21;

/// Instructions of a program, one after the other; `addi` is one without access, `other` an
/// access with another base, `csr` one by a handler of the interpreter.
type Shape = &'static [(&'static str, u32, i32)];

const FRAME: Shape = &[("sd", 10, 0), ("sd", 11, 8), ("addi", 12, 5), ("sd", 12, 16), ("ld", 13, 0), ("ld", 14, 8)];
const SIZES: Shape = &[("lbu", 10, 3), ("sh", 11, 4), ("addi", 11, -3), ("lw", 12, 8), ("sb", 12, 15), ("ld", 13, 16)];
const LOADS: Shape = &[("lb", 10, -8), ("addi", 15, 1), ("lhu", 11, 6), ("lwu", 12, -4), ("ld", 13, 0)];
const DOWN: Shape = &[("sd", 10, -8), ("sw", 11, -16), ("lh", 12, -18), ("sd", 0, -32)];
const MIXED: Shape =
    &[("ld", 10, 0), ("other", 11, 0), ("sd", 10, 8), ("other", 12, 8), ("addi", 10, 7), ("lw", 13, 4)];
/// The last one loads the base.
const CHAIN: Shape = &[("ld", 10, 8), ("ld", BASE, 16), ("addi", 10, 1)];
/// The base moves: there are two groups.
const MOVING: Shape = &[("ld", 10, 0), ("ld", 11, 8), ("addi", BASE, 24), ("ld", 12, 0), ("sd", 11, 8)];
/// A handler behind the group has all registers in memory; in front of it, memory lacks some.
const HANDLER: Shape = &[("addi", 12, 5), ("addi", 13, 7), ("sd", 12, 0), ("ld", 14, 8), ("csr", 12, 0)];
const SHAPES: [Shape; 8] = [FRAME, SIZES, LOADS, DOWN, MIXED, CHAIN, MOVING, HANDLER];

/// A shape in a loop, with its number of instructions.
fn program(shape: Shape) -> (Vec<u8>, u64) {
    let mut asm = Assembler::default();
    let again = asm.here();
    asm.imm("addi", BASE, SAVED, 0);
    for &(mnemonic, register, imm) in shape {
        match mnemonic {
            "addi" => asm.imm("addi", register, register, imm),
            "csr" => asm.csr("csrrw", 0, csr("scounteren"), register),
            "other" => asm.imm("ld", register, OTHER, imm),
            "sd" | "sw" | "sh" | "sb" => asm.store(mnemonic, register, BASE, imm),
            load => asm.imm(load, register, BASE, imm),
        }
    }
    asm.imm("addi", COUNT, COUNT, 1);
    asm.jump(0, again);
    let instructions = asm.len() as u64 / 4;
    (asm.finish(), instructions)
}

/// What is behind a border.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Behind {
    /// Nothing that may be accessed: accesses trap.
    Nothing,
    /// A device, to which generated code leaves accesses.
    Device,
    /// Memory at another address.
    Elsewhere,
    /// Memory at the following one: generated code goes on.
    Memory,
}

/// Runs every shape with the good address, until it is translated, and then with every address
/// around the border.
fn around(mode: PrivilegeMode, good: u64, border: u64, behind: Behind) {
    let mut pair = prepared(mode);
    for (n, shape) in (0..).zip(SHAPES) {
        let slot = SLOTS + 256 * n;
        let before = (pair.translated.exits(CodeExit::Access), pair.translated.exceptions());
        let (code, instructions) = program(shape);
        pair.write(slot, &code);
        for distance in -40..=40 {
            let bad = border.wrapping_add_signed(distance);
            let what = || format!("{shape:?} at {bad:#x}");
            start(&mut pair, slot, good);
            pair.each(|machine| {
                machine.hart().set_x(SAVED as usize, good);
                machine.hart().set_x(OTHER as usize, good + 0x40);
            });
            for _ in 0..6 {
                pair.run(instructions, &what);
            }
            assert_eq!(pair.translated.hart().pc(), GuestAddr(at(slot)), "{}", what());
            pair.each(|machine| machine.hart().set_x(SAVED as usize, bad));
            // One at a time, or as generated code does it.
            for limit in if distance % 2 == 0 { vec![1; 12] } else { vec![200] } {
                pair.run(limit, &what);
            }
        }
        let left = pair.translated.exits(CodeExit::Access) - before.0;
        let traps = pair.translated.exceptions() - before.1;
        let (expected_left, expected_traps) = match behind {
            Behind::Nothing => (true, true),
            Behind::Device => (true, traps > 0),
            Behind::Elsewhere => (true, false),
            Behind::Memory => (false, false),
        };
        assert_eq!((left > 0, traps > 0), (expected_left, expected_traps), "{shape:?} around {border:#x}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MACHINE: PrivilegeMode = PrivilegeMode::Machine;
    const SUPERVISOR: PrivilegeMode = PrivilegeMode::Supervisor;
    const GOOD: u64 = MAPPED + 0x200;

    #[test]
    fn a_group_goes_over_the_end_of_what_is_mapped_or_starts_in_front_of_it() {
        around(SUPERVISOR, GOOD, UNMAPPED, Behind::Nothing);
        around(SUPERVISOR, GOOD, BEHIND_UNMAPPED, Behind::Nothing);
        around(MACHINE, at(DATA + 0x200), RAM, Behind::Nothing);
        around(MACHINE, at(DATA + 0x200), RAM + RAM_SIZE, Behind::Nothing);
    }

    #[test]
    fn a_group_goes_into_a_page_without_permission() {
        around(MACHINE, at(DATA + 0x200), at(FORBIDDEN), Behind::Nothing);
        around(MACHINE, at(DATA + 0x200), at(FORBIDDEN + PAGE), Behind::Nothing);
    }

    #[test]
    fn a_group_is_on_two_pages_that_are_not_side_by_side() {
        around(SUPERVISOR, GOOD, ELSEWHERE, Behind::Elsewhere);
    }

    #[test]
    fn a_group_is_in_a_page_that_is_not_in_the_tlb() {
        for page in 0..4 {
            around(SUPERVISOR, GOOD, FRESH + page * PAGE + 0x800, Behind::Memory);
        }
    }

    #[test]
    fn a_group_is_in_a_device() {
        around(MACHINE, at(DATA + 0x200), DEVICE + 0x400, Behind::Device);
        around(SUPERVISOR, GOOD, REGISTERS + 0x400, Behind::Device);
    }
}
