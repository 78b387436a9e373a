//! Translation regime: what the registers of a hart imply for an access.

use super::paging::PagingMode;
use super::tlb::Context;
use crate::arch::PrivilegeMode;

/// Inputs of address translation other than page tables and PMP.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Regime {
    /// Privilege of the access.
    pub(crate) mode: PrivilegeMode,
    /// Page-table mode and root.
    pub(crate) satp: u64,
    /// S-mode may access user pages (`mstatus.SUM`).
    pub(crate) user_memory: bool,
    /// Loads may read executable pages (`mstatus.MXR`).
    pub(crate) executable_readable: bool,
    /// The walk sets A and D bits (Svadu, `menvcfg.ADUE`) instead of faulting (Svade).
    pub(crate) updates_bits: bool,
}

impl Regime {
    /// Paging mode; none in M-mode.
    pub(super) fn paging(&self) -> PagingMode {
        if self.mode == PrivilegeMode::Machine {
            return PagingMode::Bare;
        }
        PagingMode::from_satp(self.satp).unwrap_or(PagingMode::Bare)
    }

    /// TLB bank of data accesses.
    pub(super) fn context(&self) -> Context {
        match self.mode {
            PrivilegeMode::Machine => Context::Machine,
            PrivilegeMode::User => Context::User,
            PrivilegeMode::Supervisor if self.user_memory => Context::SupervisorUserMemory,
            PrivilegeMode::Supervisor => Context::Supervisor,
        }
    }
}
