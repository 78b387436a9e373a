//! `cycle`, `time`, `instret` and their machine-mode originals (Zicntr).
//!
//! A cycle is one retired instruction: the guest has no clock of its own, and a
//! count that depends on nothing else keeps runs reproducible.

use super::effect::Effect;
use crate::arch::PrivilegeMode;
use crate::hart::Hart;

/// Counters that exist: cycle, time and instret.
pub(super) const IMPLEMENTED: u64 = 0b111;
const CYCLE: u64 = 1;
const INSTRET: u64 = 4;

/// The counter-enable chain of the user counters.
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

/// While a counter is inhibited its offset holds the value itself.
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

/// The offset that makes the next instruction read `value`: the write replaces
/// the increment of the instruction that does it ("Hardware Performance Monitor").
fn offset_for(hart: &Hart, counter: u64, value: u64) -> u64 {
    if hart.csr.mcountinhibit & counter != 0 {
        value
    } else {
        value.wrapping_sub(hart.instructions_retired().wrapping_add(1))
    }
}

/// Counters that stop keep the value that the instruction itself reads; those that
/// start go on from theirs behind it. The others take no notice.
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
