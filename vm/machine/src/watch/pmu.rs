//! Events of the host's CPU in the harts' threads, such as cycles and branch misses, by what the
//! threads do.
//!
//! The kernel counts them (`perf_event_open(2)`) where the CPU has counters and this process may use
//! them: not in most virtual machines, and only below level 3 of `kernel.perf_event_paranoid`.
//! Elsewhere all counts stay 0.

use std::fmt::{self, Debug};
use std::sync::Arc;

use perf_event::events::Hardware;
use perf_event::{Builder, Counter, Group};
use riscope_core::counters::{CounterPage, HartActivity};

/// Number of events.
const EVENTS: usize = 6;

/// Counts of events, in the order of [`HARDWARE`].
pub(crate) type Counts = [u64; EVENTS];

/// Adds a count of an event to a page.
type Add = fn(&CounterPage, HartActivity, u64);

/// The events, and where they are counted.
const HARDWARE: [(Hardware, Add); EVENTS] = [
    (Hardware::CPU_CYCLES, CounterPage::sample_host_cycles),
    (Hardware::INSTRUCTIONS, CounterPage::sample_host_instructions),
    (Hardware::BRANCH_INSTRUCTIONS, CounterPage::sample_host_branches),
    (Hardware::BRANCH_MISSES, CounterPage::sample_host_branch_misses),
    (Hardware::CACHE_REFERENCES, CounterPage::sample_host_cache_references),
    (Hardware::CACHE_MISSES, CounterPage::sample_host_cache_misses),
];

/// Source of event counters.
pub(crate) trait Pmu: Debug + Send + Sync {
    /// Begins to count the events of a thread of this process; `None` if the host does not.
    fn open(&self, thread: i32) -> Option<Box<dyn ThreadEvents>>;
}

/// Counters of a thread.
pub(crate) trait ThreadEvents: Debug + Send {
    /// Events of the thread since the counters were opened; `None` if they could not be read.
    fn read(&mut self) -> Option<Counts>;
}

/// The kernel's counters.
#[derive(Debug)]
pub(crate) struct PerfEvents;

impl Pmu for PerfEvents {
    fn open(&self, thread: i32) -> Option<Box<dyn ThreadEvents>> {
        let mut group = Group::builder().observe_pid(thread).any_cpu().build_group().ok()?;
        let counters: Vec<_> = HARDWARE
            .iter()
            .map(|(event, _)| group.add(Builder::new(*event).observe_pid(thread).any_cpu()).ok())
            .collect();
        // Without cycles and instructions the others say little.
        (counters[0].is_some() && counters[1].is_some()).then_some(())?;
        group.enable().ok()?;
        Some(Box::new(PerfGroup { group, counters }))
    }
}

/// A group of counters, which the CPU counts at the same time.
struct PerfGroup {
    group: Group,
    /// Counters by event; `None` for what the CPU does not count.
    counters: Vec<Option<Counter>>,
}

impl Debug for PerfGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counted = self.counters.iter().flatten().count();
        f.debug_struct("PerfGroup").field("id", &self.group.id()).field("counters", &counted).finish()
    }
}

impl ThreadEvents for PerfGroup {
    fn read(&mut self) -> Option<Counts> {
        let data = self.group.read().ok()?;
        let (enabled, running) = (data.time_enabled()?.as_nanos(), data.time_running()?.as_nanos());
        let mut counts = [0; EVENTS];
        for (count, counter) in counts.iter_mut().zip(&self.counters) {
            let value = counter.as_ref().and_then(|counter| data.get(counter)).map_or(0, |entry| entry.value());
            *count = scaled(value, enabled, running);
        }
        Some(counts)
    }
}

/// The count of an event that was counted for `running` of `enabled` nanoseconds, because other
/// users of the CPU's counters had them for the rest.
fn scaled(value: u64, enabled: u128, running: u128) -> u64 {
    let all = u128::from(value).saturating_mul(enabled).checked_div(running).unwrap_or(0);
    u64::try_from(all).unwrap_or(u64::MAX)
}

/// Events of a hart's thread that are attributed to what it does.
#[derive(Debug)]
pub(super) struct Account {
    pmu: Arc<dyn Pmu>,
    /// The thread, and its counters if the host counts.
    thread: Option<(i32, Option<Box<dyn ThreadEvents>>)>,
    seen: Counts,
    /// What was not attributed yet.
    open: Counts,
}

impl Account {
    pub(super) fn new(pmu: Arc<dyn Pmu>) -> Self {
        Self { pmu, thread: None, seen: [0; EVENTS], open: [0; EVENTS] }
    }

    /// Takes a sample while `thread` executes the hart and is in `activity`; `None` while it sleeps.
    pub(super) fn sample(&mut self, thread: i32, activity: Option<HartActivity>, page: &CounterPage) {
        let Some(now) = self.read(thread) else { return };
        for ((open, seen), now) in self.open.iter_mut().zip(&mut self.seen).zip(now) {
            // An estimate may be lower than the one before.
            *open = open.saturating_add(now.saturating_sub(*seen));
            *seen = now.max(*seen);
        }
        let Some(activity) = activity else { return };
        for ((_, add), open) in HARDWARE.iter().zip(&mut self.open) {
            add(page, activity, std::mem::take(open));
        }
    }

    fn read(&mut self, thread: i32) -> Option<Counts> {
        if self.thread.as_ref().is_none_or(|(known, _)| *known != thread) {
            self.thread = Some((thread, self.pmu.open(thread)));
            self.seen = [0; EVENTS];
        }
        let (_, counters) = self.thread.as_mut()?;
        counters.as_mut()?.read()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Counters that say what the test wants, for each thread that is opened.
    #[derive(Debug, Default)]
    struct Fake {
        opened: Mutex<Vec<i32>>,
        present: Arc<Mutex<Option<Counts>>>,
        refuses: bool,
    }

    #[derive(Debug)]
    struct FakeThread(Arc<Mutex<Option<Counts>>>);

    impl Pmu for Fake {
        fn open(&self, thread: i32) -> Option<Box<dyn ThreadEvents>> {
            self.opened.lock().unwrap().push(thread);
            (!self.refuses).then(|| Box::new(FakeThread(Arc::clone(&self.present))) as Box<dyn ThreadEvents>)
        }
    }

    impl ThreadEvents for FakeThread {
        fn read(&mut self) -> Option<Counts> {
            *self.0.lock().unwrap()
        }
    }

    fn sums(page: &CounterPage) -> Counts {
        [
            page.host_cycles(),
            page.host_instructions(),
            page.host_branches(),
            page.host_branch_misses(),
            page.host_cache_references(),
            page.host_cache_misses(),
        ]
        .map(|row| row.iter().sum())
    }

    #[test]
    fn events_go_to_what_is_done_and_wait_while_nothing_is() {
        let pmu = Arc::new(Fake::default());
        let mut account = Account::new(Arc::<Fake>::clone(&pmu));
        let page = CounterPage::default();
        let mut sample = |counts: Option<Counts>, activity, thread| {
            *pmu.present.lock().unwrap() = counts;
            account.sample(thread, activity, &page);
        };
        sample(Some([10, 20, 3, 1, 4, 2]), Some(HartActivity::Code), 7);
        assert_eq!(sums(&page), [10, 20, 3, 1, 4, 2]);
        sample(Some([15, 30, 4, 1, 5, 2]), None, 7);
        assert_eq!(sums(&page)[0], 10, "it sleeps");
        sample(None, Some(HartActivity::Code), 7);
        sample(Some([14, 31, 4, 1, 5, 2]), Some(HartActivity::Refill), 7);
        assert_eq!(sums(&page), [15, 31, 4, 1, 5, 2]);
        assert_eq!(page.host_cycles()[HartActivity::Refill.index()], 5);
        // The machine was started again: another thread, whose counters begin at 0.
        sample(Some([2, 3, 0, 0, 0, 0]), Some(HartActivity::Code), 8);
        assert_eq!(sums(&page), [17, 34, 4, 1, 5, 2]);
        assert_eq!(*pmu.opened.lock().unwrap(), [7, 8]);
    }

    #[test]
    fn a_host_that_does_not_count_is_asked_once() {
        let pmu = Arc::new(Fake { refuses: true, ..Fake::default() });
        let mut account = Account::new(Arc::<Fake>::clone(&pmu));
        let page = CounterPage::default();
        for _ in 0..3 {
            account.sample(7, Some(HartActivity::Code), &page);
        }
        assert_eq!(sums(&page), [0; EVENTS]);
        assert_eq!(pmu.opened.lock().unwrap().len(), 1);
    }

    #[test]
    fn counts_are_scaled_to_the_whole_time() {
        assert_eq!(scaled(100, 10, 10), 100);
        assert_eq!(scaled(100, 10, 5), 200);
        assert_eq!(scaled(100, 10, 0), 0, "it was never counted");
        assert_eq!(scaled(u64::MAX, 10, 1), u64::MAX);
    }

    /// Where the host counts, its counts move; where it does not, there is no source.
    #[test]
    fn the_host_counts_or_says_that_it_does_not() {
        let thread = riscope_core::counters::ThreadCpuClock::of_this_thread().unwrap().thread();
        let opened = PerfEvents.open(thread);
        let offered = ["cpu", "cpu_core", "armv8_pmuv3_0"].map(|it| format!("/sys/bus/event_source/devices/{it}/type"));
        // A CPU whose counters the kernel knows may still lack some of the events.
        assert!(opened.is_none() || offered.iter().any(|it| std::path::Path::new(it).exists()));
        let Some(mut events) = opened else { return };
        let before = events.read().unwrap();
        let work: u64 = (0..std::hint::black_box(1_000_000_u64)).map(std::hint::black_box).sum();
        assert!(work > 0);
        let after = events.read().unwrap();
        assert!(after[0] > before[0] && after[1] > before[1], "{before:?} {after:?}");
    }
}
