//! `cycle`, `time`, `instret` and their machine-mode counterparts (Zicntr).
//!
//! A cycle is one retired instruction, which keeps runs reproducible.

use super::effect::Effect;
use crate::arch::PrivilegeMode;
use crate::hart::Hart;

/// Implemented counters: cycle, time and instret.
pub(super) const IMPLEMENTED: u64 = 0b111;
const CYCLE: u64 = 1;
const INSTRET: u64 = 4;

/// Whether `mcounteren` and `scounteren` allow access to the counter.
pub(super) fn allowed(hart: &Hart, number: u16) -> bool {
    let bit = 1u64 << (number & 31);
    match hart.mode {
        PrivilegeMode::Machine => true,
        PrivilegeMode::Supervisor => hart.csr.mcounteren & bit != 0,
        PrivilegeMode::User => hart.csr.mcounteren & hart.csr.scounteren & bit != 0,
    }
}

pub(super) fn read_cycle(hart: &Hart, _number: u16) -> u64 {
    read(hart, CYCLE, hart.csr.cycle_offset)
}

pub(super) fn read_instret(hart: &Hart, _number: u16) -> u64 {
    read(hart, INSTRET, hart.csr.instret_offset)
}

pub(super) fn read_time(hart: &Hart, _number: u16) -> u64 {
    hart.config.clock.now()
}

/// Value of a counter. While it is inhibited, its offset is the value.
fn read(hart: &Hart, counter: u64, offset: u64) -> u64 {
    if hart.csr.mcountinhibit & counter != 0 { offset } else { hart.instructions_retired().wrapping_add(offset) }
}

pub(super) fn write_mcycle(hart: &mut Hart, _number: u16, value: u64) -> Effect {
    hart.csr.cycle_offset = offset_for(hart, CYCLE, value);
    Effect::None
}

pub(super) fn write_minstret(hart: &mut Hart, _number: u16, value: u64) -> Effect {
    hart.csr.instret_offset = offset_for(hart, INSTRET, value);
    Effect::None
}

/// Offset with which the next instruction reads `value`: the write replaces the increment
/// of its own instruction ("Hardware Performance Monitor").
fn offset_for(hart: &Hart, counter: u64, value: u64) -> u64 {
    if hart.csr.mcountinhibit & counter != 0 {
        value
    } else {
        value.wrapping_sub(hart.instructions_retired().wrapping_add(1))
    }
}

/// Writes `mcountinhibit`. Counters that stop keep the value that this instruction reads;
/// those that start continue from theirs after it.
pub(super) fn write_inhibit(hart: &mut Hart, number: u16, value: u64) -> Effect {
    let (cycle, instret) = (read_cycle(hart, number), read_instret(hart, number));
    let changed = hart.csr.mcountinhibit ^ value;
    hart.csr.mcountinhibit = value & (CYCLE | INSTRET);
    if changed & CYCLE != 0 {
        hart.csr.cycle_offset = offset_for(hart, CYCLE, cycle);
    }
    if changed & INSTRET != 0 {
        hart.csr.instret_offset = offset_for(hart, INSTRET, instret);
    }
    Effect::None
}
