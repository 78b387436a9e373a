//! Clocks of events.

use std::sync::atomic::{AtomicU64, Ordering};

use rustix::time::{ClockId, clock_gettime};

/// Host time that never goes back, in nanoseconds since some fixed moment that is
/// the same for all processes of a host (`CLOCK_MONOTONIC`).
pub fn monotonic_ns() -> u64 {
    clock_ns(ClockId::Monotonic)
}

/// Nanoseconds since the Unix epoch (`CLOCK_REALTIME`).
pub fn wall_ns() -> u64 {
    clock_ns(ClockId::Realtime)
}

#[expect(clippy::cast_sign_loss, reason = "neither clock is ever before its origin")]
fn clock_ns(clock: ClockId) -> u64 {
    let time = clock_gettime(clock);
    (time.tv_sec as u64).wrapping_mul(1_000_000_000).wrapping_add(time.tv_nsec as u64)
}

/// How long the difference between the clocks is taken to be constant. The system
/// may slew the wall clock by 500 ppm, so it is wrong by half a millisecond at most
/// unless somebody sets the clock.
const DIFFERENCE_HOLDS_NS: u64 = 1_000_000_000;

/// Now, on both clocks: [`monotonic_ns`] and [`wall_ns`]. Reads one where two would
/// double the price of an event.
pub(super) fn now() -> (u64, u64) {
    static DIFFERENCE: AtomicU64 = AtomicU64::new(0);
    static HOLDS_UNTIL: AtomicU64 = AtomicU64::new(0);
    let monotonic = monotonic_ns();
    if monotonic < HOLDS_UNTIL.load(Ordering::Acquire) {
        return (monotonic, monotonic.wrapping_add(DIFFERENCE.load(Ordering::Relaxed)));
    }
    let wall = wall_ns();
    DIFFERENCE.store(wall.wrapping_sub(monotonic), Ordering::Relaxed);
    HOLDS_UNTIL.store(monotonic.saturating_add(DIFFERENCE_HOLDS_NS), Ordering::Release);
    (monotonic, wall)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_monotonic_clock_never_goes_back() {
        let first = monotonic_ns();
        assert!(monotonic_ns() >= first);
    }

    #[test]
    fn the_clocks_of_an_event_are_the_clocks_of_the_host() {
        let before = monotonic_ns();
        let (monotonic, wall) = now();
        let (again, wall_again) = now();
        assert!(before <= monotonic && monotonic <= again && again <= monotonic_ns());
        let nanoseconds_of_2020 = 1_577_836_800_000_000_000;
        assert!(wall > nanoseconds_of_2020 && wall_again > nanoseconds_of_2020);
    }
}
