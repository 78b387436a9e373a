//! Calls and returns: the guest's are calls and returns of the host as long as every return
//! goes behind the last call. What if one does not, or if something happens in between.
//!
//! | file | holds |
//! |---|---|
//! | `calls/flow.rs` | returns that go elsewhere, links, depth, code that is not translated yet |
//! | `calls/events.rs` | traps, devices, interrupts and faults at depth; floating point |
//! | `calls/changes.rs` | address spaces, page tables, modes and code that change in a callee |

#[cfg(test)]
mod changes;
#[cfg(test)]
mod events;
#[cfg(test)]
mod flow;

use crate::bench::{DATA, at};
use crate::common::assembler::Assembler;
use crate::system::work;

/// Registers with a meaning for calls.
const RA: u32 = 1;
const SP: u32 = 2;
const T0: u32 = 5;
/// Levels of [`recursion`] that are left.
const DEPTH: u32 = 21;
/// Counts the rounds of a program.
const ROUNDS: u32 = 22;
/// Free for the innards of a function.
const SCRATCH: u32 = 23;

/// Top of the stack; it has room for 1023 frames.
const STACK: u64 = at(DATA + 0x4000);
const FRAME: i32 = 16;

/// Saves the return address.
fn push(asm: &mut Assembler) {
    asm.imm("addi", SP, SP, -FRAME);
    asm.store("sd", RA, SP, 0);
}

/// Returns to the address that was saved.
fn pop_and_return(asm: &mut Assembler) {
    asm.imm("ld", RA, SP, 0);
    asm.imm("addi", SP, SP, FRAME);
    ret(asm);
}

fn ret(asm: &mut Assembler) {
    asm.imm("jalr", 0, RA, 0);
}

/// `rd = rs`
fn copy(asm: &mut Assembler, rd: u32, rs: u32) {
    asm.imm("addi", rd, rs, 0);
}

/// A function that calls itself [`DEPTH`] times, from two places in turn, and has `leaf` done
/// in the last call.
fn recursion(leaf: impl FnOnce(&mut Assembler)) -> Assembler {
    let mut asm = Assembler::default();
    let (start, deeper, even, out) = (asm.here(), asm.label(), asm.label(), asm.label());
    asm.branch("bne", DEPTH, 0, deeper);
    leaf(&mut asm);
    ret(&mut asm);
    asm.bind(deeper);
    push(&mut asm);
    asm.imm("addi", DEPTH, DEPTH, -1);
    asm.imm("andi", SCRATCH, DEPTH, 1);
    asm.branch("beq", SCRATCH, 0, even);
    work(&mut asm, &[0, 3]);
    asm.jump(RA, start);
    work(&mut asm, &[1, 2, 11]);
    asm.jump(0, out);
    asm.bind(even);
    work(&mut asm, &[5, 12]);
    asm.jump(RA, start);
    work(&mut asm, &[0, 7]);
    asm.bind(out);
    pop_and_return(&mut asm);
    asm
}
