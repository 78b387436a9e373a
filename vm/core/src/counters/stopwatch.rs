//! Time spent in a state, as one word that is right at every moment: a hart may be in
//! the same state for hours, and whoever scrapes wants to see it move.
//!
//! The low two bits say whether the watch stands, runs, or is just being stopped. The
//! others are the total when it stands, and the total minus the time of its start when
//! it runs, so that adding the present time gives the total then. All of it in
//! nanoseconds, modulo 2^62.
//!
//! The total never falls for a reader: one that added the present to a running watch
//! saw it running afterwards, so before the time at which it is stopped was taken.

use std::sync::atomic::{AtomicU64, Ordering, fence};

use crate::event::monotonic_ns;

const STATE_BITS: u32 = 2;
const STATE: u64 = 3;
const RUNS: u64 = 1;
/// Runs, but no reader may add the present any more.
const STOPS: u64 = 2;

/// Starts the watch; only the thread that owns the word may do so.
pub(super) fn start(word: &AtomicU64) {
    let total = word.load(Ordering::Relaxed) >> STATE_BITS;
    word.store(total.wrapping_sub(monotonic_ns()) << STATE_BITS | RUNS, Ordering::Release);
}

/// Stops the watch; only the thread that owns the word may do so.
pub(super) fn stop(word: &AtomicU64) {
    let started = word.load(Ordering::Relaxed) & !STATE;
    word.store(started | STOPS, Ordering::Release);
    // The clock is read when every reader can see that.
    fence(Ordering::SeqCst);
    let total = (started >> STATE_BITS).wrapping_add(monotonic_ns());
    word.store(total << STATE_BITS, Ordering::Release);
}

/// Adds nanoseconds to a watch that stands; only the thread that owns the word may do so.
pub(super) fn add(word: &AtomicU64, nanoseconds: u64) {
    word.store(word.load(Ordering::Relaxed).wrapping_add(nanoseconds << STATE_BITS), Ordering::Release);
}

/// The total until now, for any thread. Waits while the watch is being stopped, which
/// takes its owner some ten nanoseconds.
pub(super) fn read(word: &AtomicU64) -> u64 {
    loop {
        let before = word.load(Ordering::Acquire);
        let now = monotonic_ns();
        fence(Ordering::SeqCst);
        let unchanged = before == word.load(Ordering::Acquire);
        match before & STATE {
            STOPS => std::thread::yield_now(),
            RUNS if unchanged => return total(before, now),
            RUNS => {}
            _ => return total(before, 0),
        }
    }
}

fn total(word: u64, now: u64) -> u64 {
    ((word >> STATE_BITS).wrapping_add(now)) & (u64::MAX >> STATE_BITS)
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
        let started = |total: u64, at: u64| total.wrapping_sub(at) << STATE_BITS | RUNS;
        assert_eq!(total(started(0, 1_000), 1_500), 500);
        assert_eq!(total(started(700, 1_000), 1_500), 1_200);
        assert_eq!(total(1_200 << STATE_BITS, 0), 1_200);
    }

    #[test]
    fn readers_never_see_it_fall() {
        let word = AtomicU64::new(0);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..100_000 {
                    start(&word);
                    stop(&word);
                }
            });
            let mut last = 0;
            for _ in 0..100_000 {
                let now = read(&word);
                assert!(now >= last, "{now} after {last}");
                last = now;
            }
        });
    }
}
