//! Trap entry and return (privileged specification, "Machine Trap Vector", "Machine Trap
//! Delegation" and "Trap-Return Instructions").

use super::{Exception, Hart, Interrupt, PrivilegeMode, status};

const INTERRUPT_FLAG: u64 = 1 << 63;

impl Hart {
    /// Takes a synchronous exception; `pc` becomes the handler's address.
    pub fn take_exception(&mut self, exception: Exception) {
        self.config.counters.count_exception(exception.cause);
        let cause = exception.cause as u64;
        let delegated = self.mode != PrivilegeMode::Machine && self.csr.medeleg >> cause & 1 != 0;
        self.enter_handler(cause, exception.value, delegated);
    }

    /// Takes an interrupt.
    pub(super) fn take_interrupt(&mut self, interrupt: Interrupt) {
        self.config.counters.count_interrupt(interrupt);
        let delegated = self.csr.mideleg & interrupt.mask() != 0;
        self.enter_handler(INTERRUPT_FLAG | interrupt as u64, 0, delegated);
    }

    fn enter_handler(&mut self, cause: u64, value: u64, to_supervisor: bool) {
        self.spend_without_retiring();
        let pc = self.state.pc;
        let previous = self.mode as u64;
        let bits = self.state.status;
        let vector = if to_supervisor {
            self.state.sepc = pc;
            self.state.scause = cause;
            self.state.stval = value;
            let stacked = if bits & status::SIE != 0 { status::SPIE } else { 0 } | (previous & 1) << 8;
            self.state.status = bits & !(status::SIE | status::SPIE | status::SPP) | stacked;
            self.enter_mode(PrivilegeMode::Supervisor);
            self.csr.stvec
        } else {
            self.csr.mepc = pc;
            self.csr.mcause = cause;
            self.csr.mtval = value;
            let stacked = if bits & status::MIE != 0 { status::MPIE } else { 0 } | previous << status::MPP_SHIFT;
            self.state.status = bits & !(status::MIE | status::MPIE | status::MPP) | stacked;
            self.enter_mode(PrivilegeMode::Machine);
            self.csr.mtvec
        };
        self.state.pc = handler_address(vector, cause);
        self.update_context();
    }

    /// Executes `mret`; the caller has checked the mode.
    pub(crate) fn return_from_machine_trap(&mut self) {
        let bits = self.state.status;
        let mode = PrivilegeMode::from_bits(bits >> status::MPP_SHIFT);
        let enable = if bits & status::MPIE != 0 { status::MIE } else { 0 };
        let mut next = bits & !(status::MIE | status::MPP) | enable | status::MPIE;
        if mode != PrivilegeMode::Machine {
            next &= !status::MPRV;
        }
        self.state.status = next;
        self.enter_mode(mode);
        self.state.pc = self.csr.mepc;
        self.update_context();
    }

    /// Executes `sret`; the caller has checked the mode.
    pub(crate) fn return_from_supervisor_trap(&mut self) {
        let bits = self.state.status;
        let enable = if bits & status::SPIE != 0 { status::SIE } else { 0 };
        self.enter_mode(if bits & status::SPP != 0 { PrivilegeMode::Supervisor } else { PrivilegeMode::User });
        self.state.status = bits & !(status::SIE | status::SPP | status::MPRV) | enable | status::SPIE;
        self.state.pc = self.state.sepc;
        self.update_context();
    }
}

/// Address of the trap handler: `base + 4 * cause` for interrupts in vectored mode.
fn handler_address(vector: u64, cause: u64) -> u64 {
    let base = vector & !3;
    if vector & 1 != 0 && cause & INTERRUPT_FLAG != 0 { base.wrapping_add(4 * (cause & !INTERRUPT_FLAG)) } else { base }
}
