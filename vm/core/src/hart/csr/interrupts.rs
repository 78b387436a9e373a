//! `mip`, `mie`, `mideleg` and their supervisor views.

use super::effect::Effect;
use crate::arch::Interrupt;
use crate::arch::envcfg;
use crate::hart::Hart;

const SSI: u64 = Interrupt::SupervisorSoftware.mask();
const STI: u64 = Interrupt::SupervisorTimer.mask();
const SEI: u64 = Interrupt::SupervisorExternal.mask();
const SUPERVISOR: u64 = SSI | STI | SEI;
const ALL: u64 =
    SUPERVISOR | Interrupt::MachineSoftware.mask() | Interrupt::MachineTimer.mask() | Interrupt::MachineExternal.mask();

pub(super) fn read_mip(hart: &Hart, _number: u16) -> u64 {
    hart.pending()
}

pub(super) fn read_sip(hart: &Hart, _number: u16) -> u64 {
    hart.pending() & hart.csr.mideleg
}

/// Writes the supervisor bits of `mip`; STIP follows `stimecmp` under Sstc.
pub(super) fn write_mip(hart: &mut Hart, _number: u16, value: u64) -> Effect {
    let timer = if hart.csr.menvcfg & envcfg::STCE != 0 { 0 } else { STI };
    let mask = SSI | SEI | timer;
    hart.csr.mip = hart.csr.mip & !mask | value & mask;
    Effect::Resync
}

pub(super) fn write_sip(hart: &mut Hart, _number: u16, value: u64) -> Effect {
    let mask = SSI & hart.csr.mideleg;
    hart.csr.mip = hart.csr.mip & !mask | value & mask;
    Effect::Resync
}

pub(super) fn write_mie(hart: &mut Hart, _number: u16, value: u64) -> Effect {
    hart.csr.mie = value & ALL;
    Effect::Resync
}

pub(super) fn read_sie(hart: &Hart, _number: u16) -> u64 {
    hart.csr.mie & hart.csr.mideleg
}

pub(super) fn write_sie(hart: &mut Hart, _number: u16, value: u64) -> Effect {
    let mask = hart.csr.mideleg;
    hart.csr.mie = hart.csr.mie & !mask | value & mask;
    Effect::Resync
}

pub(super) fn write_mideleg(hart: &mut Hart, _number: u16, value: u64) -> Effect {
    hart.csr.mideleg = value & SUPERVISOR;
    Effect::Resync
}
