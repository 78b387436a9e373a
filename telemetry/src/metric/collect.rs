//! Values read at scrape time: counter pages, the table of machines and the event bus.
//!
//! Scrapes never stop a hart: pages are read with relaxed loads while their owners continue
//! to count.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use riscope_core::counters::{EventSums, Fact, VmCounters};
use riscope_core::event::{
    CompileFailure, DomainEventBus, EventType, EvictionReason, ExecutionEventType, InvalidationReason, PanicSource,
    Tier, Trigger, VmState, monotonic_ns,
};

use super::family::Family;
use super::machines::{Machines, Table, Totals};
use super::registry::COMPILED_TIERS;
use super::samples::{Samples, desc, seconds, to_f64};
use super::{catalog, guest};
use crate::label::{CollectorName, CompileResult, FREE, Loss, Rejection};

/// Collector of families.
pub(crate) trait Source: Send + Sync {
    /// Families that it collects.
    fn families(&self) -> Vec<&'static Family>;
    /// Collects them.
    fn collect(&self) -> Vec<MetricFamily>;
}

/// Duration of a source's last collection in nanoseconds.
pub(crate) type Duration = Arc<AtomicU64>;

/// A [`Source`] registered with its duration.
pub(crate) struct Timed<S> {
    source: S,
    descriptions: Vec<Desc>,
    last: Duration,
}

impl<S: Source> Timed<S> {
    pub(crate) fn new(source: S, last: Duration) -> Result<Self, prometheus::Error> {
        let descriptions = source.families().iter().map(|family| desc(family)).collect::<Result<_, _>>()?;
        Ok(Self { source, descriptions, last })
    }
}

impl<S: Source> Collector for Timed<S> {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let start = std::time::Instant::now();
        let families = self.source.collect();
        let ns = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.last.store(ns, Ordering::Relaxed);
        families
    }
}

/// Collector of machines: descriptions, counters and engines.
pub(crate) struct MachineSource(pub(crate) Arc<Machines>);

impl Source for MachineSource {
    fn families(&self) -> Vec<&'static Family> {
        let of_machines = [
            catalog::VMS,
            catalog::VM_INFO,
            catalog::VM_STATE,
            catalog::VM_VCPUS,
            catalog::VM_MEMORY_LIMIT,
            catalog::JIT_HOTSPOTS,
            catalog::JIT_COMPILATIONS,
            catalog::JIT_COMPILATION_FAILURES,
            catalog::JIT_COMPILATION_SECONDS,
            catalog::JIT_COMPILER_CPU,
            catalog::JIT_GUEST_INSTRUCTIONS,
            catalog::JIT_GUEST_BYTES,
            catalog::JIT_HOST_BYTES,
            catalog::JIT_INVALIDATIONS,
            catalog::JIT_EVICTIONS,
            catalog::JIT_EVICTED_BYTES,
            catalog::BUS_COALESCED,
            catalog::JIT_QUEUE_DEPTH,
            catalog::JIT_QUEUE_OLDEST,
            catalog::JIT_QUEUE_REJECTED,
            catalog::JIT_CACHE_LIMIT,
            catalog::JIT_CACHE_USAGE,
            catalog::JIT_CACHE_BLOCKS,
            catalog::DEVICE_ERRORS,
            catalog::VM_RESETS,
            catalog::VM_BOOT_TIME,
            catalog::VM_GUEST_PANICS,
            catalog::VCPU_STALLED,
        ];
        of_machines.into_iter().chain(guest::families()).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let table = self.0.lock();
        let mut families = lifecycle(&table);
        families.extend(engines(&table));
        families.extend(guest::collect(table.exported().filter_map(|(_, machine)| machine.counters.as_ref())));
        families
    }
}

fn lifecycle(table: &Table) -> Vec<MetricFamily> {
    let mut vms = Samples::new(catalog::VMS);
    for &state in VmState::ALL {
        let number = table.exported().filter(|(_, machine)| machine.state == state).count();
        vms.count(&[state.as_str()], number as u64);
    }
    let mut info = Samples::new(catalog::VM_INFO);
    let mut states = Samples::new(catalog::VM_STATE);
    let mut vcpus = Samples::new(catalog::VM_VCPUS);
    let mut memory = Samples::new(catalog::VM_MEMORY_LIMIT);
    let mut hotspots = Samples::new(catalog::JIT_HOTSPOTS);
    let mut errors = Samples::new(catalog::DEVICE_ERRORS);
    let mut resets = Samples::new(catalog::VM_RESETS);
    let mut boot_time = Samples::new(catalog::VM_BOOT_TIME);
    let mut panics = Samples::new(catalog::VM_GUEST_PANICS);
    let mut stalled = Samples::new(catalog::VCPU_STALLED);
    for (vm_id, machine) in table.exported() {
        let vm_id = &vm_id.to_string();
        if let Some(description) = &machine.description {
            info.push(&[vm_id, &description.name, description.engine], 1.0);
            vcpus.count(&[vm_id], description.vcpus);
            memory.count(&[vm_id], description.memory_bytes);
        }
        for &state in VmState::ALL {
            states.count(&[vm_id, state.as_str()], u64::from(machine.state == state));
        }
        count_hotspots(&mut hotspots, vm_id, &machine.event_sums());
        for ((device, name, error), &number) in &machine.device_errors {
            errors.count(&[vm_id, device, name, error], number);
        }
        resets.count(&[vm_id], machine.resets);
        if let Some(booted_ns) = machine.booted_ns {
            boot_time.push(&[vm_id], seconds(booted_ns));
        }
        for (source, &number) in PanicSource::NAMES.iter().zip(&machine.panics) {
            panics.count(&[vm_id, source], number);
        }
        for vcpu in 0..machine.description.as_ref().map_or(0, |it| it.vcpus) {
            let is_stalled = machine.stalled.iter().any(|&it| u64::from(it) == vcpu);
            stalled.count(&[vm_id, &vcpu.to_string()], u64::from(is_stalled));
        }
    }
    [vms, info, states, vcpus, memory, hotspots, errors, resets, boot_time, panics, stalled].map(Samples::finish).into()
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
    let mut compilations = Samples::new(catalog::JIT_COMPILATIONS);
    let mut failures = Samples::new(catalog::JIT_COMPILATION_FAILURES);
    let mut times = Samples::new(catalog::JIT_COMPILATION_SECONDS);
    let mut instructions = Samples::new(catalog::JIT_GUEST_INSTRUCTIONS);
    let mut guest_bytes = Samples::new(catalog::JIT_GUEST_BYTES);
    let mut host_bytes = Samples::new(catalog::JIT_HOST_BYTES);
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
    let mut invalidations = Samples::new(catalog::JIT_INVALIDATIONS);
    for &reason in InvalidationReason::ALL {
        invalidations.count(&[reason.as_str()], sums.of(Fact::Invalidated(reason)));
    }
    let mut evictions = Samples::new(catalog::JIT_EVICTIONS);
    let mut evicted_bytes = Samples::new(catalog::JIT_EVICTED_BYTES);
    for &reason in EvictionReason::ALL {
        evictions.count(&[reason.as_str()], sums.of(Fact::Evicted(reason)));
        evicted_bytes.count(&[reason.as_str()], sums.of(Fact::EvictedBytes(reason)));
    }
    let mut coalesced = Samples::new(catalog::BUS_COALESCED);
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

/// Families of the JIT, which have no `vm_id`: sums over the machines.
fn engines(table: &Table) -> Vec<MetricFamily> {
    let sum = |value: &dyn Fn(&VmCounters) -> &AtomicU64| -> u64 {
        let counters = table.exported().filter_map(|(_, machine)| machine.counters.as_ref());
        counters.map(|counters| value(counters).load(Ordering::Relaxed)).sum()
    };
    let mut rejected = Samples::new(catalog::JIT_QUEUE_REJECTED);
    let totals = table.totals();
    rejected.count(&[Rejection::Full.as_str()], totals.rejected);
    let limit = sum(&|it| &it.engine.code_cache_limit);
    let mut usage = Samples::new(catalog::JIT_CACHE_USAGE);
    let mut blocks = Samples::new(catalog::JIT_CACHE_BLOCKS);
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
        Samples::single(catalog::JIT_COMPILER_CPU, seconds(totals.compiler_cpu_ns)),
        Samples::single(catalog::JIT_QUEUE_OLDEST, oldest_age(table)),
        Samples::single(catalog::JIT_QUEUE_DEPTH, to_f64(sum(&|it| &it.engine.queue_depth))),
        rejected.finish(),
        Samples::single(catalog::JIT_CACHE_LIMIT, to_f64(limit)),
        usage.finish(),
        blocks.finish(),
    ]);
    families
}

/// Collector of the event bus.
pub(crate) struct BusSource {
    pub(crate) bus: DomainEventBus,
    /// Name of the pump's subscription, and the number of events that made its handler
    /// panic.
    pub(crate) pump: (&'static str, Arc<AtomicU64>),
}

impl Source for BusSource {
    fn families(&self) -> Vec<&'static Family> {
        vec![
            catalog::BUS_PUBLISHED,
            catalog::BUS_DELIVERED,
            catalog::BUS_DROPPED,
            catalog::BUS_SUBSCRIBER_COALESCED,
            catalog::BUS_SUBSCRIBER_PANICS,
            catalog::BUS_QUEUE_DEPTH,
            catalog::BUS_QUEUE_CAPACITY,
            catalog::BUS_SUBSCRIBERS,
        ]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let stats = self.bus.stats();
        let mut published = Samples::new(catalog::BUS_PUBLISHED);
        for (event, number) in EventType::NAMES.iter().zip(stats.published) {
            published.count(&[event], number);
        }
        let mut delivered = Samples::new(catalog::BUS_DELIVERED);
        let mut dropped = Samples::new(catalog::BUS_DROPPED);
        let mut coalesced = Samples::new(catalog::BUS_SUBSCRIBER_COALESCED);
        let mut panics = Samples::new(catalog::BUS_SUBSCRIBER_PANICS);
        let mut depth = Samples::new(catalog::BUS_QUEUE_DEPTH);
        let mut capacity = Samples::new(catalog::BUS_QUEUE_CAPACITY);
        for subscriber in stats.by_name() {
            let name = &*subscriber.name;
            let panicked = if name == self.pump.0 { self.pump.1.load(Ordering::Relaxed) } else { 0 };
            delivered.count(&[name], subscriber.delivered.saturating_sub(panicked));
            for (loss, number) in [
                (Loss::Full, subscriber.dropped - subscriber.abandoned),
                (Loss::Closed, subscriber.abandoned),
                (Loss::Panicked, panicked),
            ] {
                dropped.count(&[name, loss.as_str()], number);
            }
            coalesced.count(&[name], subscriber.coalesced);
            panics.count(&[name], subscriber.panics);
            depth.count(&[name], subscriber.queued);
            capacity.count(&[name], subscriber.capacity as u64);
        }
        let subscribers = Samples::single(catalog::BUS_SUBSCRIBERS, to_f64(stats.subscribers.len() as u64));
        let counted = [published, delivered, dropped, coalesced, panics, depth, capacity];
        let mut families: Vec<_> = counted.map(Samples::finish).into();
        families.push(subscribers);
        families
    }
}

/// Families about the scrape itself, collected after all others.
pub(super) fn about_the_scrape(
    families: &[MetricFamily],
    collectors: &[(CollectorName, Duration)],
) -> [MetricFamily; 2] {
    let mut durations = Samples::new(catalog::SCRAPE_DURATION);
    for (name, last) in collectors {
        durations.push(&[name.as_str()], seconds(last.load(Ordering::Relaxed)));
    }
    let series = families.iter().map(series).sum::<usize>() + collectors.len();
    [Samples::single(catalog::SERIES, to_f64(series as u64)), durations.finish()]
}

/// Number of time series that Prometheus creates for a family.
fn series(family: &MetricFamily) -> usize {
    let of_metric = |metric: &prometheus::proto::Metric| match family.get_field_type() {
        // The buckets with `+Inf`, the sum and the count.
        prometheus::proto::MetricType::HISTOGRAM => metric.get_histogram().get_bucket().len() + 3,
        _ => 1,
    };
    family.get_metric().iter().map(of_metric).sum()
}
