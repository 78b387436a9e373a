//! Samples of what the harts' threads do, as CPU time by activity.
//!
//! Harts change their activity millions of times a second, too often to read a clock each time.
//! They only store it ([`HartControl::set_activity`]), and each sample attributes the CPU time that
//! a thread has used since the last one to what it is doing now. The error of a share *p* after *n*
//! samples is √(*p*(1 − *p*)/*n*): a percentage point after 25 seconds of a busy hart. The sum is
//! exact. As CPU time is counted and not samples, a hart that waits for the host's processors gets
//! no more than it has used.
//!
//! How long the threads have waited for a CPU comes from the host's scheduler, once a second. Events
//! of the host's CPU, such as its cycles, are attributed like CPU time (`pmu.rs`).
//!
//! CPU time that a hart has used before it was found asleep is attributed at a later sample, in
//! which it is awake. Times between samples are random, so that they do not follow a timer of the
//! guest; they grow while the harts rest, so that an idle machine wakes the host once or twice a
//! second.

use std::sync::Arc;
use std::time::{Duration, Instant};

use riscope_core::counters::{CounterPage, HartActivity, ThreadCpuClock};
use riscope_core::hart::HartControl;

use super::pmu::{Account as HostAccount, Pmu};

/// Mean time between two samples of busy harts, and the longest one of harts that rest.
const BUSY: Duration = Duration::from_millis(10);
const RESTING: Duration = Duration::from_secs(1);

/// Time between two looks at how long harts have waited for a CPU.
const DELAYS: Duration = Duration::from_secs(1);

/// Share of a processor, as a divisor, below which a hart rests.
const REST: u64 = 100;

/// Samples the harts of a machine.
#[derive(Debug)]
pub(super) struct Sampler {
    harts: Vec<Sampled>,
    /// Mean time until the next sample.
    pause: Duration,
    last: Instant,
    /// When the delays were last read.
    delays: Option<Instant>,
    random: u64,
}

#[derive(Debug)]
struct Sampled {
    control: Arc<HartControl>,
    page: Arc<CounterPage>,
    account: Account,
    /// Delay that was counted, in nanoseconds.
    delayed: u64,
    host: HostAccount,
}

/// CPU time of a hart's thread.
#[derive(Clone, Copy, Debug, Default)]
struct Account {
    /// CPU time at the last sample, in nanoseconds.
    seen: u64,
    /// What of it was not attributed yet.
    open: u64,
}

impl Account {
    /// Takes a sample at which the thread had used `now` nanoseconds and was in `activity`.
    /// Returns what it used since the last sample, and what is to be attributed.
    fn sample(&mut self, now: u64, activity: Option<HartActivity>) -> (u64, Option<(HartActivity, u64)>) {
        let used = now.saturating_sub(self.seen);
        self.seen = now;
        self.open += used;
        (used, activity.map(|activity| (activity, std::mem::take(&mut self.open))))
    }
}

impl Sampler {
    /// A sampler of harts that have not used any CPU time yet. Events of the host's CPU come from
    /// `pmu`.
    pub(super) fn new(harts: &[(Arc<HartControl>, Arc<CounterPage>)], pmu: &Arc<dyn Pmu>) -> Self {
        let sampled = |(control, page): &(Arc<_>, Arc<_>)| {
            let (control, page) = (Arc::clone(control), Arc::clone(page));
            let host = HostAccount::new(Arc::clone(pmu));
            Sampled { control, page, account: Account::default(), delayed: 0, host }
        };
        // Any other seed would do.
        let random = 0x9e37_79b9_7f4a_7c15;
        Self { harts: harts.iter().map(sampled).collect(), pause: BUSY, last: Instant::now(), delays: None, random }
    }

    /// Takes a sample of each hart; returns the time until the next.
    pub(super) fn sample(&mut self) -> Duration {
        let elapsed = std::mem::replace(&mut self.last, Instant::now()).elapsed();
        let used = self.harts.iter_mut().map(Sampled::sample).max().unwrap_or(0);
        if self.delays.is_none_or(|read| read.elapsed() >= DELAYS) {
            self.delays = Some(Instant::now());
            self.harts.iter_mut().for_each(Sampled::count_delay);
        }
        let rests = u128::from(used) <= elapsed.as_nanos() / u128::from(REST);
        self.pause = if rests { (self.pause * 2).min(RESTING) } else { BUSY };
        self.pause / 2 + self.up_to(self.pause)
    }

    /// A random time below `limit` (xorshift).
    fn up_to(&mut self, limit: Duration) -> Duration {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let nanoseconds = u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX).max(1);
        Duration::from_nanos(self.random % nanoseconds)
    }
}

impl Sampled {
    /// Counts how long the hart's thread has waited for a CPU since the last call.
    fn count_delay(&mut self) {
        let Some(now) = self.control.cpu_clock().and_then(ThreadCpuClock::run_delay) else { return };
        self.page.sample_delay(now.saturating_sub(std::mem::replace(&mut self.delayed, now)));
    }

    /// Takes a sample; returns the CPU time since the last one in nanoseconds.
    fn sample(&mut self) -> u64 {
        // The activity first: a hart that falls asleep in between is attributed its last one.
        let activity = self.control.activity();
        let Some(clock) = self.control.cpu_clock() else { return 0 };
        let Some(now) = clock.read() else { return 0 };
        let (used, due) = self.account.sample(now, activity);
        // A thread that did not run had no events.
        if used > 0 {
            self.host.sample(clock.thread(), activity, &self.page);
        }
        if let Some((activity, nanoseconds)) = due {
            self.page.sample_cpu(activity, nanoseconds);
        }
        used
    }
}

#[cfg(test)]
mod tests {
    use riscope_core::counters::ThreadCpuClock;

    use super::*;

    #[test]
    fn cpu_time_goes_to_what_is_done_and_waits_while_nothing_is() {
        use HartActivity::{Code, Interpreter};
        let mut account = Account::default();
        assert_eq!(account.sample(100, Some(Interpreter)), (100, Some((Interpreter, 100))));
        assert_eq!(account.sample(130, None), (30, None), "it was awake in between");
        assert_eq!(account.sample(130, None), (0, None));
        assert_eq!(account.sample(150, Some(Code)), (20, Some((Code, 50))));
        assert_eq!(account.sample(150, Some(Code)), (0, Some((Code, 0))));
    }

    fn sampler() -> (Sampler, Arc<HartControl>, Arc<CounterPage>) {
        let (control, page) = (Arc::<HartControl>::default(), Arc::<CounterPage>::default());
        let pmu: Arc<dyn Pmu> = Arc::new(crate::watch::pmu::PerfEvents);
        (Sampler::new(&[(Arc::clone(&control), Arc::clone(&page))], &pmu), control, page)
    }

    #[test]
    fn harts_that_rest_are_sampled_less_and_less_until_they_work() {
        let (mut sampler, control, page) = sampler();
        let pauses: Vec<_> = (0..20).map(|_| sampler.sample()).collect();
        assert!(pauses[19] >= RESTING / 2, "{pauses:?}");
        assert!(pauses.iter().all(|pause| *pause >= BUSY / 2 && *pause < RESTING * 3 / 2), "{pauses:?}");
        assert_eq!(page.cpu_ns().iter().sum::<u64>(), 0);
        // This thread is the hart, and uses more than a hundredth of the time.
        control.set_cpu_clock(ThreadCpuClock::of_this_thread());
        control.set_activity(HartActivity::Handler);
        let pause = sampler.sample();
        assert!(pause < BUSY * 3 / 2, "{pause:?}");
        let [.., handler, _, _, _] = page.cpu_ns();
        assert!(handler > 0 && page.cpu_ns().iter().sum::<u64>() == handler, "{:?}", page.cpu_ns());
    }

    #[test]
    fn times_between_samples_differ() {
        let (mut sampler, ..) = sampler();
        sampler.pause = RESTING;
        let pauses: std::collections::BTreeSet<_> = (0..50).map(|_| sampler.sample()).collect();
        assert!(pauses.len() > 40, "{pauses:?}");
    }
}
