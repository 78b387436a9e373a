//! `riscope run`: one machine in the foreground.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use riscope_core::mmu::MmuType;
use riscope_machine::boot::SignatureError;
use riscope_machine::{DiskSpec, ImageSource, Machine, MachineSpec};

use crate::cli::{MmuChoice, RunArguments};
use crate::console::feed_stdin;
use crate::error::CommandError;
use crate::message::say;
use crate::session::Session;
use crate::wiring::{RunPolicy, machine_spec, run_machine};

/// Runs the machine and returns the exit status.
pub(crate) fn run(arguments: &RunArguments) -> Result<u8, CommandError> {
    let session = Session::start(arguments.observe.listen, arguments.observe.otlp.clone())?;
    let console = session.console();
    let mut spec = machine_spec(&session, "run", arguments.engine, std::sync::Arc::clone(&console));
    describe(&mut spec, arguments);
    let policy = RunPolicy { reboot: !arguments.no_reboot, timeout: arguments.timeout };
    // Nothing is said, and no terminal touched, before everything has been found usable.
    let built = |machine: &Machine| {
        if let Some(path) = &arguments.signature {
            check_signature(machine, &spec, path)?;
        }
        if let Some(address) = session.address {
            say(&format_args!("metrics at http://{address}/metrics"));
        }
        let is_terminal = session.terminal.enter();
        if is_terminal {
            say(&"Ctrl-A x ends the machine");
        }
        feed_stdin(console, session.stopper.clone(), is_terminal).map_err(CommandError::Runtime)
    };
    run_machine(&session, &spec, policy, built, |machine| {
        Ok(arguments.signature.as_ref().map_or(Ok(()), |path| machine.dump_signature(path))?)
    })
}

/// Proves that there will be a signature, and a file for it, before the machine runs for
/// hours; and leaves no file behind yet.
fn check_signature(machine: &Machine, spec: &MachineSpec, path: &Path) -> Result<(), CommandError> {
    if !machine.has_signature() {
        let program = spec.firmware.as_ref().or(spec.kernel.as_ref()).map_or("the program", ImageSource::name);
        return Err(CommandError::NoSignature { program: program.into() });
    }
    Ok(try_to_write(path).map_err(|source| SignatureError::Write { path: path.into(), source })?)
}

/// Opens a file for writing, leaving alone what is there.
fn try_to_write(path: &Path) -> io::Result<()> {
    let found = fs::metadata(path);
    if found.as_ref().is_ok_and(|found| !found.is_file()) {
        return Err(io::Error::other("it is no regular file"));
    }
    File::options().append(true).create(true).open(path)?;
    if found.is_err() {
        // The file that was made, not a link that leads there.
        fs::remove_file(path.canonicalize()?)?;
    }
    Ok(())
}

fn describe(spec: &mut MachineSpec, arguments: &RunArguments) {
    spec.harts = arguments.cpus;
    spec.memory = arguments.memory;
    spec.mmu = match arguments.mmu {
        MmuChoice::Sv39 => MmuType::Sv39,
        MmuChoice::Sv48 => MmuType::Sv48,
        MmuChoice::Sv57 => MmuType::Sv57,
    };
    spec.kernel = arguments.kernel.as_ref().map(ImageSource::path);
    spec.firmware = arguments.bios.as_ref().map(ImageSource::path);
    spec.initrd = arguments.initrd.as_ref().map(ImageSource::path);
    spec.append.clone_from(&arguments.append);
    spec.disks = arguments.disks.iter().map(|disk| disk_spec(disk)).collect();
}

/// `FILE` or `FILE,ro`.
fn disk_spec(argument: &OsStr) -> DiskSpec {
    match argument.as_bytes().strip_suffix(b",ro") {
        Some(path) => DiskSpec::path(OsStr::from_bytes(path), true),
        None => DiskSpec::path(argument, false),
    }
}
