//! A hart on its own thread beside the compiler.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use riscope_core::addr::GuestAddr;
use riscope_core::clock::Clock;
use riscope_core::hart::{HartConfig, PrivilegeMode};
use riscope_core::mem::GuestRam;
use vm_memory::{Bytes, GuestAddress};

use super::*;

const RAM: u64 = 0x8000_0000;

/// Time after which a wait fails its test.
const PATIENCE: Duration = Duration::from_secs(60);

/// `addi a0, a0, 1; j .-4`
const LOOP: [u32; 2] = [0x0015_0513, 0xffdf_f06f];

/// `addi a0, a0, 1; fence.i; j .-8`
const FENCES: [u32; 3] = [0x0015_0513, 0x0000_100f, 0xff9f_f06f];

/// A hart on its own thread, with the state that its engine shares with the compiler
/// thread.
struct Running {
    shared: Arc<Shared>,
    limits: mpsc::Sender<u64>,
    /// Instructions retired so far, by tier.
    retired: mpsc::Receiver<[u64; Tier::ALL.len()]>,
}

impl Running {
    fn new(program: &[u32]) -> Self {
        let ram = Arc::new(GuestRam::new(GuestPhys(RAM), 1 << 16).expect("memory"));
        for (n, &word) in (0..).zip(program) {
            ram.memory().write_obj(word, GuestAddress(RAM + 4 * n)).expect("it is in RAM");
        }
        let mut hart = Hart::new(HartConfig::alone(Arc::clone(&ram), Clock::manual()));
        hart.reset(GuestAddr(RAM), PrivilegeMode::Machine, 0, 0);
        let context = EngineContext::alone(ram);
        let shared = Arc::new(Shared::new(&context, JitConfig::default(), None).expect("an engine"));
        let mut engine = JitEngine::new(Arc::clone(&shared), 0);
        let (limits, wanted) = mpsc::channel();
        let (report, retired) = mpsc::channel();
        let thread = std::thread::Builder::new().name("hart".into());
        let work = move || {
            for limit in wanted {
                engine.run(&mut hart, limit);
                let _ = report.send(hart.counters().instructions());
            }
        };
        thread.spawn(work).expect("a thread");
        Self { shared, limits, retired }
    }

    /// Executes `limit` instructions; returns the instructions retired so far, by tier.
    fn run(&self, limit: u64) -> [u64; Tier::ALL.len()] {
        self.limits.send(limit).expect("the hart is there");
        self.retired.recv_timeout(PATIENCE).expect("the hart waits for the code cache")
    }

    /// Executes until generated code has retired instructions.
    fn run_until_translated(&self) -> [u64; Tier::ALL.len()] {
        let [_, before, ..] = self.run(1);
        let started = Instant::now();
        loop {
            let retired = self.run(100_000);
            if retired[Tier::Baseline.index()] > before {
                return retired;
            }
            assert!(started.elapsed() < PATIENCE, "nothing is translated: {retired:?}");
        }
    }
}

#[test]
fn a_hart_goes_on_while_the_compiler_has_the_code_cache() {
    let hart = Running::new(&LOOP);
    let held = hart.shared.cache.hold();
    let [interpreted, translated, ..] = hart.run(1_000_000);
    assert_eq!((interpreted, translated), (1_000_000, 0));
    drop(held);
    hart.run_until_translated();
}

#[test]
fn a_fence_is_passed_by_interpreting_while_the_compiler_has_the_code_cache() {
    let hart = Running::new(&FENCES);
    let [interpreted, translated, ..] = hart.run_until_translated();
    let held = hart.shared.cache.hold();
    let [interpreted_then, translated_then, ..] = hart.run(100_000);
    // Code valid before the first fence may run up to that fence.
    assert!(translated_then <= translated + u64::from(QUANTUM), "{translated_then} after {translated}");
    assert_eq!(interpreted_then + translated_then, interpreted + translated + 100_000);
    assert!(interpreted_then >= interpreted + 100_000 - u64::from(QUANTUM));
    drop(held);
    hart.run_until_translated();
}

#[test]
fn an_engine_is_called_what_it_was_asked_for() {
    for (tiers, name) in [(Tiers::Baseline, "baseline"), (Tiers::All, "tiered")] {
        let factory = JitFactory::new(JitConfig { tiers, ..JitConfig::default() });
        assert_eq!(factory.name(), name);
    }
    assert_eq!(JitFactory::default().name(), "tiered", "the default of `--engine`");
}
