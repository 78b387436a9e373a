//! Rate limit.

const NS_PER_SECOND: u64 = 1_000_000_000;

/// Token bucket that holds one second's worth. Uses the time of events, so that equal
/// events give equal decisions.
#[derive(Debug)]
pub(crate) struct Limit {
    per_second: u64,
    /// Tokens in billionths.
    credit: u64,
    /// Time of the last decision.
    then_ns: u64,
}

impl Limit {
    /// Allows `per_second` events per second, with bursts of the same number.
    pub(crate) fn new(per_second: u32, now_ns: u64) -> Self {
        let per_second = u64::from(per_second);
        Self { per_second, credit: per_second * NS_PER_SECOND, then_ns: now_ns }
    }

    /// Whether another event is allowed now.
    pub(crate) fn allows(&mut self, now_ns: u64) -> bool {
        let passed = now_ns.saturating_sub(self.then_ns);
        self.then_ns = self.then_ns.max(now_ns);
        let full = self.per_second * NS_PER_SECOND;
        self.credit = passed.saturating_mul(self.per_second).saturating_add(self.credit).min(full);
        let allowed = self.credit >= NS_PER_SECOND;
        if allowed {
            self.credit -= NS_PER_SECOND;
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seconds_worth_at_once_and_then_the_rate() {
        let mut limit = Limit::new(10, 5 * NS_PER_SECOND);
        let at_once = (0..100).filter(|_| limit.allows(5 * NS_PER_SECOND)).count();
        assert_eq!(at_once, 10);
        assert!(!limit.allows(5 * NS_PER_SECOND + 99_999_999));
        assert!(limit.allows(5 * NS_PER_SECOND + 100_000_000));
        assert!(!limit.allows(5 * NS_PER_SECOND + 100_000_000));
    }

    #[test]
    fn credit_does_not_grow_beyond_a_second_nor_by_time_that_runs_backwards() {
        let mut limit = Limit::new(2, 0);
        let hour = 3600 * NS_PER_SECOND;
        assert_eq!((0..10).filter(|_| limit.allows(hour)).count(), 2);
        assert!(!limit.allows(0));
        assert!(!limit.allows(hour));
        assert!(limit.allows(u64::MAX));
    }

    #[test]
    fn nothing_passes_a_limit_of_nothing() {
        assert!(!Limit::new(0, 0).allows(u64::MAX));
    }
}
