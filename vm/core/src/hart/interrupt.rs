//! Pending interrupts, timers, polling and sleep.

use std::time::Duration;

use super::{Attention, Hart, HartSample, Interrupt, PrivilegeMode, Taken, status};
use crate::arch::envcfg;

/// Longest sleep in `wfi` without a deadline; the caller sleeps again.
const LONGEST_SLEEP: Duration = Duration::from_secs(3600);

/// Result of a poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Polled {
    /// Continue.
    Go,
    /// [`Attention::STOP`] is requested.
    Stop,
}

impl Hart {
    /// `mip`: software-written bits, device lines and timers.
    pub(crate) fn pending(&self) -> u64 {
        // Under Sstc, STIP reflects the timer only.
        let software = if self.has_sstc() { self.csr.mip & !Interrupt::SupervisorTimer.mask() } else { self.csr.mip };
        let pending = software | self.config.control.lines();
        if self.config.control.mtimecmp() == u64::MAX && self.supervisor_deadline() == u64::MAX {
            return pending;
        }
        pending | self.timers_due(self.config.clock.now())
    }

    /// Interrupts of the timers whose deadlines have been reached at time `now`.
    fn timers_due(&self, now: u64) -> u64 {
        let machine = if now >= self.config.control.mtimecmp() { Interrupt::MachineTimer.mask() } else { 0 };
        let supervisor = if now >= self.supervisor_deadline() { Interrupt::SupervisorTimer.mask() } else { 0 };
        machine | supervisor
    }

    /// Whether the hart takes a timer interrupt at time `now`. A program that has read this time
    /// expects that it is interrupted before the next instruction, although the end of the quantum
    /// may be far: the host may have taken the CPU away for any time.
    pub(crate) fn expects_timer(&self, now: u64) -> bool {
        self.deliverable_of(self.timers_due(now)).is_some()
    }

    /// Whether the hart takes an interrupt of `pending`, as read from `mip` or `sip`.
    pub(crate) fn expects_interrupt(&self, pending: u64) -> bool {
        self.deliverable_of(pending).is_some()
    }

    fn has_sstc(&self) -> bool {
        self.csr.menvcfg & envcfg::STCE != 0
    }

    /// `stimecmp` if Sstc is enabled, otherwise never.
    fn supervisor_deadline(&self) -> u64 {
        if self.has_sstc() { self.csr.stimecmp } else { u64::MAX }
    }

    /// Highest-priority interrupt that the hart must take now.
    fn deliverable(&self) -> Option<Interrupt> {
        self.deliverable_of(self.pending())
    }

    /// Highest-priority interrupt among `pending` that the hart must take now.
    fn deliverable_of(&self, pending: u64) -> Option<Interrupt> {
        let pending = pending & self.csr.mie;
        if pending == 0 {
            return None;
        }
        let bits = self.state.status;
        let machine = self.mode != PrivilegeMode::Machine || bits & status::MIE != 0;
        let supervisor = match self.mode {
            PrivilegeMode::Machine => false,
            PrivilegeMode::Supervisor => bits & status::SIE != 0,
            PrivilegeMode::User => true,
        };
        let to_machine = if machine { pending & !self.csr.mideleg } else { 0 };
        let to_supervisor = if supervisor { pending & self.csr.mideleg } else { 0 };
        // Interrupts to M-mode have precedence over those to S-mode.
        let candidates = if to_machine != 0 { to_machine } else { to_supervisor };
        Interrupt::BY_PRIORITY.into_iter().find(|interrupt| candidates & interrupt.mask() != 0)
    }

    /// Serves requests of other threads and takes a deliverable interrupt. Engines call it
    /// before they execute guest code and at the end of every quantum.
    pub fn poll(&mut self) -> Polled {
        self.mmu.notice_code_writes();
        if self.config.control.wants_attention() && self.serve_attention().contains(Attention::STOP) {
            return Polled::Stop;
        }
        self.sample_if_due();
        if let Some(interrupt) = self.deliverable() {
            self.take_interrupt(interrupt);
        }
        Polled::Go
    }

    /// As [`Hart::poll`], in the middle of a quantum, which goes on.
    pub fn poll_within_quantum(&mut self) -> Polled {
        self.tick();
        // An interrupt takes nothing from the quantum, just as between two of them.
        let (countdown, retire_limit) = (self.state.countdown, self.retire_limit);
        let polled = self.poll();
        (self.state.countdown, self.retire_limit) = (countdown, retire_limit);
        self.end_quantum_for_sample();
        polled
    }

    /// Serves pending requests of other threads and returns them. A hart that waits for
    /// another hart's fence must call it in its wait loop, so that harts fencing each other
    /// make progress.
    pub fn serve_attention(&mut self) -> Attention {
        let control = &self.config.control;
        let Taken { attention, fences } = control.take_requests();
        if control.take_supervisor_software() {
            self.csr.mip |= Interrupt::SupervisorSoftware.mask();
        }
        if attention.contains(Attention::FENCE_I) {
            self.mmu.fence_fetches();
        }
        if attention.contains(Attention::SFENCE_VMA) {
            let extents = self.config.control.take_extents();
            extents.into_iter().for_each(|extent| self.mmu.fence_for_other(extent));
        }
        self.config.control.complete_fences(fences);
        if attention.contains(Attention::SAMPLE) {
            self.config.control.put_sample(self.sample());
        }
        if attention.contains(Attention::PROFILE) {
            self.sampling.request(self.instructions_retired());
        }
        attention
    }

    /// Present activity of the hart, for observers.
    fn sample(&self) -> HartSample {
        let masked = if self.deliverable().is_some() { 0 } else { self.pending() & self.csr.mie };
        HartSample { pc: self.state.pc, mode: self.mode, masked, ticks: self.config.clock.now() }
    }

    /// Clears the supervisor software interrupt, latched or not. Returns whether it was
    /// pending.
    pub fn clear_supervisor_software(&mut self) -> bool {
        let mask = Interrupt::SupervisorSoftware.mask();
        let raised = self.config.control.take_supervisor_software();
        let pending = raised || self.csr.mip & mask != 0;
        self.csr.mip &= !mask;
        pending
    }

    /// Ends the quantum after the current instruction, an access to a device, if a request is
    /// pending or an interrupt is due: the access may have raised it, read a time at which it is
    /// due, or taken long.
    pub(crate) fn poll_soon(&mut self) {
        let unused = self.state.countdown - 1;
        if unused > 0 && (self.config.control.wants_attention() || self.deliverable().is_some()) {
            self.state.countdown -= unused;
            self.quantum -= unused;
            self.retire_limit = self.retire_limit.wrapping_sub(unused.cast_unsigned());
        }
    }

    /// Whether `wfi` completes at once: an individually enabled interrupt is pending,
    /// whatever the global enables.
    pub fn has_wakeup(&self) -> bool {
        self.pending() & self.csr.mie != 0
    }

    /// Sleeps until a request of another thread or the next timer deadline. Advances a
    /// manual clock to the deadline instead of sleeping.
    pub fn wait_for_interrupt(&mut self) {
        let mut deadline = u64::MAX;
        if self.csr.mie & Interrupt::MachineTimer.mask() != 0 {
            deadline = self.config.control.mtimecmp();
        }
        if self.csr.mie & Interrupt::SupervisorTimer.mask() != 0 {
            deadline = deadline.min(self.supervisor_deadline());
        }
        if self.has_wakeup() {
            return;
        }
        let clock = &self.config.clock;
        if clock.is_manual() && deadline != u64::MAX {
            clock.advance(deadline.saturating_sub(clock.now()));
            return;
        }
        let limit = if deadline == u64::MAX { LONGEST_SLEEP } else { clock.until(deadline).min(LONGEST_SLEEP) };
        self.config.control.sleep(limit);
    }

    /// Sets the supervisor timer, as SBI `set_timer` does; `u64::MAX` disables it.
    pub fn set_stimecmp(&mut self, ticks: u64) {
        self.csr.stimecmp = ticks;
        self.csr.mip &= !Interrupt::SupervisorTimer.mask();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::addr::GuestPhys;
    use crate::clock::Clock;
    use crate::counters::FlushScope;
    use crate::hart::{HartConfig, RemoteFence};
    use crate::mem::GuestRam;
    use crate::mmu::Extent;

    #[test]
    fn fences_that_are_served_at_once_flush_all_that_each_names() {
        let ram = Arc::new(GuestRam::new(GuestPhys(0x8000_0000), 4096).unwrap());
        let mut hart = Hart::new(HartConfig::alone(ram, Clock::manual()));
        for page in 1..=3 {
            hart.control().request_fence(RemoteFence::Translations(Extent::of_range(page << 12, 1, None)));
        }
        assert_eq!(hart.serve_attention(), Attention::SFENCE_VMA);
        assert_eq!(hart.counters().tlb_flushes()[FlushScope::Remote.index()], 3);
    }
}
