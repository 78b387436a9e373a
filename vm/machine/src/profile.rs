//! Profiler: asks the harts of a machine for samples, and passes them on.
//!
//! ```text
//!  Profiler ── start ──► thread `profile` ── request_profile ──► harts
//!     ▲ watch                   │                                  │
//!     │                         └─► SampleSink ◄── ProfileQueue ◄──┘
//!  machine of each boot
//! ```
//!
//! There is at most one capture at a time. It goes on over guest resets, and holds a machine's memory
//! only while it looks at it. Without a capture there is no thread, and harts do no extra work.

use std::num::NonZeroU32;
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use riscope_core::hart::{HartControl, ProfileQueue, ProfileSample};
use riscope_core::mem::GuestRam;

use crate::machine::Machine;
use crate::sync::lock;

/// Highest rate of samples per hart and second.
pub const MAX_PROFILE_RATE: u32 = 1000;

/// Longest time for which samples are named at a stretch.
const NAMING_LIMIT: Duration = Duration::from_millis(500);
/// Longest wait for the last answers of the harts.
const LAST_ANSWERS: Duration = Duration::from_millis(20);

/// Consumer of the samples of a capture, on the profiler's thread.
pub trait SampleSink: Send {
    /// Takes a sample of a machine with this memory, soon after the hart gave it.
    fn take(&mut self, sample: &ProfileSample, ram: &GuestRam);

    /// Ends the capture, which took `duration` and lost this number of samples.
    fn finish(self: Box<Self>, duration: Duration, lost: u64);
}

/// Why there is no capture.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// Another one is running.
    #[error("a profile is being taken already; try again when it is done")]
    Busy,
    /// The host cannot create a thread.
    #[error("cannot start the profiler's thread: {0}")]
    Thread(#[source] std::io::Error),
}

/// Rate and length of a capture.
#[derive(Clone, Copy, Debug)]
pub struct CaptureSpec {
    /// Samples per hart and second, at most [`MAX_PROFILE_RATE`].
    pub rate: NonZeroU32,
    /// Time after which it ends by itself.
    pub limit: Option<Duration>,
}

/// Harts and memory of the machine of one boot.
#[derive(Debug, Default)]
struct Target {
    harts: Vec<Arc<HartControl>>,
    ram: Weak<GuestRam>,
}

#[derive(Debug, Default)]
struct State {
    target: Target,
    /// Queue of the capture, while there is one.
    queue: Option<Arc<ProfileQueue>>,
}

impl State {
    fn tell_harts(&self) {
        for hart in &self.target.harts {
            hart.set_profile_queue(self.queue.clone());
        }
    }
}

/// Profiler of a machine; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Profiler(Arc<Mutex<State>>);

impl Profiler {
    /// Samples the harts of this machine from now on: that of the present boot.
    pub fn watch(&self, machine: &Machine) {
        let mut state = lock(&self.0);
        // Samples of the previous boot are of other memory.
        if let Some(queue) = &state.queue {
            while queue.take().is_some() {}
        }
        state.target = Target { harts: machine.hart_controls().to_vec(), ram: Arc::downgrade(machine.ram()) };
        state.tell_harts();
    }

    /// Starts a capture, whose samples `sink` takes.
    ///
    /// # Errors
    /// [`CaptureError`] if there is one already, or the host cannot create a thread.
    pub fn start(&self, spec: CaptureSpec, sink: Box<dyn SampleSink>) -> Result<Capture, CaptureError> {
        let queue = Arc::new(ProfileQueue::default());
        {
            let mut state = lock(&self.0);
            if state.queue.is_some() {
                return Err(CaptureError::Busy);
            }
            state.queue = Some(Arc::clone(&queue));
            state.tell_harts();
        }
        let ending = Arc::<Ending>::default();
        let running = Running { state: Arc::clone(&self.0), queue, ending: Arc::clone(&ending) };
        let spawned = std::thread::Builder::new().name("profile".into()).spawn(move || running.run(spec, sink));
        match spawned {
            Ok(thread) => Ok(Capture { ending, thread: Some(thread) }),
            // The closure, and what it owned, has been dropped.
            Err(error) => Err(CaptureError::Thread(error)),
        }
    }
}

/// Request to end a capture.
#[derive(Debug, Default)]
struct Ending {
    asked: Mutex<bool>,
    changed: Condvar,
}

impl Ending {
    fn ask(&self) {
        *lock(&self.asked) = true;
        self.changed.notify_all();
    }

    /// Waits; returns whether the capture is to end.
    fn wait_until(&self, time: Instant) -> bool {
        let limit = time.saturating_duration_since(Instant::now());
        let waited = self.changed.wait_timeout_while(lock(&self.asked), limit, |asked| !*asked);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// Capture in progress. Dropping it asks for its end and does not wait.
#[derive(Debug)]
pub struct Capture {
    ending: Arc<Ending>,
    thread: Option<JoinHandle<()>>,
}

impl Capture {
    /// Ends the capture and waits until its sink has finished.
    pub fn finish(mut self) {
        self.ending.ask();
        // A panic has been reported.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        self.ending.ask();
    }
}

/// What the thread of a capture owns; frees the profiler when dropped.
struct Running {
    state: Arc<Mutex<State>>,
    queue: Arc<ProfileQueue>,
    ending: Arc<Ending>,
}

impl Running {
    fn run(self, spec: CaptureSpec, mut sink: Box<dyn SampleSink>) {
        let (started, rate) = (Instant::now(), spec.rate.get().min(MAX_PROFILE_RATE));
        let period = Duration::from_secs(1) / rate;
        let end = spec.limit.and_then(|limit| started.checked_add(limit));
        let mut next = started;
        while end.is_none_or(|end| next < end) {
            // After a delay, samples that were missed are not made up for.
            next = (next + period).max(Instant::now());
            if self.ending.wait_until(end.map_or(next, |end| next.min(end))) {
                break;
            }
            self.pass_on(sink.as_mut());
            lock(&self.state).target.harts.iter().for_each(|hart| {
                let _ = hart.request_profile();
            });
        }
        std::thread::sleep(LAST_ANSWERS);
        self.pass_on(sink.as_mut());
        // What was not named in time.
        let unnamed = std::iter::from_fn(|| self.queue.take()).count() as u64;
        let (duration, lost) = (started.elapsed(), self.queue.lost() + unnamed);
        drop(self);
        sink.finish(duration, lost);
    }

    /// Passes samples on, for a limited time: names are searched in the memory of a guest, which may
    /// make that slow.
    fn pass_on(&self, sink: &mut dyn SampleSink) {
        let Some(ram) = lock(&self.state).target.ram.upgrade() else { return };
        let begin = Instant::now();
        while begin.elapsed() < NAMING_LIMIT
            && let Some(sample) = self.queue.take()
        {
            sink.take(&sample, &ram);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut state = lock(&self.state);
        state.queue = None;
        state.tell_harts();
    }
}
