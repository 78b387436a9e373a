//! Counters: facts that happen too often to be events.
//!
//! | file | holds |
//! |---|---|
//! | `page.rs` | what a hart counts: one row declares a counter |
//! | `engine.rs` | what the engine of a machine counts |
//! | `labels.rs` | the closed sets by which counters are told apart |
//! | `stopwatch.rs` | time spent in a state, as one word |
//!
//! Counting is a plain add by the only thread that writes the word; telemetry reads it
//! whenever somebody scrapes.

mod engine;
mod labels;
mod page;
mod stopwatch;

use std::sync::Arc;

use crate::event::VmId;

pub use engine::EngineCounters;
pub use labels::{CodeExit, FlushScope, HartTime, SbiExtension, WalkResult};
pub use page::{CounterPage, HartCounter};

/// A device that may report failures ([`DeviceEvent::Failed`](crate::event::DeviceEvent)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceInfo {
    /// Kind of device, such as `virtio-blk`.
    pub device: &'static str,
    /// Its name, unique among the machine's devices of this kind.
    pub name: Arc<str>,
    /// What may go wrong with it.
    pub errors: &'static [&'static str],
}

/// Everything that telemetry reads about one machine.
#[derive(Clone, Debug)]
pub struct VmCounters {
    /// The machine.
    pub vm_id: VmId,
    /// Its name, for people.
    pub name: Arc<str>,
    /// Name of its engine.
    pub engine_name: &'static str,
    /// Bytes of guest memory.
    pub memory_bytes: u64,
    /// Devices that may report failures.
    pub devices: Vec<DeviceInfo>,
    /// One page for each hart.
    pub harts: Vec<Arc<CounterPage>>,
    /// Its engine.
    pub engine: Arc<EngineCounters>,
}
