//! Counters of the engine of a machine.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::event::Tier;

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
}

impl EngineCounters {
    /// Resets all gauges to 0, the state that a new engine of the machine starts with. Call
    /// after the old engine is gone.
    pub fn reset_gauges(&self) {
        let tiers = self.code_cache_used.iter().chain(&self.resident_blocks);
        for gauge in tiers.chain([&self.code_cache_limit, &self.queue_depth]) {
            gauge.store(0, Ordering::Relaxed);
        }
    }
}
