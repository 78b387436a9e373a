//! Composition root: what a machine and its telemetry are made of, from every crate.

use std::sync::Arc;

use riscope_core::engine::EngineFactory;
use riscope_core::event::DomainEventBus;
use riscope_core::interp::InterpreterFactory;
use riscope_jit::JitFactory;
use riscope_machine::MachineSpec;
use riscope_machine::console::Console;

use crate::cli::EngineChoice;

/// A specification with everything that does not come from the command line.
pub(crate) fn machine_spec(
    bus: &DomainEventBus,
    name: &str,
    engine: EngineChoice,
    console: Arc<Console>,
) -> MachineSpec {
    let mut spec = MachineSpec::new(engine_factory(engine), console);
    spec.name = name.into();
    spec.bus = Some(bus.clone());
    spec
}

fn engine_factory(engine: EngineChoice) -> Arc<dyn EngineFactory> {
    match engine {
        EngineChoice::Interpreter => Arc::new(InterpreterFactory),
        EngineChoice::Baseline | EngineChoice::Tiered => Arc::new(JitFactory::default()),
    }
}
