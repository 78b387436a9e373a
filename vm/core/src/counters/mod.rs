//! Counters: facts too frequent to be events.
//!
//! | file | holds |
//! |---|---|
//! | `page.rs` | counter page of a hart; one row declares a counter |
//! | `engine.rs` | counters of a machine's engine |
//! | `cpu_clock.rs` | CPU time of a thread |
//! | `disk.rs` | counter page of a disk |
//! | `event_sums.rs` | what engine events say, in sums |
//! | `hot.rs` | hottest pages of a guest's code |
//! | `labels.rs` | label sets that belong to no other module |
//! | `port.rs` | counter pages of virtqueues and consoles |
//! | `stopwatch.rs` | time spent in a state, in one word |
//!
//! A counter is one word, written by a single thread with a plain add and read by telemetry
//! at every scrape.

mod cpu_clock;
mod disk;
mod engine;
mod event_sums;
mod hot;
mod labels;
mod page;
mod port;
mod stopwatch;

use std::sync::Arc;

use crate::event::VmId;

pub use cpu_clock::ThreadCpuClock;
pub use disk::{DISK_DURATION_BOUNDS_NS, DiskOperation, DiskPage, Started};
pub use engine::{EVENT_BURST, EVENTS_PER_SECOND, EngineCounters};
pub use event_sums::{EventSums, Fact, SharedEventSums};
pub use hot::{HOTTEST, HotPage, HotPages};
pub use labels::{CodeExit, FlushScope, HartActivity, HartTime, SbiExtension, Setting, SpaceSwitch, WalkResult};
pub use page::{CounterPage, HartCounter};
pub use port::{ConsolePage, ConsolePeer, QueuePage};

/// A device that counts or can report failures ([`DeviceEvent::Failed`](crate::event::DeviceEvent)).
#[derive(Clone, Debug)]
pub struct DeviceInfo {
    /// Kind of device, such as `virtio-blk`.
    pub device: &'static str,
    /// Its name, unique among the machine's devices of its kind.
    pub name: Arc<str>,
    /// Names of the errors that it can report.
    pub errors: &'static [&'static str],
    /// Counters of its virtqueues.
    pub queues: Arc<QueuePage>,
    /// Counters of its requests, if it is a disk.
    pub disk: Option<Arc<DiskPage>>,
}

/// A console of a machine.
#[derive(Clone, Debug)]
pub struct ConsoleInfo {
    /// Its name, unique among the machine's consoles.
    pub name: &'static str,
    /// Its counters.
    pub page: Arc<ConsolePage>,
}

/// Longest value of a setting in bytes.
pub const MAX_SETTING: usize = 128;

/// The counters of one machine, with the facts that label them.
#[derive(Clone, Debug)]
pub struct VmCounters {
    /// Identity of the machine.
    pub vm_id: VmId,
    /// Name of the machine.
    pub name: Arc<str>,
    /// Name of its engine.
    pub engine_name: &'static str,
    /// Guest RAM in bytes.
    pub memory_bytes: u64,
    /// What the machine was configured with; values have at most [`MAX_SETTING`] bytes.
    pub settings: Vec<(Setting, Arc<str>)>,
    /// Devices that count or can report failures.
    pub devices: Vec<DeviceInfo>,
    /// Consoles.
    pub consoles: Vec<ConsoleInfo>,
    /// Counter pages of the harts, by index.
    pub harts: Vec<Arc<CounterPage>>,
    /// Hottest pages of the guest's code.
    pub hot_pages: Arc<HotPages>,
    /// Counters of the engine.
    pub engine: Arc<EngineCounters>,
}
