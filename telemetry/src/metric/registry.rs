//! Registry, and handles to the metrics that events update.
//!
//! Every series of a closed label set exists with value 0 from the start, because `rate()`
//! does not see the first increment of a new series.

use std::sync::Arc;

use prometheus::core::Collector;
use prometheus::{Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts, Registry};
use riscope_core::event::{BootPhase, ExitReason, Tier, VmState};

use super::catalog;
use super::family::Family;
use super::machines::Machines;
use crate::label::AlertChange;

/// Metrics of one tier that generates code.
#[derive(Debug)]
pub(crate) struct TierMetrics {
    pub(crate) duration: Histogram,
    pub(crate) queue_wait: Histogram,
    pub(crate) block_guest_bytes: Histogram,
    pub(crate) block_instructions: Histogram,
    pub(crate) block_host_bytes: Histogram,
}

/// Tiers that generate code: all except the first, the interpreter.
pub(super) const COMPILED_TIERS: &[Tier] = match Tier::ALL {
    [_, compiled @ ..] => compiled,
    [] => &[],
};

/// Metrics updated by events.
#[derive(Debug)]
pub(crate) struct Metrics {
    pub(crate) machines: Arc<Machines>,
    /// By [`COMPILED_TIERS`].
    tiers: Vec<TierMetrics>,
    pub(crate) hotspot_executions: Histogram,
    transitions: IntCounterVec,
    /// By [`ExitReason`].
    pub(crate) exits: Vec<IntCounter>,
    /// By [`BootPhase`].
    pub(crate) boot_phases: Vec<Histogram>,
    /// By [`AlertChange`].
    pub(crate) alert_transitions: Vec<IntCounter>,
}

impl Metrics {
    pub(crate) fn new(registry: &Registry, machines: Arc<Machines>) -> Result<Self, prometheus::Error> {
        let transitions = counter_vec(registry, catalog::life::VM_STATE_TRANSITIONS)?;
        for (from, to) in TRANSITIONS {
            transitions.with_label_values(&[from.as_str(), to.as_str()]);
        }
        Ok(Self {
            machines,
            tiers: tier_metrics(registry)?,
            hotspot_executions: histogram_vec(registry, catalog::load::JIT_HOTSPOT_EXECUTIONS)?
                .with_label_values::<&str>(&[]),
            transitions,
            exits: counters(registry, catalog::life::VM_EXITS, ExitReason::ALL, |it| it.as_str())?,
            boot_phases: histograms(registry, catalog::life::VM_BOOT_PHASE_DURATION, BootPhase::ALL, |it| it.as_str())?,
            alert_transitions: counters(registry, catalog::alert::ALERT_TRANSITIONS, AlertChange::ALL, |it| {
                it.as_str()
            })?,
        })
    }

    /// Metrics of a tier; the interpreter has none.
    pub(crate) fn tier(&self, tier: Tier) -> Option<&TierMetrics> {
        COMPILED_TIERS.iter().position(|&it| it == tier).map(|index| &self.tiers[index])
    }

    /// Guest bytes of compiled blocks, by tier.
    pub(crate) fn block_sizes(&self) -> Vec<(Tier, Histogram)> {
        let sizes = self.tiers.iter().map(|metrics| metrics.block_guest_bytes.clone());
        COMPILED_TIERS.iter().copied().zip(sizes).collect()
    }

    pub(crate) fn transitions(&self, from: VmState, to: VmState) -> IntCounter {
        self.transitions.with_label_values(&[from.as_str(), to.as_str()])
    }
}

/// Regular transitions of machines; others appear when they happen.
const TRANSITIONS: [(VmState, VmState); 18] = [
    (VmState::Creating, VmState::Created),
    (VmState::Creating, VmState::Failed),
    (VmState::Created, VmState::Booting),
    (VmState::Created, VmState::Running),
    (VmState::Created, VmState::Stopping),
    (VmState::Booting, VmState::Running),
    (VmState::Booting, VmState::Pausing),
    (VmState::Booting, VmState::Stopping),
    (VmState::Running, VmState::Pausing),
    (VmState::Running, VmState::Stopping),
    (VmState::Pausing, VmState::Paused),
    (VmState::Pausing, VmState::Stopping),
    (VmState::Paused, VmState::Booting),
    (VmState::Paused, VmState::Running),
    (VmState::Paused, VmState::Stopping),
    (VmState::Stopping, VmState::Stopped),
    (VmState::Stopping, VmState::Failed),
    // Reset.
    (VmState::Stopping, VmState::Creating),
];

fn tier_metrics(registry: &Registry) -> Result<Vec<TierMetrics>, prometheus::Error> {
    let duration = histogram_vec(registry, catalog::load::JIT_COMPILATION_DURATION)?;
    let queue_wait = histogram_vec(registry, catalog::load::JIT_QUEUE_WAIT)?;
    let block_guest_bytes = histogram_vec(registry, catalog::load::JIT_BLOCK_GUEST_BYTES)?;
    let block_instructions = histogram_vec(registry, catalog::load::JIT_BLOCK_INSTRUCTIONS)?;
    let block_host_bytes = histogram_vec(registry, catalog::load::JIT_BLOCK_HOST_BYTES)?;
    let metrics = |tier: &Tier| {
        let tier = tier.as_str();
        TierMetrics {
            duration: duration.with_label_values(&[tier]),
            queue_wait: queue_wait.with_label_values(&[tier]),
            block_guest_bytes: block_guest_bytes.with_label_values(&[tier]),
            block_instructions: block_instructions.with_label_values(&[tier]),
            block_host_bytes: block_host_bytes.with_label_values(&[tier]),
        }
    };
    Ok(COMPILED_TIERS.iter().map(metrics).collect())
}

/// A counter for each member of a closed set, in order.
fn counters<L: Copy>(
    registry: &Registry,
    family: &Family,
    all: &[L],
    name: impl Fn(L) -> &'static str,
) -> Result<Vec<IntCounter>, prometheus::Error> {
    let vec = counter_vec(registry, family)?;
    Ok(all.iter().map(|&it| vec.with_label_values(&[name(it)])).collect())
}

/// A histogram for each member of a closed set, in order.
fn histograms<L: Copy>(
    registry: &Registry,
    family: &Family,
    all: &[L],
    name: impl Fn(L) -> &'static str,
) -> Result<Vec<Histogram>, prometheus::Error> {
    let vec = histogram_vec(registry, family)?;
    Ok(all.iter().map(|&it| vec.with_label_values(&[name(it)])).collect())
}

/// Registers the counters of a family.
pub(crate) fn counter_vec(registry: &Registry, family: &Family) -> Result<IntCounterVec, prometheus::Error> {
    register(registry, IntCounterVec::new(Opts::new(family.name, family.help), family.labels)?)
}

fn histogram_vec(registry: &Registry, family: &Family) -> Result<HistogramVec, prometheus::Error> {
    let options = HistogramOpts::new(family.name, family.help).buckets(family.buckets.to_vec());
    register(registry, HistogramVec::new(options, family.labels)?)
}

fn register<C: Collector + Clone + 'static>(registry: &Registry, collector: C) -> Result<C, prometheus::Error> {
    registry.register(Box::new(collector.clone()))?;
    Ok(collector)
}
