//! What the engine of a machine counts.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::event::Tier;

/// Counters of one machine's engine, shared by its threads.
#[derive(Debug, Default)]
pub struct EngineCounters {
    /// Bytes that generated code may take.
    pub code_cache_limit: AtomicU64,
    /// Bytes that it takes, by [`Tier`] of the code.
    pub code_cache_used: [AtomicU64; Tier::ALL.len()],
    /// Translations that can be entered, by [`Tier`].
    pub resident_blocks: [AtomicU64; Tier::ALL.len()],
    /// Requests that wait for a compiler thread.
    pub queue_depth: AtomicU64,
    /// Requests that found the queue full.
    pub queue_rejected: AtomicU64,
}

impl EngineCounters {
    /// Sets everything that is no count back to 0, as a new engine of the same machine
    /// finds it. To be called when the old engine is gone.
    pub fn reset_gauges(&self) {
        let tiers = self.code_cache_used.iter().chain(&self.resident_blocks);
        for gauge in tiers.chain([&self.code_cache_limit, &self.queue_depth]) {
            gauge.store(0, Ordering::Relaxed);
        }
    }
}
