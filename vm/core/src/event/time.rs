//! Event timestamps.

use std::sync::atomic::{AtomicU64, Ordering};

use rustix::time::{ClockId, clock_gettime};

/// Host time in nanoseconds that never goes backwards, from an origin common to all
/// processes of the host (`CLOCK_MONOTONIC`).
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

/// Time for which the difference between the two clocks is reused. With slewing of at most
/// 500 ppm it is off by at most half a millisecond, unless the wall clock is stepped.
const DIFFERENCE_HOLDS_NS: u64 = 1_000_000_000;

/// Present time on both clocks, [`monotonic_ns`] and [`wall_ns`]. Reads only the monotonic
/// clock most of the time; reading both would double the cost of an event.
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
