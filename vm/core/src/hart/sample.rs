//! What a hart says of itself when an observer asks.
//!
//! An observer sets [`Attention::SAMPLE`](super::Attention::SAMPLE) and takes the answer
//! later ([`HartControl::take_sample`](super::HartControl::take_sample)). The hart pays
//! for the questions that are asked and for nothing else.

use crate::arch::PrivilegeMode;

/// A hart at one of its polls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HartSample {
    /// Address of its next instruction, as the program sees it.
    pub pc: u64,
    /// Its privilege mode.
    pub mode: PrivilegeMode,
    /// Interrupts that are pending and enabled one by one, at their bit positions in `mip`,
    /// while the hart's status lets it take none of them. 0 when it takes one next.
    pub masked: u64,
    /// Guest time, in ticks of the clock.
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
