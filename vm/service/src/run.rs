//! `riscope run`: one machine in the foreground.

use riscope_machine::{DiskSpec, ImageSource, MachineSpec};

use crate::cli::RunArguments;
use crate::console::{RawTerminal, feed_stdin, stdout_console};
use crate::error::CommandError;
use crate::message::say;
use crate::session::Session;
use crate::wiring::{RunPolicy, machine_spec, run_machine};

/// Runs the machine and returns the exit status.
pub(crate) fn run(arguments: &RunArguments) -> Result<u8, CommandError> {
    let session = Session::start(arguments.observe.listen, arguments.observe.otlp.clone())?;
    if let Some(address) = session.address {
        say(&format_args!("metrics at http://{address}/metrics"));
    }
    let console = stdout_console();
    let mut spec = machine_spec(&session, "run", arguments.engine, std::sync::Arc::clone(&console));
    describe(&mut spec, arguments);
    let _terminal = RawTerminal::enter();
    feed_stdin(console, session.stopper.clone()).map_err(CommandError::Runtime)?;
    let policy = RunPolicy { reboot: !arguments.no_reboot, timeout: arguments.timeout };
    run_machine(&session, &spec, policy, |machine| {
        let Some(path) = &arguments.signature else { return Ok(()) };
        machine.dump_signature(path).map_err(|source| CommandError::Signature { path: path.clone(), source })
    })
}

fn describe(spec: &mut MachineSpec, arguments: &RunArguments) {
    spec.harts = arguments.cpus;
    spec.memory = arguments.memory;
    spec.kernel = arguments.kernel.as_ref().map(ImageSource::path);
    spec.firmware = arguments.bios.as_ref().map(ImageSource::path);
    spec.initrd = arguments.initrd.as_ref().map(ImageSource::path);
    spec.append.clone_from(&arguments.append);
    spec.disks = arguments.disks.iter().map(|disk| disk_spec(disk)).collect();
}

/// `FILE` or `FILE,ro`.
fn disk_spec(argument: &str) -> DiskSpec {
    match argument.strip_suffix(",ro") {
        Some(path) => DiskSpec::path(path, true),
        None => DiskSpec::path(argument, false),
    }
}
