//! Watcher thread, which polls a guest periodically.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use riscope_core::counters::{CounterPage, HotPages};
use riscope_core::event::{Publisher, VmEvent};
use riscope_core::hart::{Attention, HartControl, HartSample, PrivilegeMode};

use super::panics::Panics;
use super::pmu::{PerfEvents, Pmu};
use super::sampler::Sampler;
use super::stall::{Change, StallDetector};
use super::suspicion::{Activity, Life};

/// Bounds of the polling interval; in between it is a [`LOOKS`]th of the stall threshold.
const LONGEST_INTERVAL: Duration = Duration::from_secs(1);
const SHORTEST_INTERVAL: Duration = Duration::from_millis(10);
/// Checks per stall threshold.
const LOOKS: u32 = 20;

/// State that the watcher polls.
#[derive(Debug)]
pub(crate) struct WatcherParts {
    pub(crate) panics: Arc<Panics>,
    pub(crate) events: Publisher,
    pub(crate) harts: Vec<(Arc<HartControl>, Arc<CounterPage>)>,
    /// Where samples of the harts' program counters go.
    pub(crate) hot_pages: Arc<HotPages>,
    /// Stall threshold in guest time; `None` if harts are not sampled.
    pub(crate) stall_after: Option<Duration>,
}

/// Polls a guest until dropped.
#[derive(Debug)]
pub(crate) struct Watcher {
    panics: Arc<Panics>,
    thread: Option<JoinHandle<()>>,
}

impl Watcher {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the host cannot create a thread.
    pub(crate) fn start(parts: WatcherParts) -> std::io::Result<Self> {
        let panics = Arc::clone(&parts.panics);
        let mut looker = Looker::new(parts);
        let thread = std::thread::Builder::new().name("watch".into()).spawn(move || looker.run())?;
        Ok(Self { panics, thread: Some(thread) })
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.panics.close();
        // The panic hook has already reported a panic.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

struct Looker {
    panics: Arc<Panics>,
    events: Publisher,
    interval: Duration,
    harts: Vec<Watched>,
    hot_pages: Arc<HotPages>,
    sampler: Sampler,
}

impl Looker {
    fn new(parts: WatcherParts) -> Self {
        let interval = parts
            .stall_after
            .map_or(LONGEST_INTERVAL, |stall_after| (stall_after / LOOKS).clamp(SHORTEST_INTERVAL, LONGEST_INTERVAL));
        let detector = || parts.stall_after.map(|stall_after| StallDetector::new(stall_after, interval));
        let sampler = Sampler::new(&parts.harts, &(Arc::new(PerfEvents) as Arc<dyn Pmu>));
        let harts = parts.harts.into_iter().map(|(control, page)| Watched::new(control, page, detector())).collect();
        Self { panics: parts.panics, events: parts.events, interval, harts, hot_pages: parts.hot_pages, sampler }
    }

    fn run(&mut self) {
        let mut looked = Instant::now();
        loop {
            let until_sample = self.sampler.sample();
            let left = self.panics.pace(self.interval).map(|pace| pace.saturating_sub(looked.elapsed()));
            if !self.panics.wait(left.map_or(until_sample, |left| left.min(until_sample))) {
                return;
            }
            if self.panics.pace(self.interval).is_some_and(|pace| looked.elapsed() >= pace) {
                looked = Instant::now();
                self.look();
            }
        }
    }

    /// Checks the harts for stalls, and whether the guest has panicked.
    fn look(&mut self) {
        let mut all = Activity { user_mode: false, busy: false };
        for (hart, vcpu) in self.harts.iter_mut().zip(0..) {
            let (activity, change) = hart.look(&self.hot_pages);
            all.user_mode |= activity.user_mode;
            all.busy |= activity.busy;
            match change {
                Some(Change::Stalled) => self.events.publish(VmEvent::HartStalled { vcpu }),
                Some(Change::Resumed) => self.events.publish(VmEvent::HartResumed { vcpu }),
                None => {}
            }
        }
        self.panics.look(all);
    }
}

/// Progress of a hart up to a check.
#[derive(Clone, Copy, Debug)]
struct Done {
    at: Instant,
    instructions: u64,
    life: Life,
}

impl Done {
    fn read(page: &CounterPage) -> Self {
        Self {
            at: Instant::now(),
            instructions: page.instructions().iter().fold(0, |sum, count| sum.wrapping_add(*count)),
            life: Life::read(page),
        }
    }
}

/// Watched hart.
struct Watched {
    control: Arc<HartControl>,
    page: Arc<CounterPage>,
    detector: Option<StallDetector>,
    before: Done,
}

impl Watched {
    fn new(control: Arc<HartControl>, page: Arc<CounterPage>, detector: Option<StallDetector>) -> Self {
        let before = Done::read(&page);
        Self { control, page, detector, before }
    }

    fn look(&mut self, hot_pages: &HotPages) -> (Activity, Option<Change>) {
        let now = Done::read(&self.page);
        let before = std::mem::replace(&mut self.before, now);
        let elapsed = u64::try_from((now.at - before.at).as_nanos()).unwrap_or(u64::MAX);
        let idle = now.life.idle_ns.saturating_sub(before.life.idle_ns);
        let rested = idle > elapsed / 2;
        let sample = self.control.take_sample();
        if let Some(sample) = sample.filter(|_| !rested) {
            hot_pages.record(sample.pc);
        }
        let change = self.detect(rested, sample);
        let in_user_mode = sample.is_some_and(|sample| sample.mode == PrivilegeMode::User);
        let activity = Activity {
            user_mode: in_user_mode || now.life.user_calls != before.life.user_calls,
            busy: idle < elapsed / 10 && now.instructions != before.instructions,
        };
        (activity, change)
    }

    /// Evaluates the answer to the last sample request and requests the next, unless the
    /// hart rests: a request would wake it.
    fn detect(&mut self, rested: bool, sample: Option<HartSample>) -> Option<Change> {
        let detector = self.detector.as_mut()?;
        if rested {
            return detector.rested();
        }
        let change = sample.and_then(|sample| detector.sampled(sample, self.page.interrupts()));
        self.control.request(Attention::SAMPLE);
        change
    }
}
