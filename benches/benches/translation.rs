//! Benchmark of the first tier's translator: guest instructions a second, publication included, as
//! criterion's `elem/s`, from what engines say of themselves.
//!
//! The guest runs thousands of functions a few times each, so that the translator finds nothing
//! in the host's caches that it would not find there otherwise.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group};
use riscope_benches::guest;
use riscope_benches::promise::{Bound, is_kept};
use riscope_core::addr::{GuestAddr, GuestPhys};
use riscope_core::clock::Clock;
use riscope_core::engine::{EngineContext, EngineFactory, Exit};
use riscope_core::event::{DomainEventBus, Event, ExecutionEvent, Filter, Publisher, Tier, VmId};
use riscope_core::hart::{Hart, HartConfig, PrivilegeMode};
use riscope_core::mem::GuestRam;
use riscope_jit::{JitConfig, JitFactory, Tiers};
use vm_memory::{Bytes, GuestAddress};

/// Millions of guest instructions that are to be translated in a second.
const TRANSLATED: u32 = 5;

/// Runs of which the fastest counts: a shared host slows others down.
const ATTEMPTS: usize = 200;

const RAM_BYTES: u64 = 2 << 20;
/// Instructions that the guest executes: each function some twenty times.
const EXECUTED: u64 = 1_500_000;
/// Events that a run has at most.
const EVENTS: usize = 1 << 14;
const VM: VmId = VmId::from_u128(1);

/// What a run has translated, and in which time.
#[derive(Clone, Copy, Debug, Default)]
struct Translated {
    instructions: u64,
    time: Duration,
}

/// Runs the guest on a new engine.
fn run(image: &[u8]) -> Translated {
    let ram = Arc::new(GuestRam::new(GuestPhys(guest::RAM), RAM_BYTES).expect("memory for the guest"));
    ram.memory().write_slice(image, GuestAddress(guest::RAM)).expect("the image fits");
    let bus = DomainEventBus::new();
    let subscription = bus.subscribe("bench", Filter::all(), EVENTS);
    let mut hart = Hart::new(HartConfig::alone(Arc::clone(&ram), Clock::host()));
    hart.reset(GuestAddr(guest::RAM), PrivilegeMode::Machine, 0, 0);
    let context = EngineContext { events: Publisher::new(VM, Some(bus)), ..EngineContext::alone(ram) };
    let factory = JitFactory::new(JitConfig { tiers: Tiers::Baseline, ..JitConfig::default() });
    let mut engine = factory.engines(&context, 1).expect("an engine on this host").remove(0);
    assert_eq!(engine.run(&mut hart, EXECUTED), Exit::LimitReached);
    let mut translated = Translated::default();
    for envelope in subscription.drain() {
        if let Event::Execution(ExecutionEvent::CodeBlockCompiled { tier, instructions, compile_ns, .. }) =
            envelope.event
        {
            assert_eq!(tier, Tier::Baseline, "there is no other one");
            translated.instructions += u64::from(instructions);
            translated.time += Duration::from_nanos(compile_ns);
        }
    }
    let resident = context.counters.resident_blocks[Tier::Baseline.index()].load(Ordering::Relaxed);
    assert!(resident > 1000, "{resident} translations");
    translated
}

fn image() -> Vec<u8> {
    guest::image("translation", Path::new(env!("CARGO_TARGET_TMPDIR")))
}

fn translation(c: &mut Criterion) {
    let image = image();
    let mut group = c.benchmark_group("translation");
    group.throughput(Throughput::Elements(run(&image).instructions)).sample_size(20);
    group.bench_function("templates", |b| {
        b.iter_custom(|runs| (0..runs).map(|_| run(&image).time).sum());
    });
    group.finish();
}

criterion_group!(benches, translation);

fn main() -> ExitCode {
    benches();
    let image = image();
    let speed = |Translated { instructions, time }| instructions as f64 / time.as_secs_f64() / 1e6;
    let best = (0..ATTEMPTS).map(|_| speed(run(&image))).fold(0.0, f64::max);
    let kept = is_kept("translation by templates", best, Bound::AtLeast(TRANSLATED.into()), "million instructions/s");
    if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
