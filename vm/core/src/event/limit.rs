//! Rate limit of events.

use std::sync::atomic::{AtomicU64, Ordering};

/// Lets through a burst of events, and then a steady rate: a token bucket in one word, which
/// several threads may use.
#[derive(Debug, Default)]
pub struct RateLimit {
    /// Time up to which the tokens are used: each takes an interval. Never in the future.
    used_until: AtomicU64,
}

impl RateLimit {
    /// Whether an event may happen at `now`, in nanoseconds, under a limit of one event per
    /// `interval` and `burst` at once after a rest.
    pub fn allows(&self, now: u64, interval: u64, burst: u64) -> bool {
        let oldest = now.saturating_sub(interval.saturating_mul(burst));
        let take =
            |used_until: u64| Some(used_until.max(oldest).saturating_add(interval)).filter(|&until| until <= now);
        self.used_until.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;
    const INTERVAL: u64 = SECOND / 100;
    const BURST: u64 = 50;

    fn allowed(limit: &RateLimit, times: impl Iterator<Item = u64>) -> usize {
        times.filter(|now| limit.allows(*now, INTERVAL, BURST)).count()
    }

    #[test]
    fn a_burst_passes_and_then_the_steady_rate() {
        let (limit, start) = (RateLimit::default(), 1000 * SECOND);
        assert_eq!(allowed(&limit, (0..1000).map(|_| start)), 50);
        // Ten thousand a second for ten seconds.
        assert_eq!(allowed(&limit, (0..100_000).map(|n| start + n * SECOND / 10_000)), 999);
    }

    #[test]
    fn what_is_not_used_is_kept_up_to_a_burst() {
        let (limit, start) = (RateLimit::default(), 1000 * SECOND);
        assert_eq!(allowed(&limit, (0..1000).map(|_| start)), 50);
        assert_eq!(allowed(&limit, (0..1000).map(|_| start + SECOND / 10)), 10);
        assert_eq!(allowed(&limit, (0..1000).map(|_| start + 3600 * SECOND)), 50);
    }

    #[test]
    fn threads_share_the_limit() {
        let (limit, start) = (RateLimit::default(), 1000 * SECOND);
        let all: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| allowed(&limit, (0..1000).map(|_| start)))).collect();
            threads.into_iter().map(|thread| thread.join().expect("it does not panic")).sum()
        });
        assert_eq!(all, 50);
    }
}
