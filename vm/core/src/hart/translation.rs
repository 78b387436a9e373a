//! Address translation of the hart: MMU regime from its registers, queries of engines.

use super::{Hart, permission};
use crate::arch::{Exception, PrivilegeMode, envcfg, status};
use crate::counters::FlushScope;
use crate::mmu::{Fetch, FetchSpace, Flushed, Regime};

impl Hart {
    /// Translates a fetch at `va` in the current mode.
    ///
    /// # Errors
    /// Returns the exception that the fetch raises, with `va` as its value.
    pub fn translate_fetch(&mut self, va: u64) -> Result<Fetch, Exception> {
        let regime = self.regime(self.mode);
        self.mmu.fetch(&regime, va)
    }

    /// Address space of instruction fetches in the current mode. What an engine caches by
    /// virtual address is valid in the space where it was cached only, and until its page is
    /// flushed, see [`Hart::flushed_since`].
    #[inline]
    pub fn fetch_space(&self) -> FetchSpace {
        self.mmu.fetch_space(self.mode)
    }

    /// Number of the latest flush of a page or of everything. It does not tell whether the hart
    /// is in another address space: [`Hart::fetch_space`] does.
    #[inline]
    pub fn translation_epoch(&self) -> u64 {
        self.mmu.translation_epoch()
    }

    /// Pages flushed since `epoch`, an earlier [`Hart::translation_epoch`], each with the spaces
    /// that it concerns; `None` if all may have been.
    pub fn flushed_since(&self, epoch: u64) -> Option<impl Iterator<Item = Flushed>> {
        self.mmu.flushed_since(epoch)
    }

    /// Number of `fence.i` so far, and of events treated as one; engines compare it with the
    /// last one they handled.
    pub fn fetch_fences(&self) -> u64 {
        self.mmu.fetch_fences()
    }

    /// How many of [`Hart::fetch_fences`] stand for code that was written without a `fence.i`,
    /// by a hart that has dropped its translation of the page or by a device.
    pub fn unfenced_changes(&self) -> u64 {
        self.mmu.unfenced_changes()
    }

    /// Regime of data accesses: under MPRV, those of M-mode have the privilege in MPP.
    pub(super) fn data_regime(&self) -> Regime {
        let bits = self.state.status;
        let mode = if self.mode == PrivilegeMode::Machine && bits & status::MPRV != 0 {
            PrivilegeMode::from_bits(bits >> status::MPP_SHIFT)
        } else {
            self.mode
        };
        self.regime(mode)
    }

    fn regime(&self, mode: PrivilegeMode) -> Regime {
        let bits = self.state.status;
        Regime {
            mode,
            satp: self.csr.satp,
            user_memory: bits & status::SUM != 0,
            executable_readable: bits & status::MXR != 0,
            updates_bits: self.csr.menvcfg & envcfg::ADUE != 0,
        }
    }

    /// Selects the TLB bank for mode, status and `satp`. Call after any change of these.
    pub(crate) fn update_context(&mut self) {
        let regime = self.data_regime();
        self.state.tlb = self.mmu.select(&regime);
        self.update_permissions();
    }

    /// Determines what instructions may do. Call after any change of mode, `menvcfg` and
    /// `senvcfg`.
    pub(super) fn update_permissions(&mut self) {
        let (zero_blocks, supervisor) = match self.mode {
            PrivilegeMode::Machine => (true, true),
            PrivilegeMode::Supervisor => (self.csr.menvcfg & envcfg::CBZE != 0, true),
            PrivilegeMode::User => (self.csr.menvcfg & self.csr.senvcfg & envcfg::CBZE != 0, false),
        };
        let bit = |bit: u8, set: bool| if set { u64::from(bit) } else { 0 };
        self.state.permitted =
            bit(permission::ZERO_BLOCKS, zero_blocks) | bit(permission::SUPERVISOR_REGISTERS, supervisor);
    }

    /// Drops the translations of stores, so that the hart is no longer registered as a writer of
    /// pages that it has not written for long: for engines that compare such pages too often.
    pub fn drop_writable(&mut self) {
        self.mmu.drop_writable();
    }

    /// Flushes all translations; see [`crate::mmu::Mmu::flush`].
    pub(crate) fn flush_translations(&mut self, scope: FlushScope) {
        self.mmu.flush(scope);
    }
}
