//! `stvec`, `satp` and `stimecmp`.

use super::effect::Effect;
use super::machine;
use crate::arch::PrivilegeMode;
use crate::arch::envcfg;
use crate::arch::status::TVM;
use crate::hart::Hart;
use crate::mmu::PagingMode;

/// 16-bit ASID and physical page number; the mode is checked separately.
const SATP_FIELDS: u64 = (1 << 60) - 1;

pub(super) fn write_stvec(hart: &mut Hart, _number: u16, value: u64) -> Effect {
    hart.csr.stvec = machine::legal_vector(value, hart.csr.stvec);
    Effect::None
}

pub(super) fn satp_allowed(hart: &Hart, _number: u16) -> bool {
    hart.mode != PrivilegeMode::Supervisor || hart.state.status & TVM == 0
}

/// Writes `satp`, which selects an address space and flushes nothing. A write with an
/// unsupported mode has no effect ("Supervisor Address Translation and Protection Register").
pub(super) fn write_satp(hart: &mut Hart, _number: u16, value: u64) -> Effect {
    if !PagingMode::from_satp(value).is_some_and(|mode| mode.is_there(hart.config.mmu)) {
        return Effect::None;
    }
    let value = value & (SATP_FIELDS | 0xf << 60);
    if value != hart.csr.satp {
        hart.csr.satp = value;
        hart.update_context();
    }
    Effect::Resync
}

pub(super) fn stimecmp_allowed(hart: &Hart, _number: u16) -> bool {
    hart.mode == PrivilegeMode::Machine || hart.csr.menvcfg & envcfg::STCE != 0 && hart.csr.mcounteren & 2 != 0
}

pub(super) fn write_stimecmp(hart: &mut Hart, _number: u16, value: u64) -> Effect {
    hart.csr.stimecmp = value;
    Effect::Resync
}
