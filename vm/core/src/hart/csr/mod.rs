//! Control and status registers.
//!
//! [`table`] declares one row a register; the other files hold the hooks that
//! the rows name, by topic. Access rules that follow from the number alone
//! (privilege in bits 8 and 9, read-only in bits 10 and 11) are checked here.

mod counters;
pub(crate) mod environment;
mod float;
mod interrupts;
mod machine;
mod pmp;
mod status;
mod supervisor;
mod table;

use super::{Hart, PrivilegeMode};

/// What a CSR write means for whoever executes instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing beyond the register.
    None,
    /// Interrupt enables or address translation may have changed.
    Resync,
}

/// The access is not allowed or there is no such register: illegal instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CsrDenied;

/// Registers without a place in [`super::HartState`].
#[derive(Clone, Debug, Default)]
pub(crate) struct CsrFile {
    pub(crate) medeleg: u64,
    pub(crate) mideleg: u64,
    pub(crate) mie: u64,
    /// The bits of `mip` that software wrote; lines and timers come on top.
    pub(crate) mip: u64,
    pub(crate) mtvec: u64,
    pub(crate) mepc: u64,
    pub(crate) mcause: u64,
    pub(crate) mtval: u64,
    pub(crate) mscratch: u64,
    pub(crate) mcounteren: u64,
    pub(crate) mcountinhibit: u64,
    pub(crate) menvcfg: u64,
    pub(crate) stvec: u64,
    pub(crate) sepc: u64,
    pub(crate) scause: u64,
    pub(crate) stval: u64,
    pub(crate) sscratch: u64,
    pub(crate) scounteren: u64,
    pub(crate) senvcfg: u64,
    /// Supervisor timer compare value in ticks.
    pub(crate) stimecmp: u64,
    pub(crate) satp: u64,
    /// `mcycle` minus the hart's count of retired instructions.
    pub(crate) cycle_offset: u64,
    /// `minstret` minus the hart's count of retired instructions.
    pub(crate) instret_offset: u64,
}

/// Name of CSR `number`, such as `mtvec` or `pmpaddr15`, if there is such a register.
pub fn name(number: u16) -> Option<String> {
    table::find(number).map(|csr| csr.name_of(number))
}

impl Hart {
    /// Reads CSR `number` for an instruction in the current mode.
    pub(crate) fn read_csr(&self, number: u16) -> Result<u64, CsrDenied> {
        let csr = self.accessible(number)?;
        Ok((csr.read)(self, number))
    }

    /// Writes CSR `number` for an instruction in the current mode.
    pub(crate) fn write_csr(&mut self, number: u16, value: u64) -> Result<Effect, CsrDenied> {
        let csr = self.accessible(number)?;
        if number >> 10 == 0b11 {
            return Err(CsrDenied);
        }
        Ok((csr.write)(self, number, value))
    }

    fn accessible(&self, number: u16) -> Result<&'static table::Csr, CsrDenied> {
        let required = PrivilegeMode::from_bits(u64::from(number >> 8));
        let csr = table::find(number).ok_or(CsrDenied)?;
        let allowed = self.mode >= required && (csr.allowed)(self, number);
        if allowed { Ok(csr) } else { Err(CsrDenied) }
    }
}
