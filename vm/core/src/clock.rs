//! The guest's time base: what `time`, `mtime` and timer comparisons count.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Ticks of `mtime` a second, as the device tree's `timebase-frequency` says.
pub const TIMEBASE_HZ: u64 = 10_000_000;

const NANOS_PER_TICK: u64 = 1_000_000_000 / TIMEBASE_HZ;

/// Source of guest time, in ticks of [`TIMEBASE_HZ`].
#[derive(Clone, Debug)]
pub enum Clock {
    /// Host monotonic time since the given moment.
    Host(Instant),
    /// Time that only moves when somebody calls [`Clock::advance`]: with it a
    /// single-hart machine is deterministic, as its engine advances time by
    /// retired instructions.
    Manual(Arc<AtomicU64>),
}

impl Clock {
    /// A clock that starts at 0 now and follows the host.
    pub fn host() -> Self {
        Self::Host(Instant::now())
    }

    /// A clock at 0 that stands still until advanced.
    pub fn manual() -> Self {
        Self::Manual(Arc::default())
    }

    /// Current guest time in ticks.
    pub fn now(&self) -> u64 {
        match self {
            Self::Host(origin) => {
                let elapsed = origin.elapsed();
                elapsed.as_secs() * TIMEBASE_HZ + u64::from(elapsed.subsec_nanos()) / NANOS_PER_TICK
            }
            Self::Manual(ticks) => ticks.load(Ordering::Relaxed),
        }
    }

    /// Moves a manual clock forward by `ticks`; a host clock does not care.
    pub fn advance(&self, ticks: u64) {
        if let Self::Manual(now) = self {
            now.fetch_add(ticks, Ordering::Relaxed);
        }
    }

    /// Whether time moves only by [`Clock::advance`].
    pub fn is_manual(&self) -> bool {
        matches!(self, Self::Manual(_))
    }

    /// Host time from now until guest time reaches `deadline`; zero when it
    /// already has.
    pub fn until(&self, deadline: u64) -> Duration {
        let ticks = deadline.saturating_sub(self.now());
        Duration::from_nanos(ticks.saturating_mul(NANOS_PER_TICK))
    }
}
