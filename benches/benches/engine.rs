//! Benchmark of guest instructions per second, by engine and loop, as criterion's `elem/s`.
//!
//! The loops run in S-mode under Sv39 with 4 KiB pages. Translations are warm; `machine`
//! includes warm-up.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group};
use riscope_benches::guest;
use riscope_benches::promise::{Bound, best_of, is_kept};
use riscope_core::addr::{GuestAddr, GuestPhys};
use riscope_core::clock::Clock;
use riscope_core::engine::{Engine, EngineContext, EngineFactory, Exit};
use riscope_core::hart::{Hart, HartConfig, PrivilegeMode};
use riscope_core::interp::InterpreterFactory;
use riscope_core::mem::GuestRam;
use riscope_jit::JitFactory;
use vm_memory::{Bytes, GuestAddress};

/// Millions of instructions that the interpreter is to execute in a second, ...
const INTERPRETED: u32 = 200;
/// ... and how many times as many the JIT.
const TIMES_AS_FAST: u32 = 3;

/// Instructions of one measurement.
const SLICE: u64 = 1_000_000;
/// Instructions before the first measurement.
const WARM_UP: u64 = 50_000_000;
const RAM_BYTES: u64 = 2 << 20;

fn hart_and_engine(factory: &dyn EngineFactory, image: &[u8]) -> (Hart, Box<dyn Engine>) {
    let ram = GuestRam::new(GuestPhys(guest::RAM), RAM_BYTES).expect("memory for the guest");
    let ram = Arc::new(ram);
    ram.memory().write_slice(image, GuestAddress(guest::RAM)).expect("the image fits");
    let mut hart = Hart::new(HartConfig::alone(Arc::clone(&ram), Clock::host()));
    hart.reset(GuestAddr(guest::RAM), PrivilegeMode::Machine, 0, 0);
    let context = EngineContext::alone(ram);
    let engine = factory.engines(&context, 1).expect("an engine on this host").remove(0);
    (hart, engine)
}

/// A loop of `guest/`, warm.
fn warm(factory: &dyn EngineFactory, name: &str) -> (Hart, Box<dyn Engine>) {
    let image = guest::image(name, Path::new(env!("CARGO_TARGET_TMPDIR")));
    let (mut hart, mut engine) = hart_and_engine(factory, &image);
    assert_eq!(engine.run(&mut hart, WARM_UP), Exit::LimitReached);
    assert_eq!(hart.mode(), PrivilegeMode::Supervisor, "the loop runs under paging");
    (hart, engine)
}

fn factories() -> [Box<dyn EngineFactory>; 2] {
    [Box::new(InterpreterFactory), Box::new(JitFactory::default())]
}

fn engine(c: &mut Criterion) {
    for factory in factories() {
        let mut group = c.benchmark_group(factory.name());
        group.throughput(Throughput::Elements(SLICE)).measurement_time(Duration::from_secs(3));
        for name in guest::LOOPS {
            let (mut hart, mut engine) = warm(&*factory, name);
            group.bench_function(name, |b| b.iter(|| engine.run(&mut hart, SLICE)));
        }
        group.finish();
    }
}

/// Millions of instructions a second on the integer loop.
fn speed(factory: &dyn EngineFactory) -> f64 {
    let (mut hart, mut engine) = warm(factory, "integer");
    let best = best_of(200, || assert_eq!(engine.run(&mut hart, SLICE), Exit::LimitReached));
    SLICE as f64 / best.as_secs_f64() / 1e6
}

criterion_group!(benches, engine);

fn main() -> ExitCode {
    benches();
    let [interpreter, tiered] = factories().map(|factory| speed(&*factory));
    let kept = [
        is_kept("interpreter, integer loop", interpreter, Bound::AtLeast(INTERPRETED.into()), "million/s"),
        is_kept(
            "tiered over interpreter, integer loop",
            tiered / interpreter,
            Bound::AtLeast(TIMES_AS_FAST.into()),
            "times",
        ),
    ];
    if kept.iter().all(|kept| *kept) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
