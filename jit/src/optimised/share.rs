//! Share of the CPUs that the compiler's thread takes from harts.
//!
//! While harts leave a CPU to spare, it compiles on that. Otherwise its CPU time is bounded by a
//! [`Budget`], and beside other processes it has a lower priority.

use std::time::Duration;

/// Part of one CPU that the compiler uses at most while no CPU is spare, in percent.
const SHARE_PERCENT: u64 = 20;
/// CPU time that it may use at once after a rest, in nanoseconds: some translations.
const BURST_NS: u64 = 20_000_000;
/// Longest rest at a time.
const LONGEST_REST: Duration = Duration::from_millis(100);
/// Its nice value. Not more, as it sometimes holds the lock of the code cache, and harts interpret
/// meanwhile.
const NICE: i32 = 5;

/// CPU time that the compiler may use: it grows by [`SHARE_PERCENT`] of the time that passes, up
/// to [`BURST_NS`]. What is used while a CPU is spare is free.
#[derive(Debug)]
pub(super) struct Budget {
    /// Time of the latest update in nanoseconds.
    now_ns: u64,
    /// CPU time in nanoseconds that may be used; negative if too much was.
    left_ns: i64,
}

impl Budget {
    /// A full budget at time `now_ns`.
    pub(super) fn new(now_ns: u64) -> Self {
        Self { now_ns, left_ns: BURST_NS.cast_signed() }
    }

    /// Accounts for `used_ns` of CPU time between the previous update and `now_ns`; `spare` says
    /// whether there was a CPU that no hart used. Returns how long the compiler has to rest.
    pub(super) fn rest(&mut self, now_ns: u64, used_ns: u64, spare: bool) -> Duration {
        let passed_ns = now_ns.saturating_sub(self.now_ns);
        self.now_ns = now_ns;
        let grown_ns = passed_ns / 100 * SHARE_PERCENT + passed_ns % 100 * SHARE_PERCENT / 100;
        self.left_ns = self.left_ns.saturating_add_unsigned(grown_ns).min(BURST_NS.cast_signed());
        if spare {
            return Duration::ZERO;
        }
        self.left_ns = self.left_ns.saturating_sub_unsigned(used_ns);
        let missing_ns = if self.left_ns < 0 { self.left_ns.unsigned_abs() } else { 0 };
        Duration::from_nanos(missing_ns.saturating_mul(100) / SHARE_PERCENT).min(LONGEST_REST)
    }
}

/// Whether a CPU that the process may use is left when `harts` harts execute.
pub(super) fn is_cpu_spare(harts: usize) -> bool {
    // Respects affinity and quota, which may change; unknown counts as one.
    std::thread::available_parallelism().is_ok_and(|cpus| cpus.get() > harts)
}

/// Lowers the priority of the calling thread; without effect where the host does not allow it.
pub(super) fn lower_priority() {
    // On Linux a priority is one of a thread.
    let now = rustix::process::getpriority_process(None).unwrap_or(NICE);
    let _ = rustix::process::setpriority_process(None, now.max(NICE));
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    /// CPU time used in `wall_ns` by a compiler that always has work, of `each_ns` at a time.
    fn used(wall_ns: u64, each_ns: u64, spare: bool) -> u64 {
        let mut budget = Budget::new(0);
        let (mut now, mut used) = (0, 0);
        while now < wall_ns {
            now += each_ns;
            used += each_ns;
            now += u64::try_from(budget.rest(now, each_ns, spare).as_nanos()).unwrap();
        }
        used
    }

    #[test]
    fn without_a_spare_cpu_the_compiler_uses_its_share_and_one_burst() {
        let wall = 10_000 * MS;
        for each in [MS / 10, MS, 7 * MS] {
            let (used, share) = (used(wall, each, false), wall / 100 * SHARE_PERCENT);
            assert!(used <= share + BURST_NS + each, "{used} in pieces of {each}");
            assert!(used >= share, "{used} in pieces of {each}: it gets its share");
        }
        assert_eq!(used(wall, MS, true), wall, "with one it never rests");
    }

    #[test]
    fn a_rest_fills_the_budget_up_to_a_burst() {
        let mut budget = Budget::new(0);
        assert_eq!(budget.rest(3_600_000 * MS, BURST_NS, false), Duration::ZERO);
        let rest = Duration::from_nanos(MS * 100 / SHARE_PERCENT);
        assert_eq!(budget.rest(3_600_000 * MS, MS, false), rest, "an hour is worth a burst");
        assert_eq!(budget.rest(3_600_000 * MS + MS * 100 / SHARE_PERCENT, 0, false), Duration::ZERO, "it has rested");
        assert_eq!(budget.rest(3_600_005 * MS, 1000 * MS, true), Duration::ZERO, "spare CPUs are free");
        assert_eq!(budget.rest(3_600_005 * MS, 0, false), Duration::ZERO);
    }

    #[test]
    fn a_rest_is_bounded_whatever_was_used() {
        let mut budget = Budget::new(u64::MAX);
        assert_eq!(budget.rest(0, u64::MAX, false), LONGEST_REST);
        assert_eq!(budget.rest(u64::MAX, u64::MAX, false), LONGEST_REST);
    }

    #[test]
    fn the_priority_of_the_thread_is_lowered_and_no_other() {
        let priority = || rustix::process::getpriority_process(None).expect("the thread is there");
        let before = priority();
        let lowered = std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                lower_priority();
                priority()
            });
            thread.join().expect("it ends")
        });
        assert_eq!((lowered, priority()), (before.max(NICE), before));
    }

    #[test]
    fn as_many_harts_as_cpus_leave_none() {
        assert!(!is_cpu_spare(usize::MAX));
        assert!(is_cpu_spare(0));
    }
}
