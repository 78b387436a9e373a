//! Counters of the engine of a machine.

use std::sync::atomic::{AtomicU64, Ordering};

use super::event_sums::SharedEventSums;
use crate::event::{ExecutionEvent, ExecutionEventType, RateLimit, Tier};

/// Events of each type that an engine publishes a second at most, and those that it may publish at
/// once after a rest: a guest that rewrites its code has a hundred thousand a second to tell, and
/// booting one ten thousand at once.
pub const EVENTS_PER_SECOND: u64 = 1000;
/// See [`EVENTS_PER_SECOND`].
pub const EVENT_BURST: u64 = 8192;

/// Counters of one machine's engine, shared by its threads.
#[derive(Debug, Default)]
pub struct EngineCounters {
    /// Capacity of the code cache in bytes.
    pub code_cache_limit: AtomicU64,
    /// Bytes of generated code, by [`Tier`].
    pub code_cache_used: [AtomicU64; Tier::ALL.len()],
    /// Translations that can be entered, by [`Tier`].
    pub resident_blocks: [AtomicU64; Tier::ALL.len()],
    /// Requests in the compile queue.
    pub queue_depth: AtomicU64,
    /// Requests rejected because the compile queue was full.
    pub queue_rejected: AtomicU64,
    /// When the oldest request in the compile queue was made, by
    /// [`monotonic_ns`](crate::event::monotonic_ns); 0 without one.
    pub oldest_request_ns: AtomicU64,
    /// CPU time of compiler threads in nanoseconds.
    pub compiler_cpu_ns: AtomicU64,
    /// Events that were not published because there were too many.
    pub coalesced: SharedEventSums,
    limits: [RateLimit; ExecutionEventType::ALL.len()],
}

impl EngineCounters {
    /// Whether an event at `now` is to be published; otherwise it is summed up in
    /// [`EngineCounters::coalesced`].
    pub fn admit(&self, event: &ExecutionEvent, now: u64) -> bool {
        let admitted = self.limits[event.kind().index()].allows(now, 1_000_000_000 / EVENTS_PER_SECOND, EVENT_BURST);
        if !admitted {
            self.coalesced.add(event);
        }
        admitted
    }

    /// Resets all gauges to 0, the state that a new engine of the machine starts with. Call
    /// after the old engine is gone.
    pub fn reset_gauges(&self) {
        let tiers = self.code_cache_used.iter().chain(&self.resident_blocks);
        for gauge in tiers.chain([&self.code_cache_limit, &self.queue_depth, &self.oldest_request_ns]) {
            gauge.store(0, Ordering::Relaxed);
        }
    }
}
