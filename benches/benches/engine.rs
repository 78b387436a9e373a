//! Guest instructions a second, by engine and loop: criterion's `elem/s`.
//!
//! The loops run in S-mode under Sv39 with 4 KiB pages. Translated code is warm: how
//! long it takes to get there is what `machine` measures.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use riscope_benches::guest;
use riscope_core::addr::{GuestAddr, GuestPhys};
use riscope_core::clock::Clock;
use riscope_core::engine::{Engine, EngineContext, EngineFactory, Exit};
use riscope_core::event::VmId;
use riscope_core::hart::{Hart, HartConfig, PrivilegeMode};
use riscope_core::interp::InterpreterFactory;
use riscope_core::mem::GuestRam;
use riscope_jit::JitFactory;
use vm_memory::{Bytes, GuestAddress};

/// Instructions of one measurement.
const SLICE: u64 = 1_000_000;
/// Instructions before the first measurement.
const WARM_UP: u64 = 50_000_000;
const RAM_BYTES: u64 = 2 << 20;

fn hart_and_engine(factory: &dyn EngineFactory, image: &[u8]) -> (Hart, Box<dyn Engine>) {
    let ram = GuestRam::new(GuestPhys(guest::RAM), RAM_BYTES).expect("memory for the guest");
    let ram = Arc::new(ram);
    ram.memory().write_slice(image, GuestAddress(guest::RAM)).expect("the image fits");
    let mut hart = Hart::new(HartConfig {
        id: 0,
        ram: Arc::clone(&ram),
        mmio: Arc::default(),
        control: Arc::default(),
        counters: Arc::default(),
        clock: Clock::host(),
        sbi: false,
        vm_id: VmId(1),
    });
    hart.reset(GuestAddr(guest::RAM), PrivilegeMode::Machine, 0, 0);
    let context = EngineContext { vm_id: VmId(1), ram, counters: Arc::default(), bus: None };
    let engine = factory.engines(&context, 1).expect("an engine on this host").remove(0);
    (hart, engine)
}

fn engine(c: &mut Criterion) {
    let factories: [Box<dyn EngineFactory>; 2] = [Box::new(InterpreterFactory), Box::new(JitFactory::default())];
    for factory in factories {
        let mut group = c.benchmark_group(factory.name());
        group.throughput(Throughput::Elements(SLICE)).measurement_time(Duration::from_secs(3));
        for name in guest::LOOPS {
            let (mut hart, mut engine) =
                hart_and_engine(&*factory, &guest::image(name, Path::new(env!("CARGO_TARGET_TMPDIR"))));
            assert_eq!(engine.run(&mut hart, WARM_UP), Exit::LimitReached);
            assert_eq!(hart.mode(), PrivilegeMode::Supervisor, "the loop runs under paging");
            group.bench_function(name, |b| b.iter(|| engine.run(&mut hart, SLICE)));
        }
        group.finish();
    }
}

criterion_group!(benches, engine);
criterion_main!(benches);
