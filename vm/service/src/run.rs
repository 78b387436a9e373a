//! `riscope run`: runs one machine in the foreground.

use std::path::Path;
use std::sync::Arc;

use riscope_core::mmu::MmuType;
use riscope_machine::boot::SignatureError;
use riscope_machine::console::Console;
use riscope_machine::{ImageSource, Machine, MachineExit, MachineSpec, OnPanic};

use crate::alerts::AlertOptions;
use crate::cli::{ConsoleChoice, MmuChoice, PanicChoice, RunArguments};
use crate::console::feed_stdin;
use crate::ending::StatusFile;
use crate::error::CommandError;
use crate::foreground::{Foreground, RunPolicy};
use crate::identity::Identity;
use crate::limits::Needs;
use crate::live::BootFile;
use crate::message::say;
use crate::outputs::try_to_write;
use crate::perf;
use crate::profile::{FileCapture, ProfileFile, Profiles};
use crate::reports::Reports;
use crate::session::{Observation, Session};
use crate::trace::TraceFile;
use crate::wiring::{engine, machine_spec};

/// Runs the machine; returns how it ended.
pub(crate) fn run(
    arguments: &RunArguments,
    identity: &Identity,
    file: &Arc<StatusFile>,
) -> Result<MachineExit, CommandError> {
    let boot_files: Vec<_> = arguments.bios.iter().chain(&arguments.kernel).map(ImageSource::path).collect();
    let profiles = Profiles::new(&arguments.about, boot_files, arguments.memory)?;
    let profile = ProfileFile::new(&arguments.about)?;
    let observation = Observation {
        listen: arguments.listen.clone(),
        allow_hosts: arguments.about.allow_hosts.clone(),
        otlp: arguments.about.otlp.clone(),
        log_console: arguments.about.log_console.map(Into::into),
        alerts: AlertOptions::of(&arguments.about),
        flight_recorder: arguments.about.flight_recorder.clone(),
        profiles,
    };
    let (harts, memory, disks) = (arguments.cpus, arguments.memory, arguments.disks.len());
    let traces = arguments.about.trace.is_some();
    let needs = Needs { harts, memory, disks, traces, ..Needs::default() };
    let session = Session::start(observation, needs, file)?;
    let trace = TraceFile::new(arguments.about.trace.as_deref(), arguments.engine, &session)?;
    session.flight.watch(identity.id);
    let _reports = Reports::start(&session.bus, identity.id, &session.flight).map_err(CommandError::Runtime)?;
    let serial = session.console(identity.id);
    let programs: Vec<_> = arguments.bios.iter().chain(&arguments.kernel).map(ImageSource::path).collect();
    let perf_log = perf::perf_log(&arguments.about, arguments.engine, &programs, memory)?;
    if let Some(live) = &session.live {
        let files = arguments.bios.iter().chain(&arguments.kernel).filter_map(|path| BootFile::at(path));
        live.name_code_by(files.collect(), memory);
    }
    let engine = engine(arguments.engine, trace.as_ref(), perf_log.as_ref(), &needs);
    let mut spec = machine_spec(&session.bus, identity, engine, Arc::clone(&serial));
    describe(&mut spec, arguments);
    if arguments.about.traceparent {
        session.tell_trace(identity.id, &mut spec.append);
    }
    let console = match arguments.console {
        ConsoleChoice::Serial => serial,
        // The serial port keeps a console of its own; input goes to the virtio console
        // only.
        ConsoleChoice::Virtio => Arc::clone(spec.virtio_console.insert(session.console(identity.id))),
    };
    session.terminal.show(&console);
    session.stopper.set_grace(arguments.grace);
    let files = Files { trace: trace.as_deref(), profile: profile.as_ref() };
    let outcome = run_machine(&session, spec, arguments, files, console);
    perf::report(perf_log.as_deref());
    session.conclude(outcome)
}

/// Files that are written while the machine runs.
#[derive(Clone, Copy, Debug)]
struct Files<'a> {
    trace: Option<&'a TraceFile>,
    profile: Option<&'a ProfileFile>,
}

fn run_machine(
    session: &Session,
    spec: MachineSpec,
    arguments: &RunArguments,
    files: Files<'_>,
    console: Arc<Console>,
) -> Result<MachineExit, CommandError> {
    let policy = RunPolicy { timeout: arguments.timeout };
    let foreground = Foreground::build(session, spec, policy)?;
    // Nothing is printed and no terminal changed until all options have been checked.
    if let Some(path) = &arguments.signature {
        check_signature(foreground.machine(), foreground.spec(), path)?;
    }
    files.trace.map_or(Ok(()), TraceFile::open)?;
    if let Some(address) = session.address {
        say(&format_args!(
            "metrics of {} at http://{address}/metrics, page at http://{address}/",
            foreground.spec().name
        ));
    }
    let is_terminal = session.terminal.enter();
    if is_terminal {
        say(&"Ctrl-A x ends the machine");
    }
    feed_stdin(console, session.stopper.clone(), is_terminal).map_err(CommandError::Runtime)?;
    let capture = files.profile.map(|file| file.capture(&session.profiles)).transpose()?;
    let ended = foreground.run()?;
    session.stopper.harts_ended();
    capture.map_or(Ok(()), FileCapture::finish)?;
    if let Some(path) = &arguments.signature {
        ended.machine.dump_signature(path)?;
    }
    if !arguments.linger.is_zero() && session.address.is_some() {
        say(&format_args!("the guest has ended; its metrics stay for {} s", arguments.linger.as_secs_f64()));
        session.stopper.linger(arguments.linger);
    }
    Ok(ended.exit)
}

/// Checks, before the run, that the program has a signature and that its file can be
/// written. Leaves no file behind.
fn check_signature(machine: &Machine, spec: &MachineSpec, path: &Path) -> Result<(), CommandError> {
    if !machine.has_signature() {
        let program = spec.firmware.as_ref().or(spec.kernel.as_ref()).map_or("the program", ImageSource::name);
        return Err(CommandError::NoSignature { program: program.into() });
    }
    Ok(try_to_write(path).map_err(|source| SignatureError::Write { path: path.into(), source })?)
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
    spec.watch.on_panic = match arguments.on_panic {
        PanicChoice::Report => OnPanic::Report,
        PanicChoice::Exit => OnPanic::Exit,
        PanicChoice::Reset => OnPanic::Reset,
    };
    spec.disks.clone_from(&arguments.disks);
    spec.balloon = arguments.balloon;
    spec.reboot = !arguments.no_reboot;
}
