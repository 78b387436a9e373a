//! Reset and the state that firmware would leave behind.

use super::csr::{CsrFile, environment};
use super::{Hart, HartState, Interrupt, PrivilegeMode, status};
use crate::addr::GuestAddr;

/// Exceptions that an SBI implementation delegates to S-mode: all but calls from
/// S-mode and M-mode (causes 9 and 11).
const DELEGATED_EXCEPTIONS: u64 = 0xb1ff & !(1 << 9);

impl Hart {
    /// Resets the hart and lets it start at `pc` in `mode` with `a0` and `a1` set.
    /// Below M-mode it gets what SBI firmware sets up: delegation of traps,
    /// counters and timer for S-mode, and one PMP entry that allows everything.
    ///
    /// Where the specification leaves the state open it is that of QEMU's `virt`
    /// machine: hardware updates A and D bits, and no timer is set.
    pub fn reset(&mut self, pc: GuestAddr, mode: PrivilegeMode, a0: u64, a1: u64) {
        let retired = self.instructions_retired();
        let engine = self.state.engine;
        self.state = HartState { pc: pc.0, engine, ..HartState::default() };
        self.retire_limit = retired;
        self.csr = CsrFile { menvcfg: environment::ADUE, stimecmp: u64::MAX, ..CsrFile::default() };
        self.release_writers();
        self.mmu.reset();
        self.mode = mode;
        self.state.x[10] = a0;
        self.state.x[11] = a1;
        if mode != PrivilegeMode::Machine {
            self.act_as_firmware();
        }
        self.update_context();
    }

    fn act_as_firmware(&mut self) {
        self.csr.medeleg = DELEGATED_EXCEPTIONS;
        self.csr.mideleg = Interrupt::SupervisorSoftware.mask()
            | Interrupt::SupervisorTimer.mask()
            | Interrupt::SupervisorExternal.mask();
        self.csr.mcounteren = 0b111;
        self.csr.scounteren = 0b111;
        self.csr.menvcfg = environment::STCE | environment::ADUE | environment::CBZE;
        self.mmu.pmp.allow_everything();
        self.state.status |= status::FS & (1 << 13);
    }
}
