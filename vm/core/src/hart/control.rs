//! How other threads reach a hart: interrupt lines, remote fences, stop requests.
//!
//! A hart looks at [`HartControl::take_attention`] every few thousand
//! instructions and before it sleeps; whoever wants something sets a bit there
//! and wakes it. Nothing here blocks the hart.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::trap::Interrupt;

/// Requests that a hart serves at its next poll.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attention(u32);

impl Attention {
    /// An interrupt line changed.
    pub const INTERRUPT: Self = Self(1);
    /// Another hart asks for a `fence.i` here (SBI RFENCE).
    pub const FENCE_I: Self = Self(2);
    /// Another hart asks for an `sfence.vma` of everything here (SBI RFENCE).
    pub const SFENCE_VMA: Self = Self(4);
    /// The machine wants the hart's thread back (stop, pause, reset).
    pub const STOP: Self = Self(8);

    /// Whether all bits of `other` are set.
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether nothing is asked for.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// The part of a hart that other threads may touch.
#[derive(Debug)]
pub struct HartControl {
    attention: AtomicU32,
    /// Levels of the interrupt lines, at their bit positions in `mip`.
    lines: AtomicU64,
    /// `mtimecmp` of the CLINT, in ticks.
    mtimecmp: AtomicU64,
    /// Whether the hart may be executing guest instructions.
    running: AtomicBool,
    /// A supervisor software interrupt that the hart has not latched yet.
    supervisor_software: AtomicBool,
    fences_requested: AtomicU64,
    fences_done: AtomicU64,
    sleep: Mutex<()>,
    wake: Condvar,
}

impl Default for HartControl {
    fn default() -> Self {
        Self {
            attention: AtomicU32::new(0),
            lines: AtomicU64::new(0),
            mtimecmp: AtomicU64::new(u64::MAX),
            running: AtomicBool::new(false),
            supervisor_software: AtomicBool::new(false),
            fences_requested: AtomicU64::new(0),
            fences_done: AtomicU64::new(0),
            sleep: Mutex::new(()),
            wake: Condvar::new(),
        }
    }
}

impl HartControl {
    /// Asks the hart for something and wakes it if it sleeps.
    pub fn request(&self, what: Attention) {
        self.attention.fetch_or(what.0, Ordering::SeqCst);
        if !self.running.load(Ordering::SeqCst) {
            // Taking the lock orders this wake-up after the sleeper's last look.
            drop(self.sleep.lock().unwrap_or_else(PoisonError::into_inner));
            self.wake.notify_all();
        }
    }

    /// Sets the level of an interrupt line. Devices call this on every change.
    pub fn set_line(&self, line: Interrupt, level: bool) {
        let bit = line.mask();
        let before = if level {
            self.lines.fetch_or(bit, Ordering::SeqCst)
        } else {
            self.lines.fetch_and(!bit, Ordering::SeqCst)
        };
        if level && before & bit == 0 {
            self.request(Attention::INTERRUPT);
        }
    }

    /// Makes a supervisor software interrupt pending (an IPI through SBI). It is an
    /// edge: the guest clears `sip.SSIP` itself.
    pub fn raise_supervisor_software(&self) {
        self.supervisor_software.store(true, Ordering::SeqCst);
        self.request(Attention::INTERRUPT);
    }

    /// Takes the edge of [`HartControl::raise_supervisor_software`].
    pub(super) fn take_supervisor_software(&self) -> bool {
        self.supervisor_software.swap(false, Ordering::SeqCst)
    }

    /// Current levels of the lines, at their bit positions in `mip`.
    pub fn lines(&self) -> u64 {
        self.lines.load(Ordering::Acquire)
    }

    /// Machine timer compare value in ticks; `u64::MAX` when never written.
    pub fn mtimecmp(&self) -> u64 {
        self.mtimecmp.load(Ordering::Acquire)
    }

    /// Sets the machine timer compare value in ticks.
    pub fn set_mtimecmp(&self, ticks: u64) {
        self.mtimecmp.store(ticks, Ordering::SeqCst);
        self.request(Attention::INTERRUPT);
    }

    /// Whether anything was requested; cheap enough for every poll.
    #[inline]
    pub fn wants_attention(&self) -> bool {
        self.attention.load(Ordering::Relaxed) != 0
    }

    /// Takes all requests but [`Attention::STOP`], which stays until
    /// [`HartControl::clear_stop`]. Only the hart's own thread calls this.
    pub fn take_attention(&self) -> Attention {
        Attention(self.attention.fetch_and(Attention::STOP.0, Ordering::SeqCst))
    }

    /// Lets the hart run again after a stop.
    pub fn clear_stop(&self) {
        self.attention.fetch_and(!Attention::STOP.0, Ordering::SeqCst);
    }

    /// The hart's thread enters (or leaves) guest execution. Enter before looking
    /// at the requests: whoever saw "not running" relies on that look.
    pub fn set_running(&self, running: bool) {
        self.running.store(running, Ordering::SeqCst);
    }

    /// Sleeps until a request arrives or `limit` has passed. Call only when not
    /// running, from the hart's own thread.
    pub fn sleep(&self, limit: Duration) {
        let guard = self.sleep.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.wants_attention() {
            drop(self.wake.wait_timeout(guard, limit).unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// Requests a remote fence and returns a ticket for [`HartControl::fence_done`].
    pub fn request_fence(&self, kind: Attention) -> u64 {
        let ticket = self.fences_requested.fetch_add(1, Ordering::SeqCst) + 1;
        self.request(kind);
        ticket
    }

    /// Whether the fence of `ticket` has taken effect: served, or the hart is not
    /// executing and will serve it before its next instruction.
    pub fn fence_done(&self, ticket: u64) -> bool {
        self.fences_done.load(Ordering::SeqCst) >= ticket || !self.running.load(Ordering::SeqCst)
    }

    /// Number of fences requested so far; read *before* taking the requests.
    pub fn fences_requested(&self) -> u64 {
        self.fences_requested.load(Ordering::SeqCst)
    }

    /// All fences up to `ticket` have been served by the hart.
    pub fn complete_fences(&self, ticket: u64) {
        self.fences_done.store(ticket, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rising_line_asks_for_attention_once() {
        let control = HartControl::default();
        control.set_line(Interrupt::SupervisorExternal, true);
        assert_eq!(control.take_attention(), Attention::INTERRUPT);
        control.set_line(Interrupt::SupervisorExternal, true);
        assert!(control.take_attention().is_empty());
        assert_eq!(control.lines(), 1 << 9);
        control.set_line(Interrupt::SupervisorExternal, false);
        assert_eq!(control.lines(), 0);
    }

    #[test]
    fn stop_stays_until_cleared() {
        let control = HartControl::default();
        control.request(Attention::STOP);
        assert!(control.take_attention().contains(Attention::STOP));
        assert!(control.take_attention().contains(Attention::STOP));
        control.clear_stop();
        assert!(control.take_attention().is_empty());
    }

    #[test]
    fn a_request_wakes_a_sleeper() {
        let control = std::sync::Arc::new(HartControl::default());
        let sleeper = {
            let control = std::sync::Arc::clone(&control);
            std::thread::spawn(move || control.sleep(Duration::from_secs(3600)))
        };
        control.request(Attention::INTERRUPT);
        sleeper.join().unwrap();
    }

    #[test]
    fn a_fence_on_an_idle_hart_counts_as_done() {
        let control = HartControl::default();
        let ticket = control.request_fence(Attention::FENCE_I);
        assert!(control.fence_done(ticket));
        control.set_running(true);
        assert!(!control.fence_done(ticket));
        control.complete_fences(control.fences_requested());
        assert!(control.fence_done(ticket));
    }
}
