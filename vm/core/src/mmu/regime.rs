//! What the registers of a hart say about an access.

use super::paging::PagingMode;
use super::tlb::Context;
use crate::arch::PrivilegeMode;

/// What the translation of an access depends on, besides page tables and PMP.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Regime {
    /// Privilege of the access.
    pub(crate) mode: PrivilegeMode,
    /// Depth and root of the page tables.
    pub(crate) satp: u64,
    /// S-mode may access user pages (`mstatus.SUM`).
    pub(crate) user_memory: bool,
    /// Loads may read what may only be executed (`mstatus.MXR`).
    pub(crate) executable_readable: bool,
    /// The walk sets A and D bits (Svadu, `menvcfg.ADUE`) instead of faulting (Svade).
    pub(crate) updates_bits: bool,
}

impl Regime {
    /// How addresses translate: in M-mode not at all.
    pub(super) fn paging(&self) -> PagingMode {
        if self.mode == PrivilegeMode::Machine {
            return PagingMode::Bare;
        }
        PagingMode::from_satp(self.satp).unwrap_or(PagingMode::Bare)
    }

    /// The TLB bank of data accesses.
    pub(super) fn context(&self) -> Context {
        match self.mode {
            PrivilegeMode::Machine => Context::Machine,
            PrivilegeMode::User => Context::User,
            PrivilegeMode::Supervisor if self.user_memory => Context::SupervisorUserMemory,
            PrivilegeMode::Supervisor => Context::Supervisor,
        }
    }
}
