//! Present state of each machine as plain data, for whoever shows it.

use std::sync::Arc;

use prometheus::Histogram;
use prometheus::core::Metric;
use riscope_core::counters::{EventSums, VmCounters};
use riscope_core::event::{Envelope, Tier, VmId, VmState};

use crate::Telemetry;
use crate::metric::family::GUEST_BYTES_BUCKETS;
use crate::metric::machines::Machine;

/// A machine that exists.
#[derive(Clone, Debug)]
pub struct MachineStatus {
    /// Its identity.
    pub vm_id: VmId,
    /// Its lifecycle state.
    pub state: VmState,
    /// Start of its last boot in nanoseconds since the Unix epoch, once there was one.
    pub booted_ns: Option<u64>,
    /// Boots after the first.
    pub resets: u64,
    /// Guest panics, over all boots.
    pub panics: u64,
    /// Whether the guest has panicked since its last boot.
    pub has_panicked: bool,
    /// Indices of harts that are stalled.
    pub stalled: Vec<u32>,
    /// Device failures: kind of device, name of the device, error, number.
    pub device_errors: Vec<(&'static str, Arc<str>, &'static str, u64)>,
    /// What its engine events say, published or not.
    pub events: EventSums,
    /// Its last events that are not the engine's, oldest first.
    pub history: Vec<Envelope>,
    /// Its counters, which go on counting.
    pub counters: VmCounters,
}

impl MachineStatus {
    fn new(vm_id: VmId, machine: &Machine) -> Option<Self> {
        let errors = machine.device_errors.iter().filter(|&(_, &number)| number > 0);
        Some(Self {
            vm_id,
            state: machine.state,
            booted_ns: machine.booted_ns,
            resets: machine.resets,
            panics: machine.panics.iter().sum(),
            has_panicked: machine.has_panicked,
            stalled: machine.stalled.iter().copied().collect(),
            device_errors: errors
                .map(|((device, name, error), &number)| (*device, Arc::clone(name), *error, number))
                .collect(),
            events: machine.event_sums(),
            history: machine.history.iter().cloned().collect(),
            counters: machine.counters.clone()?,
        })
    }
}

/// Sizes of the blocks that a tier has compiled in this process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockSizes {
    /// The tier.
    pub tier: Tier,
    /// Number of blocks by guest bytes: up to each of [`BlockSizes::BOUNDS`], and above the last.
    pub counts: Vec<u64>,
}

impl BlockSizes {
    /// Upper bounds in guest bytes.
    pub const BOUNDS: &'static [f64] = GUEST_BYTES_BUCKETS;

    pub(crate) fn new(tier: Tier, sizes: &Histogram) -> Self {
        let metric = sizes.metric();
        let histogram = metric.get_histogram();
        let mut below = 0;
        let cumulative = histogram.get_bucket().iter().map(|bucket| bucket.cumulative_count());
        let counts = cumulative
            .chain([histogram.get_sample_count()])
            .map(|total| {
                let count = total.saturating_sub(below);
                below = below.max(total);
                count
            })
            .collect();
        Self { tier, counts }
    }
}

impl Telemetry {
    /// The registered machines that exist, as they are now.
    pub fn machines(&self) -> Vec<MachineStatus> {
        let table = self.machines.lock();
        table.exported().filter_map(|(vm_id, machine)| MachineStatus::new(vm_id, machine)).collect()
    }

    /// Sizes of compiled blocks, by tier.
    pub fn block_sizes(&self) -> Vec<BlockSizes> {
        self.block_sizes.iter().map(|(tier, sizes)| BlockSizes::new(*tier, sizes)).collect()
    }
}
