//! Live view of this process's machines: a snapshot each second while somebody looks.
//!
//! ```text
//!  telemetry: status, block sizes ─┐
//!  counter pages ──────────────────┤   thread `live`             ┌─► GET /api/v1/live
//!  flight recorder ────────────────┼─► sampler ──► newest frame ─┼─► GET /api/v1/live/events
//!  console tail ───────────────────┘   while somebody looks      └─► ..
//! ```
//!
//! The thread starts with the first who looks and ends [`LINGER`] after the last, with all that
//! it remembers. A frame is serialised once for all who look; each takes the newest when it has
//! sent the one before, so that a slow one misses some and no memory grows.
//!
//! | file | holds |
//! |---|---|
//! | `snapshot.rs` | the format |
//! | `sampler.rs` | a snapshot from its sources |
//! | `reading.rs` | counters, and rates between two readings |
//! | `blocks.rs` | hot blocks |
//! | `names.rs` | names of guest code |
//! | `journal.rs` | events as lines |
//! | `tail.rs`, `plain.rs` | console tail, as plain text |

mod blocks;
mod journal;
mod names;
mod plain;
mod reading;
mod sampler;
mod snapshot;
mod tail;

use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use riscope_machine::console::ConsoleBackend;
use riscope_telemetry::Telemetry;
use tokio::sync::watch;

use crate::flight::Flight;
pub(crate) use names::BootFile;
use names::Names;
use sampler::Sampler;
pub(crate) use snapshot::{BlockSizesView, EventView, HartView, HotBlock, MachineView, Named, Snapshot, TierView};
pub(crate) use tail::Tail;

/// Name of the thread. It survives panics in its work.
pub(crate) const LIVE_THREAD: &str = "live";
/// Time between two snapshots.
const PERIOD: Duration = Duration::from_secs(1);
/// Time to the first snapshot, over which its rates are measured.
const FIRST: Duration = Duration::from_millis(250);
/// Time for which snapshots are made that nobody has asked for: longer than the period of those
/// who ask again and again.
const LINGER: Duration = Duration::from_secs(5);

/// Where snapshots come from.
#[derive(Debug)]
struct Source {
    telemetry: Arc<Telemetry>,
    flight: Arc<Flight>,
    tail: Arc<Tail>,
    names: OnceLock<Names>,
}

impl Source {
    /// Name of the guest's code at `pc`.
    fn name_of(&self, pc: u64) -> Option<String> {
        self.names.get()?.of(pc)
    }
}

/// A snapshot, serialised.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    /// As an event of a `text/event-stream`, whose data is one line.
    pub(crate) event: Bytes,
    /// As JSON.
    pub(crate) json: Bytes,
}

impl Frame {
    fn new(snapshot: &Snapshot) -> Option<Self> {
        let mut event = Vec::with_capacity(32 << 10);
        write!(event, "id: {}\ndata: ", snapshot.sequence).ok()?;
        let start = event.len();
        serde_json::to_writer(&mut event, snapshot).ok()?;
        event.push(b'\n');
        let end = event.len();
        event.push(b'\n');
        let event = Bytes::from(event);
        Some(Self { json: event.slice(start..end), event })
    }
}

/// The newest frame; none before the first.
pub(crate) type Frames = watch::Receiver<Option<Frame>>;

/// Thread that makes snapshots.
#[derive(Debug)]
struct Running {
    frames: watch::Sender<Option<Frame>>,
    /// When somebody began to look last.
    asked: Instant,
}

/// See the head of the file.
#[derive(Debug)]
pub(crate) struct Live {
    source: Arc<Source>,
    running: Arc<Mutex<Option<Running>>>,
}

impl Live {
    /// A view of the machines of `telemetry`, of which nothing is made yet.
    pub(crate) fn new(telemetry: Arc<Telemetry>, flight: Arc<Flight>, tail: Arc<Tail>) -> Self {
        let source = Source { telemetry, flight, tail, names: OnceLock::new() };
        Self { source: Arc::new(source), running: Arc::default() }
    }

    /// Where guests write, so that the end of their output is shown.
    pub(crate) fn tail(&self) -> Arc<dyn ConsoleBackend> {
        Arc::clone(&self.source.tail) as _
    }

    /// Names hot blocks by the symbols of `files`, for a machine with `memory` bytes; only the first
    /// call has an effect.
    pub(crate) fn name_code_by(&self, files: Vec<BootFile>, memory: u64) {
        // A second call would be about the same files.
        let _ = self.source.names.set(Names::new(files, memory));
    }

    /// Looks at the machines: the frames, which come as long as the receiver is kept.
    ///
    /// # Errors
    /// When the host cannot create a thread.
    pub(crate) fn look(&self) -> io::Result<Frames> {
        let mut running = lock(&self.running);
        if let Some(running) = &mut *running {
            running.asked = Instant::now();
            return Ok(running.frames.subscribe());
        }
        let (frames, looking) = watch::channel(None);
        let (source, shared) = (Arc::clone(&self.source), Arc::clone(&self.running));
        std::thread::Builder::new().name(LIVE_THREAD.into()).spawn(move || run(source, &shared))?;
        *running = Some(Running { frames, asked: Instant::now() });
        Ok(looking)
    }
}

fn lock(running: &Mutex<Option<Running>>) -> MutexGuard<'_, Option<Running>> {
    running.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes snapshots until nobody looks.
fn run(source: Arc<Source>, running: &Mutex<Option<Running>>) {
    let made = catch_unwind(AssertUnwindSafe(|| {
        let mut sampler = Sampler::new(source);
        let mut due = Instant::now() + FIRST;
        loop {
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            let frame = Frame::new(&sampler.sample());
            if !publish(running, frame) {
                return;
            }
            // Without catching up after the host has had no time for this.
            due = (due + PERIOD).max(Instant::now());
        }
    }));
    if made.is_err() {
        // It has been reported. Those who look are told by the end of their frames.
        *lock(running) = None;
    }
}

/// Passes a frame on; false if nobody looks any more, and the next one starts another thread.
fn publish(running: &Mutex<Option<Running>>, frame: Option<Frame>) -> bool {
    let mut shared = lock(running);
    let Some(now) = &*shared else { return false };
    if now.frames.receiver_count() == 0 && now.asked.elapsed() > LINGER {
        *shared = None;
        return false;
    }
    now.frames.send_replace(frame);
    true
}
