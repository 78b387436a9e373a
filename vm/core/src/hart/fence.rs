//! Fences that a hart executes for others (SBI RFENCE): what they ask for, and the wait for it.
//!
//! ```text
//!  caller                                  target
//!  extents ◄─ extent                       running? ─ no ──► done: it polls before it runs again
//!  requests ◄─ bit, ticket + 1                 │ yes
//!  done? ── no ──► spin, then sleep            ▼ poll, at the latest at the end of the quantum
//!    ▲                     ▲               take bit and ticket, then extents; flush
//!    └── wake, if waiting ─┴────────────── done = ticket, or leaves the engine
//! ```
//!
//! A hart that is not running is neither woken nor waited for.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::mmu::Extent;

/// Extents that are kept apart; of more, wider ones are flushed.
const MAX_EXTENTS: usize = 16;

/// Time to spin for a fence: as long as a hart that has a CPU needs to the end of its quantum.
/// Beyond that, its thread probably waits for a CPU, perhaps the one that the caller spins on.
const SPIN: Duration = Duration::from_micros(20);
/// Looks between two readings of the clock.
const LOOKS: u32 = 16;

/// Fence that a hart executes for another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemoteFence {
    /// `fence.i`.
    Instructions,
    /// `sfence.vma`.
    Translations(Extent),
}

/// Fences that a hart was asked for.
#[derive(Debug, Default)]
pub(super) struct Fences {
    extents: Mutex<Vec<Extent>>,
    /// Ticket of the latest fence that is served.
    done: AtomicU32,
    /// Number of threads that sleep until a fence is served.
    waiting: AtomicU32,
    served: Condvar,
}

impl Fences {
    /// Adds an extent to flush, before the request for it.
    pub(super) fn add(&self, extent: Extent) {
        add(&mut self.extents.lock().unwrap_or_else(PoisonError::into_inner), extent);
    }

    /// Takes what is to flush, after the request for it.
    pub(super) fn take(&self) -> Vec<Extent> {
        std::mem::take(&mut *self.extents.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether the fence of `ticket` is served.
    pub(super) fn is_done(&self, ticket: u32) -> bool {
        // Tickets wrap; few are in flight.
        self.done.load(Ordering::SeqCst).wrapping_sub(ticket).cast_signed() >= 0
    }

    /// Marks all fences up to `ticket` as served.
    pub(super) fn complete(&self, ticket: u32) {
        self.done.store(ticket, Ordering::SeqCst);
        self.wake();
    }

    /// Wakes who waits: a fence is served, or the hart does not run.
    pub(super) fn wake(&self) {
        // Who waits says so before it looks, and holds the lock from its look to its sleep.
        if self.waiting.load(Ordering::SeqCst) != 0 {
            drop(self.extents.lock().unwrap_or_else(PoisonError::into_inner));
            self.served.notify_all();
        }
    }

    /// Waits at most `limit`, roughly, until `is_done`; returns whether it is.
    pub(super) fn wait(&self, limit: Duration, is_done: impl Fn() -> bool) -> bool {
        if spin(&is_done) {
            return true;
        }
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let guard = self.extents.lock().unwrap_or_else(PoisonError::into_inner);
        if !is_done() {
            drop(self.served.wait_timeout(guard, limit).unwrap_or_else(PoisonError::into_inner));
        }
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        is_done()
    }
}

fn spin(is_done: &impl Fn() -> bool) -> bool {
    if is_done() {
        return true;
    }
    let started = Instant::now();
    loop {
        for _ in 0..LOOKS {
            if is_done() {
                return true;
            }
            std::hint::spin_loop();
        }
        if started.elapsed() > SPIN {
            return false;
        }
    }
}

/// Adds an extent to a list of at most [`MAX_EXTENTS`], which then covers it and everything that it
/// covered before.
fn add(extents: &mut Vec<Extent>, extent: Extent) {
    if extents.iter().any(|known| known.covers(extent)) {
        return;
    }
    extents.retain(|&known| !extent.covers(known));
    extents.push(extent);
    if extents.len() > MAX_EXTENTS {
        for extent in std::mem::take(extents) {
            add(extents, extent.widened());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(n: u64, asid: Option<u16>) -> Extent {
        Extent::of_range(n << 12, 1, asid)
    }

    #[test]
    fn an_extent_is_kept_once_and_not_beside_a_wider_one() {
        let mut extents = Vec::new();
        for extent in [page(1, Some(1)), page(2, Some(1)), page(1, Some(1))] {
            add(&mut extents, extent);
        }
        assert_eq!(extents, [page(1, Some(1)), page(2, Some(1))]);
        add(&mut extents, page(1, None));
        assert_eq!(extents, [page(2, Some(1)), page(1, None)]);
        add(&mut extents, Extent::ALL);
        assert_eq!(extents, [Extent::ALL]);
    }

    #[test]
    fn many_extents_become_few_wider_ones_that_cover_them() {
        let added: Vec<_> = (0..200).map(|n| page(n, Some(u16::try_from(n % 3).unwrap()))).collect();
        let mut extents = Vec::new();
        for (n, &extent) in added.iter().enumerate() {
            add(&mut extents, extent);
            assert!(extents.len() <= MAX_EXTENTS);
            assert!(added[..=n].iter().all(|&extent| extents.iter().any(|known| known.covers(extent))));
            assert!(!extents.contains(&Extent::ALL), "three address spaces are enough");
        }
        (0..40).for_each(|n| add(&mut extents, page(n, Some(100 + u16::try_from(n).unwrap()))));
        assert_eq!(extents, [Extent::ALL], "and many address spaces become all");
    }

    #[test]
    fn a_wait_ends_at_its_limit_or_when_it_is_woken() {
        let fences = Fences::default();
        assert!(!fences.wait(Duration::from_millis(1), || fences.is_done(1)));
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| fences.wait(Duration::from_secs(3600), || fences.is_done(1)));
            while fences.waiting.load(Ordering::SeqCst) == 0 {
                std::thread::yield_now();
            }
            fences.complete(1);
            assert!(waiter.join().unwrap());
        });
        assert_eq!(fences.waiting.load(Ordering::SeqCst), 0);
    }
}
