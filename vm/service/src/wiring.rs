//! Composition root: what a machine and its telemetry are made of, from every crate.

use std::sync::Arc;

use riscope_core::engine::EngineFactory;
use riscope_core::event::{DomainEventBus, VmId};
use riscope_core::interp::InterpreterFactory;
use riscope_jit::JitFactory;
use riscope_machine::MachineSpec;
use riscope_machine::console::Console;

use crate::cli::EngineChoice;

/// The only machine of a process.
const VM: VmId = VmId(1);

/// What devices report, for metrics that have to be there before it happens. Devices
/// know their errors and telemetry knows no device; a test compares.
pub(crate) const DEVICE_ERRORS: &[(&str, &[&str])] =
    &[("virtio-blk", &["file_shrunk", "no_space", "permission_denied", "file_too_large", "io_error"])];

/// A specification with everything that does not come from the command line.
pub(crate) fn machine_spec(
    bus: &DomainEventBus,
    name: &str,
    engine: EngineChoice,
    console: Arc<Console>,
) -> MachineSpec {
    let mut spec = MachineSpec::new(engine_factory(engine), console);
    spec.vm_id = VM;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_that_a_disk_reports_is_known() {
        let source = include_str!("../../machine/src/device/virtio/block/status.rs");
        let (_, function) = source.split_once("fn host_fault").expect("it is there");
        let names: Vec<&str> = function.split('"').skip(1).step_by(2).collect();
        assert_eq!(DEVICE_ERRORS, [("virtio-blk", names.as_slice())]);
    }
}
