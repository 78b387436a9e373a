//! State of a running hart, sampled on request.
//!
//! An observer requests [`Attention::SAMPLE`](super::Attention::SAMPLE) and takes the
//! answer later ([`HartControl::take_sample`](super::HartControl::take_sample)). Without
//! requests a hart does no extra work.

use crate::arch::PrivilegeMode;

/// State of a hart at one of its polls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HartSample {
    /// Virtual address of the next instruction.
    pub pc: u64,
    /// Privilege mode.
    pub mode: PrivilegeMode,
    /// Interrupts pending and individually enabled, at their bit positions in `mip`, that
    /// the hart cannot take because of `mstatus`. 0 if it takes one next.
    pub masked: u64,
    /// Guest time in ticks.
    pub ticks: u64,
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::addr::GuestPhys;
    use crate::clock::Clock;
    use crate::hart::{Attention, Hart, HartConfig, Interrupt, status};
    use crate::mem::GuestRam;

    /// A hart in S-mode with its external interrupt delegated, enabled and pending.
    fn hart() -> Hart {
        let ram = Arc::new(GuestRam::new(GuestPhys(0x8000_0000), 1 << 20).unwrap());
        let mut hart = Hart::new(HartConfig::alone(ram, Clock::manual()));
        let external = Interrupt::SupervisorExternal.mask();
        hart.mode = PrivilegeMode::Supervisor;
        hart.csr.mideleg = external;
        hart.csr.mie = external;
        hart.control().set_line(Interrupt::SupervisorExternal, true);
        hart
    }

    fn masked(hart: &mut Hart) -> u64 {
        hart.control().request(Attention::SAMPLE);
        hart.serve_attention();
        let sample = hart.control().take_sample().expect("a hart answers when it polls");
        assert_eq!((sample.pc, sample.mode), (hart.state.pc, hart.mode));
        sample.masked
    }

    #[test]
    fn an_interrupt_that_waits_for_the_status_is_masked() {
        let mut hart = hart();
        assert_eq!(masked(&mut hart), Interrupt::SupervisorExternal.mask());
        hart.state.status |= status::SIE;
        assert_eq!(masked(&mut hart), 0, "it is about to be taken");
        hart.state.status &= !status::SIE;
        hart.csr.mie = 0;
        assert_eq!(masked(&mut hart), 0, "nobody has enabled it");
    }

    #[test]
    fn a_sample_is_given_once_and_only_to_who_asks() {
        let mut hart = hart();
        hart.serve_attention();
        assert_eq!(hart.control().take_sample(), None);
        masked(&mut hart);
        assert_eq!(hart.control().take_sample(), None);
    }
}
