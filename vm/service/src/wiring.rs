//! Composition root: connects the crates into a machine with telemetry.

use std::sync::Arc;

use riscope_core::engine::EngineFactory;
use riscope_core::event::DomainEventBus;
use riscope_core::interp::InterpreterFactory;
use riscope_core::trace::TraceFactory;
use riscope_jit::{JitConfig, JitFactory, PerfLog, Tiers};
use riscope_machine::MachineSpec;
use riscope_machine::console::Console;

use crate::cli::EngineChoice;
use crate::identity::Identity;
use crate::limits::{self, Needs};
use crate::message::say;
use crate::trace::TraceFile;

/// A specification with all settings that do not come from the command line.
pub(crate) fn machine_spec(
    bus: &DomainEventBus,
    identity: &Identity,
    engine: Arc<dyn EngineFactory>,
    console: Arc<Console>,
) -> MachineSpec {
    let mut spec = MachineSpec::new(engine, console);
    spec.vm_id = identity.id;
    spec.name = identity.name.as_str().into();
    spec.bus = Some(bus.clone());
    spec
}

/// The selected engine, which logs its code to `perf`, or the interpreter if the host lacks
/// address space for it; the tracer if there is a trace.
pub(crate) fn engine(
    choice: EngineChoice,
    trace: Option<&Arc<TraceFile>>,
    perf: Option<&Arc<PerfLog>>,
    needs: &Needs,
) -> Arc<dyn EngineFactory> {
    if let Some(trace) = trace {
        return Arc::new(TraceFactory::new(Arc::clone(trace) as _));
    }
    match choice {
        EngineChoice::Interpreter => fallback_engine(),
        _ if !limits::has_space_for_jit(needs) => {
            say(
                &"the host allows too little address space for translations (ulimit -v); the interpreter runs the guest, which is slower",
            );
            fallback_engine()
        }
        EngineChoice::Baseline => translator(Tiers::Baseline, perf),
        EngineChoice::Tiered => translator(Tiers::All, perf),
    }
}

fn translator(tiers: Tiers, perf: Option<&Arc<PerfLog>>) -> Arc<dyn EngineFactory> {
    let factory = JitFactory::new(JitConfig { tiers, ..JitConfig::default() });
    Arc::new(match perf {
        Some(perf) => factory.log_to(Arc::clone(perf)),
        None => factory,
    })
}

/// The interpreter, which needs only memory of the host.
pub(crate) fn fallback_engine() -> Arc<dyn EngineFactory> {
    Arc::new(InterpreterFactory)
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;
    use riscope_core::event::{Event, Filter, VmEvent};
    use riscope_machine::console::CaptureBackend;
    use riscope_machine::{ImageSource, Machine};

    use super::*;

    #[test]
    fn a_machine_says_which_engine_was_asked_for() {
        for choice in EngineChoice::value_variants() {
            let bus = DomainEventBus::new();
            let events = bus.subscribe("test", Filter::all(), 64);
            let (identity, needs) = (Identity::new(None, None), Needs { harts: 1, ..Needs::default() });
            let mut spec = machine_spec(
                &bus,
                &identity,
                engine(*choice, None, None, &needs),
                Console::new(Arc::new(CaptureBackend::default())),
            );
            spec.firmware = Some(ImageSource::bytes("loop", 0x0000_006f_u32.to_le_bytes().to_vec()));
            let _machine = Machine::new(&spec).expect("a machine");
            let engines: Vec<&str> = events
                .drain()
                .filter_map(|envelope| match envelope.event {
                    Event::Vm(VmEvent::Created { engine, .. }) => Some(engine),
                    _ => None,
                })
                .collect();
            let name = choice.to_possible_value().expect("it can be asked for");
            assert_eq!(engines, [name.get_name()]);
        }
    }
}
