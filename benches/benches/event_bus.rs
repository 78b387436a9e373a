//! Benchmark of publishing an event, without subscribers and with some, and of receiving them.

use std::hint::black_box;
use std::process::ExitCode;
use std::thread;
use std::time::Instant;

use criterion::{BatchSize, Criterion, criterion_group};
use riscope_benches::promise::{Bound, best_of, is_kept};
use riscope_core::event::{
    DomainEventBus, ExecutionEvent, Family, Filter, Queue, Subscription, Tier, Trigger, VmId, WhenFull,
};

/// Limit for publishing an event without subscribers, in nanoseconds.
const TO_NOBODY_NS: u32 = 10;
/// Limit for publishing an event to three subscribers, in nanoseconds.
const TO_THREE_NS: u32 = 150;
/// Millions of events a second that one subscriber is to receive.
const RECEIVED: u32 = 5;

const VM: VmId = VmId::from_u128(1);

fn compiled() -> ExecutionEvent {
    ExecutionEvent::CodeBlockCompiled {
        pc: black_box(0x8020_0000),
        phys: 0x8000_0000,
        block_size: 64,
        instructions: 20,
        host_size: 480,
        tier: Tier::Baseline,
        trigger: Trigger::Hot,
        queue_wait_ns: 20_000,
        compile_ns: 300_000,
    }
}

/// Events per measurement, and the size of the queues, so that none is full.
const EVENTS: usize = 1024;

fn publish(c: &mut Criterion, name: &str, filters: &[Filter]) {
    let bus = DomainEventBus::new();
    let subscribe = |filter: &Filter| bus.subscribe("bench", *filter, EVENTS);
    let subscriptions: Vec<Subscription> = filters.iter().map(subscribe).collect();
    let mut group = c.benchmark_group("event_bus");
    group.throughput(criterion::Throughput::Elements(EVENTS as u64));
    group.bench_function(name, |b| {
        b.iter_batched(
            || subscriptions.iter().for_each(|subscription| subscription.drain().for_each(drop)),
            |()| (0..EVENTS).for_each(|_| bus.publish(VM, compiled())),
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

fn event_bus(c: &mut Criterion) {
    publish(c, "publish 1024 to nobody", &[]);
    publish(c, "publish 1024 to one", &[Filter::all()]);
    publish(c, "publish 1024 to three", &[Filter::all(), Filter::all(), Filter::all()]);
    let elsewhere = Filter::all().families(&[Family::Device]);
    publish(c, "publish 1024 to three who want others", &[elsewhere, elsewhere, elsewhere]);
    publish_to_full(c, "publish 1024 to one who is full", WhenFull::DropNewest);
    publish_to_full(c, "publish 1024 to one who keeps the latest", WhenFull::DropOldest);
    publish_to_full(c, "publish 1024 to one who coalesces", WhenFull::Coalesce);
}

/// Publishing to a queue that is full.
fn publish_to_full(c: &mut Criterion, name: &str, when_full: WhenFull) {
    let bus = DomainEventBus::new();
    let _full = bus.subscribe("bench", Filter::all(), Queue { capacity: 64, when_full });
    let mut group = c.benchmark_group("event_bus");
    group.throughput(criterion::Throughput::Elements(EVENTS as u64));
    group.bench_function(name, |b| b.iter(|| (0..EVENTS).for_each(|_| bus.publish(VM, compiled()))));
    group.finish();
}

/// Nanoseconds that publishing one event takes with this many subscribers.
fn cost(subscribers: usize) -> f64 {
    let bus = DomainEventBus::new();
    let all: Vec<Subscription> = (0..subscribers).map(|_| bus.subscribe("bench", Filter::all(), EVENTS)).collect();
    let publish = || {
        all.iter().for_each(|subscription| subscription.drain().for_each(drop));
        best_of(1, || (0..EVENTS).for_each(|_| bus.publish(VM, compiled())))
    };
    let best = (0..200).map(|_| publish()).min().unwrap_or_default();
    best.as_secs_f64() * 1e9 / EVENTS as f64
}

/// Millions of events a second that one subscriber receives while they are published.
fn received() -> f64 {
    const PUBLISHED: usize = 1_000_000;
    let bus = DomainEventBus::new();
    let subscription = bus.subscribe("bench", Filter::all(), PUBLISHED);
    let start = Instant::now();
    thread::scope(|scope| {
        scope.spawn(|| (0..PUBLISHED).for_each(|_| bus.publish(VM, compiled())));
        subscription.iter().take(PUBLISHED).for_each(drop);
    });
    PUBLISHED as f64 / start.elapsed().as_secs_f64() / 1e6
}

criterion_group!(benches, event_bus);

fn main() -> ExitCode {
    benches();
    let received = (0..10).map(|_| received()).fold(0.0, f64::max);
    let kept = [
        is_kept("publish to nobody", cost(0), Bound::AtMost(TO_NOBODY_NS.into()), "ns"),
        is_kept("publish to three", cost(3), Bound::AtMost(TO_THREE_NS.into()), "ns"),
        is_kept("receive", received, Bound::AtLeast(RECEIVED.into()), "million events/s"),
    ];
    if kept.iter().all(|kept| *kept) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
