//! Snapshot: what `/api/v1/live` says about this process and its machines.
//!
//! The web page and `riscope top` show nothing else. A snapshot is complete: who misses some
//! has lost nothing but resolution. Rates are per second over [`Snapshot::interval_seconds`].

use serde::{Deserialize, Serialize};

/// Version of the format; a field that changes its meaning or vanishes raises it.
pub(crate) const VERSION: u32 = 1;

/// All machines of a process at one time.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Snapshot {
    /// [`VERSION`].
    pub(crate) version: u32,
    /// Version of riscope.
    pub(crate) riscope: String,
    /// Number of the snapshot since somebody looks, from 1.
    pub(crate) sequence: u64,
    /// Milliseconds since the Unix epoch.
    pub(crate) time_ms: u64,
    /// Seconds over which rates are measured.
    pub(crate) interval_seconds: f64,
    pub(crate) process: ProcessView,
    pub(crate) block_sizes: BlockSizesView,
    pub(crate) machines: Vec<MachineView>,
}

/// The host process.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct ProcessView {
    /// CPUs used, all threads together.
    pub(crate) cpus: f64,
    /// CPUs that it may use.
    pub(crate) available_cpus: u64,
}

/// Guest bytes of the blocks compiled in the process.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct BlockSizesView {
    /// Upper bounds in bytes.
    pub(crate) bounds: Vec<f64>,
    pub(crate) tiers: Vec<BlockCounts>,
}

/// Block sizes of a tier.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct BlockCounts {
    pub(crate) tier: String,
    /// Blocks up to each bound, and above the last.
    pub(crate) counts: Vec<u64>,
}

/// A machine.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct MachineView {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) engine: String,
    pub(crate) memory_bytes: u64,
    /// Lifecycle state, such as `running`.
    pub(crate) state: String,
    pub(crate) condition: Condition,
    /// Start of the last boot, in milliseconds since the Unix epoch.
    pub(crate) booted_ms: Option<u64>,
    /// Boots after the first.
    pub(crate) resets: u64,
    pub(crate) panics: u64,
    /// Millions of guest instructions per second.
    pub(crate) mips: f64,
    pub(crate) tiers: Vec<TierView>,
    pub(crate) harts: Vec<HartView>,
    /// Host CPUs that harts use, by activity.
    pub(crate) activities: Vec<Named>,
    pub(crate) jit: JitView,
    pub(crate) cache: CacheView,
    /// Frequent facts, per second.
    pub(crate) rates: Vec<Named>,
    /// Blocks that were promoted, those of the highest tier first.
    pub(crate) hot_blocks: Vec<HotBlock>,
    /// Newest events, oldest first.
    pub(crate) events: Vec<EventView>,
    pub(crate) console: ConsoleView,
}

/// Whether somebody has to look after a machine.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct Condition {
    /// `ok`, `warning` or `critical`.
    pub(crate) level: String,
    /// What is wrong, one phrase each.
    pub(crate) reasons: Vec<String>,
}

/// Execution in a tier.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct TierView {
    pub(crate) tier: String,
    /// Guest instructions executed.
    pub(crate) instructions: u64,
    pub(crate) mips: f64,
    /// Blocks compiled for it.
    pub(crate) compiled: u64,
    pub(crate) compiled_per_second: f64,
    /// Blocks that can be executed now.
    pub(crate) resident_blocks: u64,
    /// Code cache that it takes, in bytes.
    pub(crate) cache_bytes: u64,
}

/// A hart.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct HartView {
    pub(crate) index: usize,
    pub(crate) mips: f64,
    /// Host CPUs, 0 to 1.
    pub(crate) cpus: f64,
    /// Share of the time in which it waits for interrupts.
    pub(crate) idle: f64,
    pub(crate) is_stalled: bool,
}

/// A figure with its name.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) value: f64,
}

/// The JIT.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct JitView {
    pub(crate) compiled: u64,
    pub(crate) compiled_per_second: f64,
    pub(crate) hotspots: u64,
    pub(crate) hotspots_per_second: f64,
    pub(crate) failures: u64,
    pub(crate) invalidated: u64,
    pub(crate) invalidated_per_second: f64,
    pub(crate) evicted: u64,
    /// Requests that wait for the compiler thread.
    pub(crate) queue_depth: u64,
    /// Host CPUs of the compiler thread.
    pub(crate) compiler_cpus: f64,
    /// Mean time of the compilations of the interval, in microseconds.
    pub(crate) compile_us: Option<f64>,
}

/// The code cache.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct CacheView {
    pub(crate) limit_bytes: u64,
    pub(crate) used_bytes: u64,
}

/// A block that was promoted.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct HotBlock {
    /// Guest virtual address, in hexadecimal.
    pub(crate) pc: String,
    /// Guest physical address, in hexadecimal.
    pub(crate) phys: String,
    /// Function, if a boot file names it.
    pub(crate) symbol: Option<String>,
    /// Highest tier that it was promoted to.
    pub(crate) tier: String,
    pub(crate) hart: u32,
    /// Arrivals that promoted it, on that hart.
    pub(crate) executions: u64,
    /// Times that it was promoted: more than one per tier if its code changed or was evicted.
    pub(crate) promotions: u64,
    /// Size of its translation unit, once that is compiled.
    pub(crate) instructions: u32,
    pub(crate) guest_bytes: u32,
    pub(crate) host_bytes: u32,
    pub(crate) compile_us: f64,
    /// Milliseconds since the Unix epoch at which it was promoted or compiled last.
    pub(crate) time_ms: u64,
}

/// A domain event.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct EventView {
    /// Position among all events of the process.
    pub(crate) sequence: u64,
    pub(crate) time_ms: u64,
    /// Stable name, such as `vm.state_changed`.
    pub(crate) event: String,
    /// `info`, `warning` or `critical`.
    pub(crate) level: String,
    /// Its fields.
    pub(crate) text: String,
}

/// Console output.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct ConsoleView {
    /// Bytes written by the guest so far.
    pub(crate) bytes: u64,
    /// The last lines, without control sequences.
    pub(crate) text: String,
}
