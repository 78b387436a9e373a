//! Execution of a suite on the engines of riscope.

use std::sync::Arc;

use riscope_core::addr::{GuestAddr, GuestPhys};
use riscope_core::clock::Clock;
use riscope_core::counters::CounterPage;
use riscope_core::engine::{EngineContext, EngineFactory};
use riscope_core::event::Tier;
use riscope_core::hart::{Hart, HartConfig, PrivilegeMode};
use riscope_core::interp::InterpreterFactory;
use riscope_core::mem::GuestRam;
use riscope_jit::{JitConfig, JitFactory, Tiers};
use vm_memory::{Bytes, GuestAddress};

use super::suite::{IMAGE, Suite};

const RAM_SIZE: u64 = 64 << 20;
/// Far beyond the instructions of any suite.
const LIMIT: u64 = 100_000_000;
const STEP: u64 = 100_000;

/// Results of `suite` on the engine of `factory`, with the percentage of instructions in
/// generated code.
pub(crate) fn results(suite: &Suite, factory: &dyn EngineFactory) -> (Vec<u64>, u64) {
    let ram = Arc::new(GuestRam::new(GuestPhys(IMAGE), RAM_SIZE).expect("guest memory"));
    ram.memory().write_slice(&suite.image, GuestAddress(IMAGE)).expect("the image fits");
    let counters: Arc<CounterPage> = Arc::default();
    let config = HartConfig { counters: Arc::clone(&counters), ..HartConfig::alone(Arc::clone(&ram), Clock::manual()) };
    let mut hart = Hart::new(config);
    hart.reset(GuestAddr(IMAGE), PrivilegeMode::Machine, 0, 0);
    let context = EngineContext::alone(Arc::clone(&ram));
    let mut engine = factory.engines(&context, 1).expect("an engine").remove(0);
    let read = |at: u64| -> u64 { ram.memory().read_obj(GuestAddress(at)).expect("an address in RAM") };
    while read(suite.symbols.tohost) == 0 {
        engine.run(&mut hart, STEP);
        assert!(hart.instructions_retired() < LIMIT, "the suite does not end: pc {}", hart.pc());
    }
    let words = (suite.symbols.begin_signature..suite.symbols.end_signature).step_by(8).map(read).collect();
    let by_tier = counters.instructions();
    let translated: u64 = by_tier[Tier::Baseline as usize..].iter().sum();
    (words, translated * 100 / by_tier.iter().sum::<u64>())
}

/// The interpreter.
pub(crate) fn interpreter() -> Box<dyn EngineFactory> {
    Box::new(InterpreterFactory)
}

/// The engine with these tiers, translating what runs twice.
pub(crate) fn translator(tiers: Tiers) -> Box<dyn EngineFactory> {
    let config = JitConfig { tiers, hot_threshold: 2, synchronous: true, ..JitConfig::default() };
    Box::new(JitFactory::new(config))
}
