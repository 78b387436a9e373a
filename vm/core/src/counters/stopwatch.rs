//! Time spent in a state, as one word that is right at every moment: a hart may be in
//! the same state for hours, and whoever scrapes wants to see it move.
//!
//! Bit 0 says whether the watch runs. The other bits are the total when it stands,
//! and the total minus the time of its start when it runs, so that adding the present
//! time gives the total then. All of it in nanoseconds, modulo 2^63.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::event::monotonic_ns;

const RUNS: u64 = 1;

/// Starts the watch; only the thread that owns the word may do so.
pub(super) fn start(word: &AtomicU64) {
    let total = word.load(Ordering::Relaxed) >> 1;
    word.store(total.wrapping_sub(monotonic_ns()) << 1 | RUNS, Ordering::Relaxed);
}

/// Stops the watch; only the thread that owns the word may do so.
pub(super) fn stop(word: &AtomicU64) {
    word.store(read(word) << 1, Ordering::Relaxed);
}

/// The total until now, for any thread. It never falls.
pub(super) fn read(word: &AtomicU64) -> u64 {
    let mut before = word.load(Ordering::Acquire);
    loop {
        let now = monotonic_ns();
        // The present counts only if the watch ran through it.
        let after = word.load(Ordering::Acquire);
        if before == after {
            return total(after, now);
        }
        before = after;
    }
}

fn total(word: u64, now: u64) -> u64 {
    let running = if word & RUNS == 0 { 0 } else { now };
    ((word >> 1).wrapping_add(running)) & (u64::MAX >> 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_moves_while_it_runs_and_stands_when_it_does_not() {
        let word = AtomicU64::new(0);
        assert_eq!(read(&word), 0);
        start(&word);
        let first = read(&word);
        while read(&word) == first {}
        stop(&word);
        let total = read(&word);
        assert!(total > first);
        assert_eq!(read(&word), total);
        start(&word);
        assert!(read(&word) >= total);
    }

    #[test]
    fn the_total_is_exact() {
        let started = |total: u64, at: u64| total.wrapping_sub(at) << 1 | RUNS;
        assert_eq!(total(started(0, 1_000), 1_500), 500);
        assert_eq!(total(started(700, 1_000), 1_500), 1_200);
        assert_eq!(total(1_200 << 1, 99), 1_200);
    }

    #[test]
    fn readers_never_see_it_fall() {
        let word = AtomicU64::new(0);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..10_000 {
                    start(&word);
                    stop(&word);
                }
            });
            let mut last = 0;
            for _ in 0..10_000 {
                let now = read(&word);
                assert!(now >= last, "{now} after {last}");
                last = now;
            }
        });
    }
}
