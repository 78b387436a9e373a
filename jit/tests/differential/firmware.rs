//! Fixed code of a test program: set-up, trap handlers, and the routine that writes the
//! CSRs to memory.
//!
//! The handlers keep the program running: they skip an instruction that trapped, restart
//! after a failed fetch, and continue in another privilege mode after `ecall`. They fold
//! every cause, trap value and address into a digest in their save area, which is compared
//! with the rest of the memory.

use riscope_core::hart::csr;

use super::layout::{
    CODE, CODE_BYTES, DUMP, DUMP_ROUTINE, MACHINE_HANDLER, MACHINE_SAVE, RAM, SETUP, SUPERVISOR, SUPERVISOR_HANDLER,
    SUPERVISOR_SAVE, USER,
};
use crate::common::assembler::{Assembler, Label};

const T0: u32 = 5;
const T3: u32 = 28;
const T4: u32 = 29;
const T5: u32 = 30;
const T6: u32 = 31;

/// Words of a save area.
mod save {
    pub(super) const T3: i32 = 0;
    pub(super) const T4: i32 = 8;
    pub(super) const T5: i32 = 16;
    pub(super) const DIGEST: i32 = 24;
    /// Base address of the code for the handler itself.
    pub(super) const OWN_BASE: i32 = 32;
    /// Number of mode changes so far.
    pub(super) const CHANGES: i32 = 40;
    /// Eight modes, a byte each, taken in turn.
    pub(super) const MODES: i32 = 48;
    /// Base address of the code for each mode.
    pub(super) const BASES: i32 = 56;
    pub(super) const RESTART: i32 = 88;
    /// Number of interrupts so far.
    pub(super) const INTERRUPTS: i32 = 96;
    /// Ticks to the next timer interrupt.
    pub(super) const PERIOD: i32 = 104;
}

/// Parameters of the handlers for a program.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// Whether S-mode and U-mode run in an address space.
    pub(crate) paging: bool,
    /// Modes that `ecall` leads to, in turn, by their encoding in MPP.
    pub(crate) modes: [u8; 8],
    /// Offset of the program's start from the start of the code.
    pub(crate) restart: u64,
    /// Ticks between timer interrupts.
    pub(crate) timer_period: u64,
}

impl Plan {
    fn base(&self, mode: u8) -> u64 {
        CODE + match mode {
            0 if self.paging => USER,
            1 if self.paging => SUPERVISOR,
            _ => RAM,
        }
    }

    /// Address of the program's start for `mode`.
    pub(crate) fn entry(&self, mode: u8) -> u64 {
        self.base(mode) + self.restart
    }

    fn supervisor(&self, offset: u64) -> u64 {
        offset + if self.paging { SUPERVISOR } else { RAM }
    }

    /// Values of the trap vectors and scratch registers.
    pub(crate) fn vectors(&self) -> [(u16, u64); 4] {
        [
            (0x305, RAM + MACHINE_HANDLER),
            (0x340, RAM + MACHINE_SAVE),
            (0x105, self.supervisor(SUPERVISOR_HANDLER)),
            (0x140, self.supervisor(SUPERVISOR_SAVE)),
        ]
    }

    /// The save areas: physical address and words.
    pub(crate) fn save_areas(&self) -> [(u64, Vec<u64>); 2] {
        let area = |own_base: u64| {
            let mut words = vec![0; 14];
            let mut set = |at: i32, value: u64| words[at as usize / 8] = value;
            set(save::OWN_BASE, own_base);
            set(save::MODES, u64::from_le_bytes(self.modes));
            for mode in 0..4u8 {
                set(save::BASES + 8 * i32::from(mode), self.base(mode));
            }
            set(save::RESTART, self.restart);
            set(save::PERIOD, self.timer_period);
            words
        };
        [(RAM + MACHINE_SAVE, area(self.base(3))), (RAM + SUPERVISOR_SAVE, area(self.base(1)))]
    }
}

/// Differences between the handlers of the two modes.
struct Level {
    status: u16,
    scratch: u16,
    pc: u16,
    cause: u16,
    value: u16,
    pending: u16,
    /// Position of the previous mode in the status register.
    previous_shift: i32,
    /// Its mask after shifting.
    previous_mask: i32,
    /// Status bits to clear before another mode is set.
    clear: u64,
    back: &'static str,
}

const MACHINE: Level = Level {
    status: 0x300,
    scratch: 0x340,
    pc: 0x341,
    cause: 0x342,
    value: 0x343,
    pending: 0x344,
    previous_shift: 11,
    previous_mask: 3,
    // Under MPRV, the handler's own accesses would follow the new mode.
    clear: 3 << 11 | 1 << 17,
    back: "mret",
};

const SUPERVISOR_LEVEL: Level = Level {
    status: 0x100,
    scratch: 0x140,
    pc: 0x141,
    cause: 0x142,
    value: 0x143,
    pending: 0x144,
    previous_shift: 8,
    previous_mask: 1,
    clear: 1 << 8,
    back: "sret",
};

/// The fixed code: offsets in RAM and bytes.
pub(crate) fn images(setup: &[(u16, u64)]) -> Vec<(u64, Vec<u8>)> {
    vec![
        (SETUP, set_up(setup)),
        (DUMP_ROUTINE, dump_routine()),
        (MACHINE_HANDLER, handler(&MACHINE)),
        (SUPERVISOR_HANDLER, handler(&SUPERVISOR_LEVEL)),
    ]
}

/// Writes control registers and leaves M-mode.
fn set_up(registers: &[(u16, u64)]) -> Vec<u8> {
    let mut asm = Assembler::default();
    for &(csr, value) in registers {
        asm.constant(T0, value);
        asm.csr("csrrw", 0, csr, T0);
    }
    asm.imm("addi", T0, 0, 0);
    asm.reg("mret", 0, 0, 0);
    assert!(asm.len() as u64 <= DUMP_ROUTINE - SETUP, "the set-up is too long");
    asm.finish()
}

/// Registers that the dump routine writes to memory, in its order.
pub(crate) fn dumped_registers() -> impl Iterator<Item = u16> {
    let is_constant = |name: &str| name.starts_with("hpm") || name.starts_with("mhpm");
    (0..0x1000).filter(move |&number| {
        let upper_pmp = (0x3c0..=0x3ef).contains(&number) || (0x3a4..=0x3af).contains(&number) || number & !2 == 0x3a1;
        csr::name(number).is_some_and(|name| !is_constant(&name)) && !upper_pmp && !is_float(number)
    })
}

/// Not readable while floating point is off; compared from the hart's state.
fn is_float(number: u16) -> bool {
    (1..=3).contains(&number)
}

/// Instructions that the dump routine takes.
pub(crate) fn dump_length() -> u64 {
    dump_routine().len() as u64 / 4
}

/// Writes the control registers to memory, then spins.
fn dump_routine() -> Vec<u8> {
    let mut asm = Assembler::default();
    asm.constant(T0, RAM + DUMP);
    for (n, number) in (0..).zip(dumped_registers()) {
        asm.csr("csrrs", T3, number, 0);
        asm.store("sd", T3, T0, 8 * n);
    }
    let here = asm.here();
    asm.jump(0, here);
    assert!(asm.len() as u64 <= MACHINE_HANDLER - DUMP_ROUTINE, "the dump routine is too long");
    asm.finish()
}

/// A trap handler, see the module's head.
fn handler(level: &Level) -> Vec<u8> {
    let mut asm = Assembler::default();
    let (interrupt, resume, restart) = (asm.label(), asm.label(), asm.label());
    asm.csr("csrrw", T6, level.scratch, T6);
    for (register, at) in [(T5, save::T5), (T4, save::T4), (T3, save::T3)] {
        asm.store("sd", register, T6, at);
    }
    asm.csr("csrrs", T3, level.value, 0);
    asm.csr("csrrs", T4, level.pc, 0);
    asm.imm("ld", T5, T6, save::DIGEST);
    asm.reg("add", T5, T5, T3);
    asm.reg("xor", T5, T5, T4);
    asm.csr("csrrs", T3, level.cause, 0);
    asm.reg("add", T5, T5, T3);
    asm.imm("rori", T5, T5, 13);
    asm.store("sd", T5, T6, save::DIGEST);
    asm.branch("blt", T3, 0, interrupt);
    skip_instruction(&mut asm, restart);
    change_mode(&mut asm, level, resume);
    asm.bind(interrupt);
    serve_interrupt(&mut asm, level, restart, resume);
    asm.bind(restart);
    asm.imm("ld", T4, T6, save::RESTART);
    asm.bind(resume);
    return_to_offset(&mut asm, level);
    assert!(asm.len() as u64 <= SUPERVISOR_HANDLER - MACHINE_HANDLER, "the handler is too long");
    asm.finish()
}

/// Advances `pc` in t4 to the offset of the next instruction, by the cause in t3.
fn skip_instruction(asm: &mut Assembler, restart: Label) {
    // Fetches that failed: causes 0, 1 and 12.
    asm.imm("lui", T5, 0, 0x1000);
    asm.imm("addi", T5, T5, 3);
    asm.reg("srl", T5, T5, T3);
    asm.imm("andi", T5, T5, 1);
    asm.branch("bne", T5, 0, restart);
    keep_offset(asm);
    asm.imm("ld", T5, T6, save::OWN_BASE);
    asm.reg("add", T5, T5, T4);
    asm.imm("lhu", T5, T5, 0);
    asm.imm("andi", T5, T5, 3);
    // 4 bytes if both bits are set, else 2.
    asm.imm("sltiu", T5, T5, 3);
    asm.imm("xori", T5, T5, 1);
    asm.imm("slli", T5, T5, 1);
    asm.reg("add", T4, T4, T5);
    asm.imm("addi", T4, T4, 2);
    keep_offset(asm);
}

/// Keeps the offset in the code of the address in t4.
fn keep_offset(asm: &mut Assembler) {
    let shift = CODE_BYTES.leading_zeros() as i32 + 1;
    asm.imm("slli", T4, T4, shift);
    asm.imm("srli", T4, T4, shift);
}

/// After an `ecall` (cause in t3), sets the previous mode to the next of the list.
fn change_mode(asm: &mut Assembler, level: &Level, resume: Label) {
    asm.imm("addi", T5, T3, -8);
    asm.imm("sltiu", T5, T5, 4);
    asm.branch("beq", T5, 0, resume);
    asm.imm("ld", T5, T6, save::CHANGES);
    asm.imm("addi", T5, T5, 1);
    asm.store("sd", T5, T6, save::CHANGES);
    asm.imm("andi", T5, T5, 7);
    asm.reg("add", T5, T5, T6);
    asm.imm("lbu", T5, T5, save::MODES);
    asm.imm("andi", T5, T5, level.previous_mask);
    asm.imm("slli", T5, T5, level.previous_shift);
    asm.constant(T3, level.clear);
    asm.csr("csrrc", 0, level.status, T3);
    asm.csr("csrrs", 0, level.status, T5);
    asm.jump(0, resume);
}

/// Rearms the timer and clears a software interrupt; every fourth interrupt restarts the
/// program, so that endless loops in it end.
fn serve_interrupt(asm: &mut Assembler, level: &Level, restart: Label, resume: Label) {
    asm.csr("csrrci", 0, level.pending, 2);
    asm.csr("csrrs", T3, 0xc01, 0);
    asm.imm("ld", T5, T6, save::PERIOD);
    asm.reg("add", T3, T3, T5);
    asm.csr("csrrw", 0, 0x14d, T3);
    keep_offset(asm);
    asm.imm("ld", T5, T6, save::INTERRUPTS);
    asm.imm("addi", T5, T5, 1);
    asm.store("sd", T5, T6, save::INTERRUPTS);
    asm.imm("andi", T5, T5, 3);
    asm.branch("bne", T5, 0, resume);
    // The program may have been between a store to its code and the fence.
    asm.reg("fence.i", 0, 0, 0);
    asm.jump(0, restart);
}

/// Returns to offset t4 of the code in the address space of the previous mode.
fn return_to_offset(asm: &mut Assembler, level: &Level) {
    asm.csr("csrrs", T5, level.status, 0);
    asm.imm("srli", T5, T5, level.previous_shift);
    asm.imm("andi", T5, T5, level.previous_mask);
    asm.imm("slli", T5, T5, 3);
    asm.reg("add", T5, T5, T6);
    asm.imm("ld", T5, T5, save::BASES);
    asm.reg("add", T4, T4, T5);
    asm.csr("csrrw", 0, level.pc, T4);
    for (register, at) in [(T5, save::T5), (T4, save::T4), (T3, save::T3)] {
        asm.imm("ld", register, T6, at);
    }
    asm.csr("csrrw", T6, level.scratch, T6);
    asm.reg(level.back, 0, 0, 0);
}
