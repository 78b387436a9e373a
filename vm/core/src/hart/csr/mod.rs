//! Control and status registers.
//!
//! `table.rs` declares a row per register; the other files hold the accessors that the rows
//! name, by topic. Access rules encoded in the CSR number (privilege in bits 8 and 9,
//! read-only in bits 10 and 11) are checked here.

mod counters;
mod effect;
mod environment;
pub(super) mod file;
mod float;
mod interrupts;
mod machine;
mod pmp;
mod status;
mod supervisor;
mod table;

use crate::arch::PrivilegeMode;
use crate::hart::Hart;
pub(crate) use effect::{CsrDenied, Effect};

/// `mip`, whose reads and writes differ.
pub(crate) const MIP: u16 = 0x344;
const SIP: u16 = 0x144;
const TIME: u16 = 0xc01;

/// Name of CSR `number`, such as `mtvec` or `pmpaddr15`, if it is implemented.
pub fn name(number: u16) -> Option<String> {
    table::find(number).map(|csr| csr.name_of(number))
}

impl Hart {
    /// Reads CSR `number` for an instruction in the current mode.
    pub(crate) fn read_csr(&self, number: u16) -> Result<u64, CsrDenied> {
        let csr = self.accessible(number)?;
        Ok((csr.read)(self, number))
    }

    /// What follows from an instruction's having read `value` from CSR `number`: the interrupt
    /// that this says is due comes before the next instruction.
    pub(crate) fn effect_of_read(&self, number: u16, value: u64) -> Effect {
        let expects = match number {
            TIME => self.expects_timer(value),
            MIP | SIP => self.expects_interrupt(value),
            _ => false,
        };
        if expects { Effect::Resync } else { Effect::None }
    }

    /// Writes CSR `number` for an instruction in the current mode.
    pub(crate) fn write_csr(&mut self, number: u16, value: u64) -> Result<Effect, CsrDenied> {
        let csr = self.accessible(number)?;
        if number >> 10 == 0b11 {
            return Err(CsrDenied);
        }
        Ok((csr.write)(self, number, value))
    }

    /// Value of CSR `number` for an observer, in any mode; `None` if it does not exist.
    pub(crate) fn peek_csr(&self, number: u16) -> Option<u64> {
        table::find(number).map(|csr| (csr.read)(self, number))
    }

    fn accessible(&self, number: u16) -> Result<&'static table::Csr, CsrDenied> {
        let required = PrivilegeMode::from_bits(u64::from(number >> 8));
        let csr = table::find(number).ok_or(CsrDenied)?;
        let allowed = self.mode >= required && (csr.allowed)(self, number);
        if allowed { Ok(csr) } else { Err(CsrDenied) }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::addr::{GuestAddr, GuestPhys};
    use crate::arch::status;
    use crate::clock::Clock;
    use crate::hart::{HartConfig, Interrupt};
    use crate::mem::GuestRam;

    #[test]
    fn a_register_that_shows_a_due_interrupt_is_read_right_before_it() {
        let ram = Arc::new(GuestRam::new(GuestPhys(0x8000_0000), 4096).unwrap());
        let mut hart = Hart::new(HartConfig::alone(ram, Clock::manual()));
        hart.reset(GuestAddr(0x8000_0000), PrivilegeMode::Supervisor, 0, 0);
        hart.set_stimecmp(100);
        hart.csr.mie = Interrupt::SupervisorTimer.mask();
        let timer = Interrupt::SupervisorTimer.mask();
        assert_eq!(hart.effect_of_read(TIME, 100), Effect::None, "interrupts are disabled");
        hart.state.status |= status::SIE;
        assert_eq!(hart.effect_of_read(TIME, 99), Effect::None, "nothing is due");
        assert_eq!(hart.effect_of_read(TIME, 100), Effect::Resync);
        for register in [SIP, MIP] {
            assert_eq!(hart.effect_of_read(register, 0), Effect::None);
            assert_eq!(hart.effect_of_read(register, timer), Effect::Resync);
        }
    }
}
