//! Time spent in a state, in one word that readers see advance while the state lasts: a
//! hart may stay in one state for hours.
//!
//! The low two bits tell whether the watch is stopped, running or being stopped. The others
//! hold the total while stopped, and the total minus the start time while running, so that
//! a reader adds the present time. Values are nanoseconds modulo 2^62.
//!
//! Readers see a monotonic total: a reader that added the present time saw the watch
//! running afterwards, and so read the clock before the stop did.

use std::sync::atomic::{AtomicU64, Ordering, fence};

use crate::event::monotonic_ns;

const STATE_BITS: u32 = 2;
const STATE: u64 = 3;
const RUNS: u64 = 1;
/// Being stopped: readers must not add the present time.
const STOPS: u64 = 2;

/// Starts the watch. Only the thread that owns the word may call it.
pub(super) fn start(word: &AtomicU64) {
    let total = word.load(Ordering::Relaxed) >> STATE_BITS;
    word.store(total.wrapping_sub(monotonic_ns()) << STATE_BITS | RUNS, Ordering::Release);
}

/// Stops the watch. Only the thread that owns the word may call it.
pub(super) fn stop(word: &AtomicU64) {
    let started = word.load(Ordering::Relaxed) & !STATE;
    word.store(started | STOPS, Ordering::Release);
    // Makes the state visible to all readers before the clock is read.
    fence(Ordering::SeqCst);
    let total = (started >> STATE_BITS).wrapping_add(monotonic_ns());
    word.store(total << STATE_BITS, Ordering::Release);
}

/// Adds nanoseconds to a stopped watch. Only the thread that owns the word may call it.
pub(super) fn add(word: &AtomicU64, nanoseconds: u64) {
    word.store(word.load(Ordering::Relaxed).wrapping_add(nanoseconds << STATE_BITS), Ordering::Release);
}

/// Total up to now, for any thread. Spins while the watch is being stopped, which takes its
/// owner about ten nanoseconds.
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
