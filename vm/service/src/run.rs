//! `riscope run`: one machine in the foreground.

use std::fs::{self, File};
use std::path::Path;

use riscope_machine::boot::SignatureError;
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
    let signature = arguments.signature.as_deref().map(SignatureFile::reserve).transpose()?;
    let _terminal = RawTerminal::enter();
    feed_stdin(console, session.stopper.clone()).map_err(CommandError::Runtime)?;
    let policy = RunPolicy { reboot: !arguments.no_reboot, timeout: arguments.timeout };
    run_machine(&session, &spec, policy, |machine| {
        let Some(file) = signature else { return Ok(()) };
        machine.dump_signature(file.path)?;
        file.keep();
        Ok(())
    })
}

/// The file for the signature: proved writable before the machine runs, and gone again
/// when there turns out to be nothing to write.
#[derive(Debug)]
struct SignatureFile<'a> {
    path: &'a Path,
    /// Whether it was not there before.
    fresh: bool,
}

impl<'a> SignatureFile<'a> {
    fn reserve(path: &'a Path) -> Result<Self, SignatureError> {
        let fresh = !path.exists();
        // Appending leaves alone what is there.
        let opened = File::options().append(true).create(true).open(path);
        opened.map_err(|source| SignatureError::Write { path: path.into(), source })?;
        Ok(Self { path, fresh })
    }

    fn keep(mut self) {
        self.fresh = false;
    }
}

impl Drop for SignatureFile<'_> {
    fn drop(&mut self) {
        if self.fresh {
            // An empty file that cannot be removed does no harm.
            let _ = fs::remove_file(self.path);
        }
    }
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
