//! Exit of a machine: reasons, and the latch that keeps the first one.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use riscope_core::hart::{Attention, HartControl};

use crate::sync::lock;

/// Reason why a machine ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MachineExit {
    /// The guest powered off.
    PowerOff,
    /// The guest requested a reset: the machine must be rebuilt and started.
    Reset,
    /// The guest reported a failure with this code (test device, HTIF, or 1 for an SBI
    /// shutdown due to a system failure).
    Failure(u32),
    /// The guest panicked, and the machine is configured to end then.
    GuestPanic,
    /// The time limit was reached.
    Timeout,
    /// Stopped by the host.
    Stopped,
    /// A thread of the machine panicked, which is a bug in riscope.
    Crashed,
}

impl MachineExit {
    /// Exit status of a process that runs only this machine: 0 for power-off; the code of a
    /// failure, or 255 if that is larger or 0, since no failure may look like success; 3
    /// for a reset that is not served; 71 for a panic that ends the machine; 124 for a
    /// time-out, as timeout(1) returns; 130 for a stop by the host, as shells report
    /// SIGINT; 70 for a crash of riscope.
    pub fn status(self) -> u8 {
        match self {
            Self::PowerOff => 0,
            Self::Failure(code) => u8::try_from(code).ok().filter(|&code| code != 0).unwrap_or(u8::MAX),
            Self::Reset => 3,
            Self::GuestPanic => 71,
            Self::Timeout => 124,
            Self::Stopped => 130,
            Self::Crashed => 70,
        }
    }
}

/// Maps the requested reason to the effective one.
type Review = dyn Fn(MachineExit) -> MachineExit + Send + Sync;

/// Holds the first reason to end and stops every hart.
#[derive(Default)]
pub struct ExitLatch {
    harts: Vec<Arc<HartControl>>,
    exit: Mutex<Option<MachineExit>>,
    ended: Condvar,
    /// Whether the guest has been asked to shut down.
    shutting_down: AtomicBool,
    review: OnceLock<Box<Review>>,
}

impl ExitLatch {
    /// A latch that stops these harts.
    pub fn new(harts: Vec<Arc<HartControl>>) -> Self {
        Self { harts, ..Self::default() }
    }

    /// Sets the review of each request, called while the machine may still run; only the
    /// first call has an effect.
    pub(crate) fn set_review(&self, review: impl Fn(MachineExit) -> MachineExit + Send + Sync + 'static) {
        // There is one `Panics` per latch.
        let _ = self.review.set(Box::new(review));
    }

    /// Sets whether the guest has been asked to shut down; its reset then counts as
    /// power-off.
    pub fn set_shutting_down(&self, shutting_down: bool) {
        self.shutting_down.store(shutting_down, Ordering::Relaxed);
    }

    /// Ends the machine for this reason, unless it is ending already.
    pub fn request(&self, exit: MachineExit) {
        // Called without the lock: a review may take others.
        let exit = self.review.get().map_or(exit, |review| review(exit));
        let is_shut_down = exit == MachineExit::Reset && self.shutting_down.load(Ordering::Relaxed);
        let exit = if is_shut_down { MachineExit::PowerOff } else { exit };
        lock(&self.exit).get_or_insert(exit);
        self.ended.notify_all();
        for hart in &self.harts {
            hart.request(Attention::STOP);
        }
    }

    /// Reason of the end, once there is one.
    pub fn get(&self) -> Option<MachineExit> {
        *lock(&self.exit)
    }

    /// Waits for the end; returns its reason.
    pub fn wait(&self) -> MachineExit {
        let mut exit = lock(&self.exit);
        loop {
            if let Some(exit) = *exit {
                return exit;
            }
            exit = self.ended.wait(exit).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits for the end for at most `limit`.
    pub fn wait_timeout(&self, limit: Duration) -> Option<MachineExit> {
        let deadline = Instant::now().checked_add(limit);
        let mut exit = lock(&self.exit);
        while exit.is_none() {
            let left = match deadline {
                Some(deadline) => deadline.saturating_duration_since(Instant::now()),
                None => Duration::MAX,
            };
            if left.is_zero() {
                break;
            }
            exit = self.ended.wait_timeout(exit, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        *exit
    }
}

impl fmt::Debug for ExitLatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExitLatch").field("exit", &self.exit).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_reason_stays_and_every_hart_is_told() {
        let harts: Vec<Arc<HartControl>> = (0..2).map(|_| Arc::default()).collect();
        let latch = ExitLatch::new(harts.clone());
        assert_eq!(latch.wait_timeout(Duration::ZERO), None);
        latch.request(MachineExit::Failure(3));
        latch.request(MachineExit::PowerOff);
        assert_eq!(latch.wait(), MachineExit::Failure(3));
        assert_eq!(latch.wait_timeout(Duration::MAX), Some(MachineExit::Failure(3)));
        assert!(harts.iter().all(|hart| hart.take_requests().attention.contains(Attention::STOP)));
    }

    #[test]
    fn a_reset_of_a_guest_that_is_to_shut_down_is_its_end() {
        let latch = ExitLatch::default();
        latch.set_shutting_down(true);
        latch.set_review(|_| MachineExit::Reset);
        latch.request(MachineExit::Failure(1));
        assert_eq!(latch.get(), Some(MachineExit::PowerOff), "also if somebody else wants the reset");
    }

    #[test]
    fn statuses_are_the_documented_ones() {
        assert_eq!(MachineExit::PowerOff.status(), 0);
        assert_eq!(MachineExit::Failure(42).status(), 42);
        assert_eq!(MachineExit::Failure(255).status(), 255);
        for code in [0, 256, 0x142, u32::MAX] {
            assert_eq!(MachineExit::Failure(code).status(), 255, "{code}");
        }
        let others = [MachineExit::Reset, MachineExit::GuestPanic, MachineExit::Timeout];
        assert_eq!(others.map(MachineExit::status), [3, 71, 124]);
        assert_eq!([MachineExit::Stopped, MachineExit::Crashed].map(MachineExit::status), [130, 70]);
    }

    #[test]
    fn a_waiter_is_woken_by_another_thread() {
        let latch = Arc::new(ExitLatch::new(Vec::new()));
        let waiter = {
            let latch = Arc::clone(&latch);
            std::thread::spawn(move || latch.wait())
        };
        latch.request(MachineExit::PowerOff);
        assert_eq!(waiter.join().unwrap(), MachineExit::PowerOff);
    }
}
