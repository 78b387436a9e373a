//! Sampler: makes a snapshot from the status of the machines, their counters, the flight recorder
//! and the console tail.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use riscope_core::counters::HartActivity;
use riscope_core::event::{Tier, VmId, VmState, wall_ns};
use riscope_telemetry::{BlockSizes, MachineStatus};

use super::Source;
use super::blocks::Blocks;
use super::journal::journal;
use super::reading::{self, FREQUENT, Interval, Reading, rounded};
use super::snapshot::{
    BlockCounts, BlockSizesView, CacheView, Condition, HartView, JitView, MachineView, Named, ProcessView, Snapshot,
    TierView, VERSION,
};

/// What is remembered from one snapshot to the next.
#[derive(Debug)]
pub(super) struct Sampler {
    source: Arc<Source>,
    before: Reading,
    sequence: u64,
    blocks: HashMap<VmId, Blocks>,
}

impl Sampler {
    /// A sampler whose first snapshot has rates since now.
    pub(super) fn new(source: Arc<Source>) -> Self {
        let before = Reading::of(&source.telemetry.machines());
        Self { source, before, sequence: 0, blocks: HashMap::new() }
    }

    /// The next snapshot.
    pub(super) fn sample(&mut self) -> Snapshot {
        let machines = self.source.telemetry.machines();
        let now = Reading::of(&machines);
        let before = std::mem::replace(&mut self.before, now.clone());
        let interval = Interval::between(before.at_ns, now.at_ns);
        self.sequence += 1;
        self.blocks.retain(|vm_id, _| machines.iter().any(|machine| machine.vm_id == *vm_id));
        let views = machines.iter().map(|status| {
            let now = now.machine(status.vm_id).cloned().unwrap_or_default();
            // A machine that is new begins with rates of 0.
            let before = before.machine(status.vm_id).unwrap_or(&now);
            self.view(status, &Figures { before, now: &now, interval })
        });
        let machines = views.collect();
        let available = std::thread::available_parallelism().map_or(1, usize::from) as u64;
        Snapshot {
            version: VERSION,
            riscope: env!("CARGO_PKG_VERSION").to_owned(),
            sequence: self.sequence,
            time_ms: wall_ns() / 1_000_000,
            interval_seconds: rounded(interval.seconds),
            process: ProcessView {
                cpus: interval.share(before.process_cpu_ns, now.process_cpu_ns),
                available_cpus: available,
            },
            block_sizes: block_sizes(self.source.telemetry.block_sizes()),
            machines,
        }
    }

    fn view(&mut self, status: &MachineStatus, figures: &Figures<'_>) -> MachineView {
        let recorded = self.source.flight.latest(status.vm_id);
        let blocks = self.blocks.entry(status.vm_id).or_default();
        blocks.learn(&recorded);
        let engine = &status.counters.engine;
        MachineView {
            id: status.vm_id.to_string(),
            name: status.counters.name.to_string(),
            engine: status.counters.engine_name.to_owned(),
            memory_bytes: status.counters.memory_bytes,
            state: status.state.as_str().to_owned(),
            condition: condition(status),
            booted_ms: status.booted_ns.map(|ns| ns / 1_000_000),
            resets: status.resets,
            panics: status.panics,
            mips: figures.mips(|hart| hart.instructions.iter().sum()),
            tiers: Tier::ALL.iter().map(|&tier| figures.tier(tier, status)).collect(),
            harts: figures.harts(&status.stalled),
            activities: HartActivity::ALL.iter().map(|&activity| figures.activity(activity)).collect(),
            jit: figures.jit(load(&engine.queue_depth)),
            cache: CacheView {
                limit_bytes: load(&engine.code_cache_limit),
                used_bytes: engine.code_cache_used.iter().map(load).sum(),
            },
            rates: (0..FREQUENT.len()).map(|index| figures.frequent(index)).collect(),
            hot_blocks: blocks.hottest(|pc| self.source.name_of(pc)),
            events: journal(&status.history, &recorded),
            console: self.source.tail.view(),
        }
    }
}

fn load(word: &AtomicU64) -> u64 {
    word.load(Ordering::Relaxed)
}

fn block_sizes(tiers: Vec<BlockSizes>) -> BlockSizesView {
    let counts = |sizes: BlockSizes| BlockCounts { tier: sizes.tier.as_str().to_owned(), counts: sizes.counts };
    BlockSizesView { bounds: BlockSizes::BOUNDS.to_vec(), tiers: tiers.into_iter().map(counts).collect() }
}

/// Whether somebody has to look after the machine, and why.
fn condition(status: &MachineStatus) -> Condition {
    let mut reasons = Vec::new();
    if status.state == VmState::Failed {
        reasons.push("the host failed".to_owned());
    }
    if status.has_panicked {
        reasons.push("the guest has panicked".to_owned());
    }
    reasons.extend(status.stalled.iter().map(|hart| format!("hart {hart} hangs")));
    let is_critical = !reasons.is_empty();
    reasons.extend(
        status.device_errors.iter().map(|(device, name, error, number)| format!("{device} {name}: {error} ({number})")),
    );
    let level = match (is_critical, reasons.is_empty()) {
        (true, _) => "critical",
        (false, false) => "warning",
        (false, true) => "ok",
    };
    Condition { level: level.to_owned(), reasons }
}

/// Two readings of a machine.
struct Figures<'a> {
    before: &'a reading::Machine,
    now: &'a reading::Machine,
    interval: Interval,
}

impl Figures<'_> {
    /// Sum over harts, before and now.
    fn sums(&self, figure: impl Fn(&reading::Hart) -> u64) -> (u64, u64) {
        (self.before.harts.iter().map(&figure).sum(), self.now.harts.iter().map(&figure).sum())
    }

    fn mips(&self, instructions: impl Fn(&reading::Hart) -> u64) -> f64 {
        let (before, now) = self.sums(instructions);
        self.interval.millions(before, now)
    }

    fn tier(&self, tier: Tier, status: &MachineStatus) -> TierView {
        let index = tier.index();
        let engine = &status.counters.engine;
        TierView {
            tier: tier.as_str().to_owned(),
            instructions: self.sums(|hart| hart.instructions[index]).1,
            mips: self.mips(|hart| hart.instructions[index]),
            compiled: self.now.compiled[index],
            compiled_per_second: self.interval.rate(self.before.compiled[index], self.now.compiled[index]),
            resident_blocks: load(&engine.resident_blocks[index]),
            cache_bytes: load(&engine.code_cache_used[index]),
        }
    }

    fn harts(&self, stalled: &[u32]) -> Vec<HartView> {
        let harts = self.before.harts.iter().zip(&self.now.harts).enumerate();
        let view = |(index, (before, now)): (usize, (&reading::Hart, &reading::Hart))| HartView {
            index,
            mips: self.interval.millions(before.instructions.iter().sum(), now.instructions.iter().sum()),
            cpus: self.interval.share(before.cpu_ns.iter().sum(), now.cpu_ns.iter().sum()),
            idle: self.interval.share(before.idle_ns, now.idle_ns).min(1.0),
            is_stalled: stalled.iter().any(|&hart| usize::try_from(hart) == Ok(index)),
        };
        harts.map(view).collect()
    }

    fn activity(&self, activity: HartActivity) -> Named {
        let (before, now) = self.sums(|hart| hart.cpu_ns[activity.index()]);
        Named { name: activity.as_str().to_owned(), value: self.interval.share(before, now) }
    }

    fn frequent(&self, index: usize) -> Named {
        let (before, now) = self.sums(|hart| hart.frequent[index]);
        Named { name: FREQUENT[index].0.to_owned(), value: self.interval.rate(before, now) }
    }

    #[expect(clippy::cast_precision_loss, reason = "a mean needs no more than a double's 53 bits")]
    fn jit(&self, queue_depth: u64) -> JitView {
        let (before, now, interval) = (self.before, self.now, self.interval);
        let compiled: [u64; 2] = [before, now].map(|reading| reading.compiled.iter().sum());
        let [count, ns] = [(compiled[0], compiled[1]), (before.compile_ns, now.compile_ns)]
            .map(|(before, now)| now.saturating_sub(before) as f64);
        JitView {
            compiled: compiled[1],
            compiled_per_second: interval.rate(compiled[0], compiled[1]),
            hotspots: now.hotspots,
            hotspots_per_second: interval.rate(before.hotspots, now.hotspots),
            failures: now.failures,
            invalidated: now.invalidated,
            invalidated_per_second: interval.rate(before.invalidated, now.invalidated),
            evicted: now.evicted,
            queue_depth,
            compiler_cpus: interval.share(before.compiler_cpu_ns, now.compiler_cpu_ns),
            compile_us: (count > 0.0).then(|| rounded(ns / count / 1e3)),
        }
    }
}
