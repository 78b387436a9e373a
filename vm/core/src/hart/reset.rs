//! Reset, and the state that SBI firmware sets up.

use super::csr::file::CsrFile;
use super::{Hart, HartState, Interrupt, PrivilegeMode, status};
use crate::addr::GuestAddr;
use crate::arch::{ExceptionCause, envcfg};
use crate::counters::FlushScope;

/// Exceptions that SBI firmware delegates to S-mode: all except `ecall` from S-mode and
/// M-mode.
const DELEGATED_EXCEPTIONS: u64 =
    ExceptionCause::MASK & !(ExceptionCause::SupervisorEcall.mask() | ExceptionCause::MachineEcall.mask());

impl Hart {
    /// Resets the hart to start at `pc` in `mode` with `a0` and `a1` set. Below M-mode it
    /// has the state that SBI firmware sets up: traps delegated, counters and timer
    /// available to S-mode, and one PMP entry that allows everything.
    ///
    /// State that the specification leaves unspecified is as on QEMU's `virt` machine: A
    /// and D bits are updated by hardware, and no timer is set.
    pub fn reset(&mut self, pc: GuestAddr, mode: PrivilegeMode, a0: u64, a1: u64) {
        let retired = self.instructions_retired();
        let engine = self.state.engine;
        self.state = HartState { pc: pc.0, engine, ..HartState::default() };
        self.retire_limit = retired;
        self.csr = CsrFile { menvcfg: envcfg::ADUE, stimecmp: u64::MAX, ..CsrFile::default() };
        self.mmu.reset();
        self.enter_mode(mode);
        self.state.x[10] = a0;
        self.state.x[11] = a1;
        if mode != PrivilegeMode::Machine {
            self.act_as_firmware();
        }
        self.update_context();
    }

    /// Resumes a hart suspended in S-mode at `pc` with `a0` and `a1` set, with translation
    /// and supervisor interrupts disabled, as after a start. Pending and enabled interrupts
    /// and the timer keep their state.
    pub fn resume_at(&mut self, pc: GuestAddr, a0: u64, a1: u64) {
        self.state.pc = pc.0;
        self.state.x[10] = a0;
        self.state.x[11] = a1;
        self.state.status &= !status::SIE;
        self.enter_mode(PrivilegeMode::Supervisor);
        self.csr.satp = 0;
        self.flush_translations(FlushScope::All);
        self.update_context();
    }

    fn act_as_firmware(&mut self) {
        self.csr.medeleg = DELEGATED_EXCEPTIONS;
        self.csr.mideleg = Interrupt::SupervisorSoftware.mask()
            | Interrupt::SupervisorTimer.mask()
            | Interrupt::SupervisorExternal.mask();
        self.csr.mcounteren = 0b111;
        self.csr.scounteren = 0b111;
        self.csr.menvcfg = envcfg::STCE | envcfg::ADUE | envcfg::CBZE;
        self.mmu.pmp.allow_everything();
        self.state.status |= status::FS & (1 << 13);
    }
}
