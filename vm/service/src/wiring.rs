//! Composition root: the only place that knows every crate.

use std::sync::Arc;
use std::time::{Duration, Instant};

use riscope_core::engine::EngineFactory;
use riscope_core::event::VmId;
use riscope_core::interp::InterpreterFactory;
use riscope_jit::JitFactory;
use riscope_machine::console::Console;
use riscope_machine::{Machine, MachineExit, MachineSpec};

use crate::cli::EngineChoice;
use crate::error::CommandError;
use crate::session::Session;

/// The only machine of a process.
const VM: VmId = VmId(1);

/// What devices report, for metrics that have to be there before it happens. Devices
/// know their errors and telemetry knows no device; a test compares.
pub(crate) const DEVICE_ERRORS: &[(&str, &[&str])] =
    &[("virtio-blk", &["file_shrunk", "no_space", "permission_denied", "file_too_large", "io_error"])];

/// A specification with everything that does not come from the command line.
pub(crate) fn machine_spec(session: &Session, name: &str, engine: EngineChoice, console: Arc<Console>) -> MachineSpec {
    let mut spec = MachineSpec::new(engine_factory(engine), console);
    spec.vm_id = VM;
    spec.name = name.into();
    spec.bus = Some(session.bus.clone());
    spec
}

fn engine_factory(engine: EngineChoice) -> Arc<dyn EngineFactory> {
    match engine {
        EngineChoice::Interpreter => Arc::new(InterpreterFactory),
        EngineChoice::Baseline | EngineChoice::Tiered => Arc::new(JitFactory::default()),
    }
}

/// How a machine is to be run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RunPolicy {
    /// Build the machine again when the guest asks for a reset.
    pub(crate) reboot: bool,
    /// End it after this time.
    pub(crate) timeout: Option<Duration>,
}

/// Runs machines of `spec` until one ends for good, gives `built` the first before it
/// starts and `finished` the last, and returns when its output is written.
///
/// # Errors
/// When a machine cannot be built or started, and those of `built` and `finished`.
pub(crate) fn run_machine(
    session: &Session,
    spec: &MachineSpec,
    policy: RunPolicy,
    built: impl FnOnce(&Machine) -> Result<(), CommandError>,
    finished: impl FnOnce(&Machine) -> Result<(), CommandError>,
) -> Result<u8, CommandError> {
    let outcome = run_until_end(session, spec, policy, built, finished);
    session.stopper.harts_ended();
    if session.output.drain() {
        return outcome;
    }
    // Who asked did not get all of what the guest said, which is no success.
    outcome.map(|status| session.stopper.asked().map_or(status, MachineExit::status))
}

fn run_until_end(
    session: &Session,
    spec: &MachineSpec,
    policy: RunPolicy,
    built: impl FnOnce(&Machine) -> Result<(), CommandError>,
    finished: impl FnOnce(&Machine) -> Result<(), CommandError>,
) -> Result<u8, CommandError> {
    let deadline = policy.timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    if let Some(deadline) = deadline {
        session.stopper.expire_at(deadline);
    }
    let mut built = Some(built);
    loop {
        let mut machine = Machine::new(spec)?;
        session.telemetry.register_vm(machine.counters().clone());
        if let Some(built) = built.take() {
            built(&machine)?;
        }
        machine.start()?;
        let machine = Arc::new(machine);
        session.stopper.watch(&machine);
        let exit = match deadline {
            Some(deadline) => machine.wait_or_expire(deadline.saturating_duration_since(Instant::now())),
            None => machine.wait(),
        };
        if exit != MachineExit::Reset || !policy.reboot {
            session.stopper.harts_ended();
            finished(&machine)?;
            return Ok(exit.status());
        }
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
