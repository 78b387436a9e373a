//! Engines: what each machine asks of the JIT, and the sums over all machines.

use std::sync::atomic::{AtomicU64, Ordering};

use prometheus::proto::MetricFamily;
use riscope_core::counters::{EventSums, Fact, VmCounters};
use riscope_core::event::{
    CompileFailure, EvictionReason, ExecutionEventType, InvalidationReason, Tier, Trigger, monotonic_ns,
};

use crate::label::{CompileResult, FREE, Rejection};
use crate::metric::catalog;
use crate::metric::family::Family;
use crate::metric::machines::{Table, Totals};
use crate::metric::registry::COMPILED_TIERS;
use crate::metric::samples::{Samples, seconds, to_f64};

/// The families.
pub(super) const FAMILIES: &[&Family] = &[
    catalog::load::JIT_HOTSPOTS,
    catalog::load::JIT_COMPILATIONS,
    catalog::load::JIT_COMPILATION_FAILURES,
    catalog::load::JIT_COMPILATION_SECONDS,
    catalog::load::JIT_COMPILER_CPU,
    catalog::load::JIT_GUEST_INSTRUCTIONS,
    catalog::load::JIT_GUEST_BYTES,
    catalog::load::JIT_HOST_BYTES,
    catalog::load::JIT_INVALIDATIONS,
    catalog::load::JIT_EVICTIONS,
    catalog::load::JIT_EVICTED_BYTES,
    catalog::load::JIT_QUEUE_DEPTH,
    catalog::load::JIT_QUEUE_OLDEST,
    catalog::load::JIT_QUEUE_REJECTED,
    catalog::load::JIT_CACHE_LIMIT,
    catalog::load::JIT_CACHE_USAGE,
    catalog::load::JIT_CACHE_BLOCKS,
    catalog::load::VM_JIT_COMPILATION_SECONDS,
    catalog::load::VM_JIT_QUEUE_WAIT,
    catalog::load::VM_JIT_QUEUE_DEPTH,
    catalog::load::VM_JIT_CACHE_USAGE,
    catalog::load::VM_JIT_CACHE_LIMIT,
    catalog::load::VM_JIT_EVICTED_BYTES,
    catalog::bus::BUS_COALESCED,
];

/// Collects them.
pub(super) fn collect(table: &Table) -> Vec<MetricFamily> {
    let mut families = of_machines(table);
    families.extend(sums(table));
    families
}

/// Families with `vm_id`.
fn of_machines(table: &Table) -> Vec<MetricFamily> {
    let mut hotspots = Samples::new(catalog::load::JIT_HOTSPOTS);
    let mut times = Samples::new(catalog::load::VM_JIT_COMPILATION_SECONDS);
    let mut waits = Samples::new(catalog::load::VM_JIT_QUEUE_WAIT);
    let mut depth = Samples::new(catalog::load::VM_JIT_QUEUE_DEPTH);
    let mut usage = Samples::new(catalog::load::VM_JIT_CACHE_USAGE);
    let mut limit = Samples::new(catalog::load::VM_JIT_CACHE_LIMIT);
    let mut evicted = Samples::new(catalog::load::VM_JIT_EVICTED_BYTES);
    for (vm_id, machine) in table.exported() {
        let (vm_id, sums) = (&vm_id.to_string(), machine.event_sums());
        count_hotspots(&mut hotspots, vm_id, &sums);
        for &tier in COMPILED_TIERS {
            times.push(&[vm_id, tier.as_str()], seconds(sums.of(Fact::CompileNs(tier))));
            waits.push(&[vm_id, tier.as_str()], seconds(sums.of(Fact::QueueWaitNs(tier))));
        }
        let bytes = EvictionReason::ALL.iter().map(|&reason| sums.of(Fact::EvictedBytes(reason)));
        evicted.count(&[vm_id], bytes.sum());
        let Some(engine) = machine.engine() else { continue };
        let used = engine.code_cache_used.iter().map(|used| used.load(Ordering::Relaxed));
        usage.count(&[vm_id], used.sum());
        limit.count(&[vm_id], engine.code_cache_limit.load(Ordering::Relaxed));
        depth.count(&[vm_id], engine.queue_depth.load(Ordering::Relaxed));
    }
    [hotspots, times, waits, depth, usage, limit, evicted].map(Samples::finish).into()
}

fn count_hotspots(hotspots: &mut Samples, vm_id: &str, sums: &EventSums) {
    for (index, &from) in Tier::ALL.iter().enumerate() {
        for &to in Tier::ALL.iter().skip(index + 1) {
            hotspots.count(&[vm_id, from.as_str(), to.as_str()], sums.of(Fact::Hotspots { from, to }));
        }
    }
}

// Events do not tell the trigger of each compilation, which is unambiguous as long as there is
// one.
const TRIGGER: Trigger = Trigger::ALL[0];
const _: () = assert!(Trigger::ALL.len() == 1);

/// Families of what engine events say.
fn events(totals: &Totals) -> Vec<MetricFamily> {
    let sums = &totals.events;
    let mut compilations = Samples::new(catalog::load::JIT_COMPILATIONS);
    let mut failures = Samples::new(catalog::load::JIT_COMPILATION_FAILURES);
    let mut times = Samples::new(catalog::load::JIT_COMPILATION_SECONDS);
    let mut instructions = Samples::new(catalog::load::JIT_GUEST_INSTRUCTIONS);
    let mut guest_bytes = Samples::new(catalog::load::JIT_GUEST_BYTES);
    let mut host_bytes = Samples::new(catalog::load::JIT_HOST_BYTES);
    for &tier in COMPILED_TIERS {
        let failed = |reason| sums.of(Fact::Failures(tier, reason));
        let errors = failed(CompileFailure::Compiler);
        let bailouts = CompileFailure::ALL.iter().map(|&reason| failed(reason)).sum::<u64>() - errors;
        for (result, number) in [
            (CompileResult::Ok, sums.of(Fact::Blocks(tier))),
            (CompileResult::Bailout, bailouts),
            (CompileResult::Error, errors),
        ] {
            compilations.count(&[tier.as_str(), TRIGGER.as_str(), result.as_str()], number);
        }
        times.push(&[tier.as_str()], seconds(sums.of(Fact::CompileNs(tier))));
        instructions.count(&[tier.as_str()], sums.of(Fact::Instructions(tier)));
        guest_bytes.count(&[tier.as_str()], sums.of(Fact::GuestBytes(tier)));
        host_bytes.count(&[tier.as_str()], sums.of(Fact::HostBytes(tier)));
    }
    for &reason in CompileFailure::ALL {
        let number = Tier::ALL.iter().map(|&tier| sums.of(Fact::Failures(tier, reason))).sum();
        failures.count(&[reason.as_str()], number);
    }
    let mut invalidations = Samples::new(catalog::load::JIT_INVALIDATIONS);
    for &reason in InvalidationReason::ALL {
        invalidations.count(&[reason.as_str()], sums.of(Fact::Invalidated(reason)));
    }
    let mut evictions = Samples::new(catalog::load::JIT_EVICTIONS);
    let mut evicted_bytes = Samples::new(catalog::load::JIT_EVICTED_BYTES);
    for &reason in EvictionReason::ALL {
        evictions.count(&[reason.as_str()], sums.of(Fact::Evicted(reason)));
        evicted_bytes.count(&[reason.as_str()], sums.of(Fact::EvictedBytes(reason)));
    }
    let mut coalesced = Samples::new(catalog::bus::BUS_COALESCED);
    for &kind in ExecutionEventType::ALL {
        coalesced.count(&[kind.as_str()], totals.coalesced.of(Fact::Events(kind)));
    }
    let families = [compilations, failures, times, instructions, guest_bytes, host_bytes];
    families.into_iter().chain([invalidations, evictions, evicted_bytes, coalesced]).map(Samples::finish).collect()
}

/// Age of the oldest request of all compile queues, in seconds.
fn oldest_age(table: &Table) -> f64 {
    let engines = table.exported().filter_map(|(_, machine)| machine.counters.as_ref());
    let asked = engines.map(|counters| counters.engine.oldest_request_ns.load(Ordering::Relaxed));
    asked.filter(|&asked| asked > 0).min().map_or(0.0, |asked| seconds(monotonic_ns().saturating_sub(asked)))
}

/// Families of the JIT without `vm_id`: sums over the machines.
fn sums(table: &Table) -> Vec<MetricFamily> {
    let sum = |value: &dyn Fn(&VmCounters) -> &AtomicU64| -> u64 {
        let counters = table.exported().filter_map(|(_, machine)| machine.counters.as_ref());
        counters.map(|counters| value(counters).load(Ordering::Relaxed)).sum()
    };
    let mut rejected = Samples::new(catalog::load::JIT_QUEUE_REJECTED);
    let totals = table.totals();
    rejected.count(&[Rejection::Full.as_str()], totals.rejected);
    let limit = sum(&|it| &it.engine.code_cache_limit);
    let mut usage = Samples::new(catalog::load::JIT_CACHE_USAGE);
    let mut blocks = Samples::new(catalog::load::JIT_CACHE_BLOCKS);
    let mut free = limit;
    for &tier in COMPILED_TIERS {
        let used = sum(&|it| &it.engine.code_cache_used[tier.index()]);
        free = free.saturating_sub(used);
        usage.count(&[tier.as_str()], used);
        blocks.count(&[tier.as_str()], sum(&|it| &it.engine.resident_blocks[tier.index()]));
    }
    usage.count(&[FREE], free);
    let mut families = events(&totals);
    families.extend([
        Samples::single(catalog::load::JIT_COMPILER_CPU, seconds(totals.compiler_cpu_ns)),
        Samples::single(catalog::load::JIT_QUEUE_OLDEST, oldest_age(table)),
        Samples::single(catalog::load::JIT_QUEUE_DEPTH, to_f64(sum(&|it| &it.engine.queue_depth))),
        rejected.finish(),
        Samples::single(catalog::load::JIT_CACHE_LIMIT, to_f64(limit)),
        usage.finish(),
        blocks.finish(),
    ]);
    families
}
