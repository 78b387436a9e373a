//! Guest time base, counted by `time` and `mtime` and compared with timers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Frequency of `mtime` in Hz, the device tree's `timebase-frequency`.
pub const TIMEBASE_HZ: u64 = 10_000_000;

const NANOS_PER_TICK: u64 = 1_000_000_000 / TIMEBASE_HZ;

/// Where time comes from.
#[derive(Clone, Debug)]
enum Source {
    /// The host's monotonic clock, as time since this instant.
    Host(Instant),
    /// Manual time in ticks; advances only by [`Clock::advance`].
    Manual(Arc<AtomicU64>),
}

/// Clock of a guest, in ticks of [`TIMEBASE_HZ`]. Clones share the time.
#[derive(Clone, Debug)]
pub struct Clock {
    source: Source,
    /// Added to the source modulo 2^64; a guest's write to its clock changes it.
    offset: Arc<AtomicU64>,
}

impl Clock {
    /// A clock that starts at 0 and follows the host.
    pub fn host() -> Self {
        Self { source: Source::Host(Instant::now()), offset: Arc::default() }
    }

    /// A clock that starts at 0 and moves only when advanced. Its engine advances it by
    /// retired instructions, which makes a machine with one hart deterministic.
    pub fn manual() -> Self {
        Self { source: Source::Manual(Arc::default()), offset: Arc::default() }
    }

    /// The same clock without the guest's settings of it, for devices that keep their own
    /// time.
    pub fn unset(&self) -> Self {
        Self { source: self.source.clone(), offset: Arc::default() }
    }

    /// Current guest time in ticks.
    pub fn now(&self) -> u64 {
        self.raw().wrapping_add(self.offset.load(Ordering::Relaxed))
    }

    fn raw(&self) -> u64 {
        match &self.source {
            Source::Host(origin) => {
                let elapsed = origin.elapsed();
                elapsed.as_secs() * TIMEBASE_HZ + u64::from(elapsed.subsec_nanos()) / NANOS_PER_TICK
            }
            Source::Manual(ticks) => ticks.load(Ordering::Relaxed),
        }
    }

    /// Sets the time, which advances from there. Threads that sleep until a deadline must
    /// be woken.
    pub fn set(&self, ticks: u64) {
        self.offset.store(ticks.wrapping_sub(self.raw()), Ordering::Relaxed);
    }

    /// Advances a manual clock by `ticks`; has no effect on a host clock.
    pub fn advance(&self, ticks: u64) {
        if let Source::Manual(total) = &self.source {
            total.fetch_add(ticks, Ordering::Relaxed);
        }
    }

    /// Whether the time advances only by [`Clock::advance`].
    pub fn is_manual(&self) -> bool {
        matches!(self.source, Source::Manual(_))
    }

    /// Host time until guest time reaches `deadline`; zero if it has passed.
    pub fn until(&self, deadline: u64) -> Duration {
        let ticks = deadline.saturating_sub(self.now());
        Duration::from_nanos(ticks.saturating_mul(NANOS_PER_TICK))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let clock = Clock::manual();
        let other = clock.clone();
        clock.advance(7);
        assert_eq!(other.now(), 7);
        other.set(u64::MAX);
        clock.advance(2);
        assert_eq!(clock.now(), 1, "time wraps");
        assert_eq!(clock.until(11), Duration::from_micros(1));
    }

    #[test]
    fn an_unset_clock_moves_with_the_other_and_is_not_set_with_it() {
        let clock = Clock::manual();
        clock.set(1000);
        let unset = clock.unset();
        clock.advance(7);
        clock.set(u64::MAX);
        clock.advance(3);
        assert_eq!((unset.now(), clock.now()), (10, 2));
        let host = Clock::host();
        host.set(1 << 40);
        assert!(host.unset().now() < 1 << 40);
    }

    #[test]
    fn a_host_clock_can_be_set_and_goes_on() {
        let clock = Clock::host();
        clock.set(1 << 40);
        let first = clock.now();
        assert!(first >= 1 << 40);
        clock.advance(1 << 50);
        assert!(clock.now() < 1 << 41, "it is not advanced by hand");
        assert!(clock.now() >= first);
    }
}
