//! `riscope demo`: runs the built-in guest.

use std::sync::Arc;

use riscope_machine::{ImageSource, MachineExit};

use crate::alerts::AlertOptions;
use crate::cli::DemoArguments;
use crate::ending::StatusFile;
use crate::error::CommandError;
use crate::foreground::{Foreground, RunPolicy};
use crate::identity::Identity;
use crate::limits::Needs;
use crate::live::BootFile;
use crate::message::say;
use crate::perf;
use crate::profile::{FileCapture, ProfileFile, Profiles};
use crate::reports::Reports;
use crate::session::{Observation, Session};
use crate::trace::TraceFile;
use crate::wiring::{engine, machine_spec};

/// Built from the sources in `vm/service/guest`; a test checks that they match.
const GUEST: &[u8] = include_bytes!("../guest/demo.elf");
const MEMORY: u64 = 64 << 20;

/// Runs the guest until Ctrl-C; returns how the machine ended.
pub(crate) fn demo(
    arguments: &DemoArguments,
    identity: &Identity,
    file: &Arc<StatusFile>,
) -> Result<MachineExit, CommandError> {
    let guest = ImageSource::bytes("the demo guest", GUEST);
    let profiles = Profiles::new(&arguments.about, vec![guest.clone()], MEMORY)?;
    let profile = ProfileFile::new(&arguments.about)?;
    let observation = Observation {
        listen: Some(arguments.listen.clone()),
        allow_hosts: arguments.about.allow_hosts.clone(),
        otlp: arguments.about.otlp.clone(),
        log_console: arguments.about.log_console.map(Into::into),
        alerts: AlertOptions::of(&arguments.about),
        flight_recorder: arguments.about.flight_recorder.clone(),
        profiles,
    };
    let traces = arguments.about.trace.is_some();
    let needs = Needs { harts: 1, memory: MEMORY, traces, ..Needs::default() };
    let session = Session::start(observation, needs, file)?;
    let trace = TraceFile::new(arguments.about.trace.as_deref(), arguments.engine, &session)?;
    session.flight.watch(identity.id);
    let _reports = Reports::start(&session.bus, identity.id, &session.flight).map_err(CommandError::Runtime)?;
    let perf_log = perf::perf_log(&arguments.about, arguments.engine, [&guest], MEMORY)?;
    if let Some(live) = &session.live {
        live.name_code_by(vec![BootFile::built_in(guest.clone())], MEMORY);
    }
    let engine = engine(arguments.engine, trace.as_ref(), perf_log.as_ref(), &needs);
    let mut spec = machine_spec(&session.bus, identity, engine, session.console(identity.id));
    spec.memory = MEMORY;
    spec.user_mode = false;
    spec.kernel = Some(guest);
    spec.append = format!("demo.phases={} demo.seconds={}", arguments.phases, arguments.seconds).into();
    if arguments.about.traceparent {
        session.tell_trace(identity.id, &mut spec.append);
    }
    spec.reboot = true;
    let policy = RunPolicy { timeout: None };
    let outcome = Foreground::build(&session, spec, policy).and_then(|foreground| {
        trace.as_deref().map_or(Ok(()), TraceFile::open)?;
        if let Some(address) = session.address {
            let name = &foreground.spec().name;
            say(&format_args!("{name} at http://{address}/, metrics at http://{address}/metrics; Ctrl-C ends it"));
        }
        let capture = profile.as_ref().map(|file| file.capture(&session.profiles)).transpose()?;
        let ended = foreground.run()?;
        capture.map_or(Ok(()), FileCapture::finish)?;
        Ok(ended)
    });
    perf::report(perf_log.as_deref());
    session.conclude(outcome.map(|ended| ended.exit))
}
