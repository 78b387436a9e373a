//! Session of a command: event bus, telemetry, stdout and terminal, and the thread for
//! signals and HTTP.

use std::ffi::OsString;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use riscope_core::event::{DomainEventBus, VmId};
use riscope_machine::MachineExit;
use riscope_machine::console::Console;
use riscope_telemetry::{ConsoleLevel, Notices, SHUTDOWN_LIMIT, Telemetry, TelemetryConfig};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use crate::alerts::AlertOptions;
use crate::cli::ListenAddress;
use crate::ending::{self, StatusFile};
use crate::error::CommandError;
use crate::flight::{Flight, Occasion};
use crate::http::{self, AllowedHosts, Answers};
use crate::limits::{self, Needs};
use crate::live::{Live, Tail};
use crate::logged::LoggedOutput;
use crate::message::say;
use crate::panics;
use crate::profile::Profiles;
use crate::signals::Signals;
use crate::stop::Stopper;
use crate::terminal::Terminal;
use crate::terminal::output::Output;
use crate::trouble::Trouble;

/// Observability options of a command.
#[derive(Clone, Debug, Default)]
pub(crate) struct Observation {
    /// Address of the HTTP endpoint.
    pub(crate) listen: Option<ListenAddress>,
    /// Host names that clients may use besides that in `listen`.
    pub(crate) allow_hosts: Vec<String>,
    /// OTLP receiver.
    pub(crate) otlp: Option<String>,
    /// Console lines that become log records.
    pub(crate) log_console: Option<ConsoleLevel>,
    /// Alerts in process.
    pub(crate) alerts: AlertOptions,
    /// File of the flight recorder.
    pub(crate) flight_recorder: Option<PathBuf>,
    /// Profiler of the machine.
    pub(crate) profiles: Profiles,
}

/// Session; lives as long as its command.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) bus: DomainEventBus,
    pub(crate) telemetry: Arc<Telemetry>,
    pub(crate) flight: Arc<Flight>,
    pub(crate) profiles: Profiles,
    pub(crate) stopper: Stopper,
    pub(crate) terminal: Arc<Terminal>,
    /// Address of the HTTP endpoint, with the actual port.
    pub(crate) address: Option<SocketAddr>,
    /// Errors that end the machine, noticed by other threads.
    pub(crate) trouble: Trouble,
    /// Live view of the machine, if there is an endpoint.
    pub(crate) live: Option<Arc<Live>>,
    output: Arc<Output>,
    log_console: Option<ConsoleLevel>,
    quit: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Session {
    /// Starts telemetry, signal handling and, if requested, the HTTP endpoint, for a
    /// machine with these `needs`. If the process ends without waiting for the machine,
    /// `file` is written.
    ///
    /// # Errors
    /// If the host does not provide what is needed, the address is in use, or the OTLP
    /// endpoint is not a URL.
    pub(crate) fn start(observation: Observation, needs: Needs, file: &Arc<StatusFile>) -> Result<Self, CommandError> {
        let Observation { listen, allow_hosts, otlp, log_console, alerts, flight_recorder, profiles } = observation;
        let (listens, exported, notifies) = (listen.is_some(), signals(otlp.is_some()), alerts.sends());
        let evaluates = alerts.evaluates(listens);
        limits::check(&Needs { listens, signals: exported, evaluates, notifies, ..needs })?;
        let listener = listen.as_ref().map(bind).transpose()?;
        let address = listener.as_ref().and_then(|listener| listener.local_addr().ok());
        let output = Output::to(io::stdout()).map_err(CommandError::Runtime)?;
        let (stopper, terminal) = (Stopper::new(Arc::clone(&output)), Arc::<Terminal>::default());
        let trouble = Trouble::default();
        end_at_panic(stopper.clone(), Arc::clone(&terminal), trouble.clone());
        end_at_last(stopper.clone(), Arc::clone(&terminal), trouble.clone(), Arc::clone(file))?;
        let bus = DomainEventBus::new();
        let flight = Arc::new(Flight::new(&bus, flight_recorder.as_deref())?);
        let notices = Notices::new(|line| say(&line));
        let alerts = alerts.config(address)?;
        let config = TelemetryConfig { otlp_endpoint: otlp, notices, alerts, ..TelemetryConfig::default() };
        let telemetry = Arc::new(Telemetry::start(&bus, config)?);
        telemetry.warnings().iter().for_each(say);
        if log_console.is_some() && !telemetry.sends_logs() {
            say(&"--log-console has no effect: log records are not sent unless OTEL_LOGS_EXPORTER is otlp");
        }
        let runtime = runtime().map_err(CommandError::Runtime)?;
        let signals = {
            let _inside = runtime.enter();
            Signals::register().map_err(CommandError::Runtime)?
        };
        let names = listen.iter().filter_map(ListenAddress::name).map(str::to_owned).chain(allow_hosts);
        let hosts = AllowedHosts::new(names.collect());
        let endpoint = listener
            .map(|listener| Endpoint::new(listener, hosts, &telemetry, &profiles, &flight, &output))
            .transpose()?;
        let live = endpoint.as_ref().map(|endpoint| Arc::clone(&endpoint.view));
        let (quit, quitting) = oneshot::channel();
        let (stop, given, noted) = (stopper.clone(), Arc::clone(&terminal), trouble.clone());
        let recorder = Arc::clone(&flight);
        let thread = std::thread::Builder::new()
            .name("http".into())
            .spawn(move || serve(runtime, endpoint, move || signals.obey(&stop, &given, &noted, &recorder), quitting))
            .map_err(CommandError::Runtime)?;
        let (quit, thread) = (Some(quit), Some(thread));
        Ok(Self {
            bus,
            telemetry,
            flight,
            profiles,
            stopper,
            terminal,
            address,
            trouble,
            live,
            output,
            log_console,
            quit,
            thread,
        })
    }

    /// A console of the machine `vm` that writes to stdout, by way of its live view and of its log records.
    pub(crate) fn console(&self, vm: VmId) -> Arc<Console> {
        let output = match &self.live {
            Some(live) => live.tail(),
            None => Arc::clone(&self.output) as _,
        };
        let log = self.log_console.and_then(|level| self.telemetry.console_log(vm, level));
        Console::new(match log {
            Some(log) => Arc::new(LoggedOutput::new(output, log)),
            None => output,
        })
    }

    /// Adds the trace of the machine `vm`, which does not exist yet, to its kernel command line.
    pub(crate) fn tell_trace(&self, vm: VmId, append: &mut OsString) {
        let Some(traceparent) = self.telemetry.traceparent(vm) else {
            say(&"--traceparent has no effect: spans are not sent, and the environment has no TRACEPARENT");
            return;
        };
        if !append.is_empty() {
            append.push(" ");
        }
        append.push("traceparent=");
        append.push(traceparent);
    }

    /// Waits until the guest's output is written, after all harts have stopped; returns how
    /// the command has ended.
    ///
    /// # Errors
    /// Those of `outcome`, errors of other threads that ended the machine, and lost output of
    /// a guest that powered off.
    pub(crate) fn conclude(&self, outcome: Result<MachineExit, CommandError>) -> Result<MachineExit, CommandError> {
        let ended = self.ended(outcome);
        if ended.is_err() {
            self.flight.dump(Occasion::Error);
        }
        ended
    }

    fn ended(&self, outcome: Result<MachineExit, CommandError>) -> Result<MachineExit, CommandError> {
        self.stopper.harts_ended();
        let is_written = self.output.drain();
        if let Some(error) = self.trouble.error() {
            return Err(error);
        }
        if is_written {
            return match (outcome, self.output.failure()) {
                (Ok(MachineExit::PowerOff), Some(source)) => Err(CommandError::Stdout(source)),
                (outcome, _) => outcome,
            };
        }
        // Guest output was lost, so a requested stop does not count as success.
        outcome.map(|exit| self.stopper.asked().unwrap_or(exit))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.terminal.restore();
        // Signals are still handled.
        self.telemetry.shutdown(SHUTDOWN_LIMIT);
        // Both fail only if the thread has ended already.
        let _ = self.quit.take().map(|quit| quit.send(()));
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// Ends the machine and restores the terminal when a thread panics.
fn end_at_panic(stopper: Stopper, terminal: Arc<Terminal>, trouble: Trouble) {
    panics::report(move || {
        trouble.bug();
        let (stopper, terminal) = (stopper.clone(), Arc::clone(&terminal));
        // On a thread of its own, as the panicking thread may hold a lock needed here.
        // Without a thread, the machine ends with the panicking thread, or by a signal.
        let _ = std::thread::Builder::new().name("panic".into()).spawn(move || {
            terminal.restore();
            stopper.stop();
        });
    });
}

/// Ends the process if it does not end by itself; see [`Stopper::last_resort`].
fn end_at_last(
    stopper: Stopper,
    terminal: Arc<Terminal>,
    trouble: Trouble,
    file: Arc<StatusFile>,
) -> Result<(), CommandError> {
    let end = move || {
        let exit = stopper.last_resort();
        terminal.restore();
        let status = ending::finish(&trouble.error().map_or(Ok(exit), Err), &file);
        #[expect(clippy::exit, reason = "the threads that could return from main do not")]
        std::process::exit(status.into());
    };
    std::thread::Builder::new().name("last-resort".into()).spawn(end).map(drop).map_err(CommandError::Runtime)
}

/// Signals that are exported, or may be: spans by `--otlp`, and those for which there are environment variables of
/// OpenTelemetry.
fn signals(otlp: bool) -> usize {
    let is_set = |prefix: &str| std::env::vars_os().any(|(name, _)| name.to_string_lossy().starts_with(prefix));
    let spans = otlp || ["OTEL_EXPORTER_OTLP", "OTEL_TRACES_EXPORTER"].into_iter().any(is_set);
    let logs = ["OTEL_LOGS_EXPORTER", "OTEL_EXPORTER_OTLP_LOGS"].into_iter().any(is_set);
    let metrics = ["OTEL_METRICS_EXPORTER", "OTEL_EXPORTER_OTLP_METRICS"].into_iter().any(is_set);
    [spans, logs, metrics].into_iter().map(usize::from).sum()
}

/// What the HTTP endpoint serves.
struct Endpoint {
    listener: TcpListener,
    answers: Answers,
    profiles: Profiles,
    view: Arc<Live>,
    hosts: AllowedHosts,
}

impl Endpoint {
    fn new(
        listener: TcpListener,
        hosts: AllowedHosts,
        telemetry: &Arc<Telemetry>,
        profiles: &Profiles,
        flight: &Arc<Flight>,
        output: &Arc<Output>,
    ) -> Result<Self, CommandError> {
        let answers = Answers::start(Arc::clone(telemetry)).map_err(CommandError::Runtime)?;
        let tail = Arc::new(Tail::of(Arc::clone(output) as _));
        let view = Arc::new(Live::new(Arc::clone(telemetry), Arc::clone(flight), tail));
        Ok(Self { listener, answers, profiles: profiles.clone(), view, hosts })
    }
}

/// Listens on the first available address.
fn bind(address: &ListenAddress) -> Result<TcpListener, CommandError> {
    let listen = |source| CommandError::Listen { address: address.to_string(), source };
    let listener = TcpListener::bind(address.resolve().map_err(listen)?.as_slice()).map_err(listen)?;
    listener.set_nonblocking(true).map_err(listen)?;
    Ok(listener)
}

fn runtime() -> io::Result<Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

fn serve(runtime: Runtime, endpoint: Option<Endpoint>, obey_signals: impl FnOnce(), quitting: oneshot::Receiver<()>) {
    runtime.block_on(async move {
        if let Some(Endpoint { listener, answers, profiles, view, hosts }) = endpoint
            && let Ok(listener) = tokio::net::TcpListener::from_std(listener)
        {
            tokio::spawn(http::serve(listener, answers, profiles, view, hosts));
        }
        obey_signals();
        // The sender is dropped with the session at the latest.
        let _ = quitting.await;
    });
    runtime.shutdown_background();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_ends_the_machine_as_a_bug() {
        let output = Output::to(std::fs::File::open("/dev/null").unwrap()).unwrap();
        let (stopper, trouble) = (Stopper::new(output), Trouble::default());
        end_at_panic(stopper.clone(), Arc::default(), trouble.clone());
        assert!(trouble.error().is_none());
        std::thread::Builder::new().name("hart0".into()).spawn(|| panic!("a test")).unwrap().join().unwrap_err();
        drop(std::panic::take_hook());
        assert!(matches!(trouble.error(), Some(CommandError::Bug)));
        // Returns after the request to end and the grace period.
        assert_eq!(stopper.last_resort(), MachineExit::Stopped);
    }
}
