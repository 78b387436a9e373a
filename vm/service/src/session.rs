//! What a command has besides its machine: the event bus, telemetry, stdout and the
//! terminal, and one thread for signals and HTTP.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;

use riscope_core::event::DomainEventBus;
use riscope_machine::MachineExit;
use riscope_machine::console::Console;
use riscope_telemetry::{Notices, SHUTDOWN_LIMIT, Telemetry, TelemetryConfig};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use crate::error::CommandError;
use crate::http;
use crate::message::{self, say};
use crate::signals::Signals;
use crate::stop::Stopper;
use crate::terminal::Terminal;
use crate::terminal::output::Output;

/// Lives as long as a command.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) bus: DomainEventBus,
    pub(crate) telemetry: Arc<Telemetry>,
    pub(crate) stopper: Stopper,
    pub(crate) output: Arc<Output>,
    pub(crate) terminal: Arc<Terminal>,
    /// Where HTTP is served, with the port that was chosen.
    pub(crate) address: Option<SocketAddr>,
    quit: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Session {
    /// Starts telemetry, the HTTP endpoint if it is wanted, and signal handling.
    ///
    /// # Errors
    /// When the address is taken, the OTLP endpoint is no URL, or the host is out of
    /// threads.
    pub(crate) fn start(listen: Option<SocketAddr>, otlp: Option<String>) -> Result<Self, CommandError> {
        let listener = listen.map(bind).transpose()?;
        let address = listener.as_ref().and_then(|listener| listener.local_addr().ok());
        let bus = DomainEventBus::new();
        let config = TelemetryConfig {
            otlp_endpoint: otlp,
            notices: Notices::new(|line| say(&line)),
            ..TelemetryConfig::default()
        };
        let telemetry = Arc::new(Telemetry::start(&bus, config)?);
        telemetry.warnings().iter().for_each(say);
        let output = Output::to(std::io::stdout()).map_err(CommandError::Runtime)?;
        let (stopper, terminal) = (Stopper::new(Arc::clone(&output)), Arc::<Terminal>::default());
        end_at_last(stopper.clone(), Arc::clone(&terminal)).map_err(CommandError::Runtime)?;
        let (quit, quitting) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().thread_name("http-answer").build();
        let runtime = runtime.map_err(CommandError::Runtime)?;
        let signals = {
            let _inside = runtime.enter();
            Signals::register().map_err(CommandError::Runtime)?
        };
        let (served, stop, given) = (Arc::clone(&telemetry), stopper.clone(), Arc::clone(&terminal));
        let thread = std::thread::Builder::new()
            .name("http".into())
            .spawn(move || serve(runtime, listener, served, move || signals.obey(&stop, &given), quitting))
            .map_err(CommandError::Runtime)?;
        Ok(Self { bus, telemetry, stopper, output, terminal, address, quit: Some(quit), thread: Some(thread) })
    }

    /// A console that writes to stdout.
    pub(crate) fn console(&self) -> Arc<Console> {
        Console::new(Arc::clone(&self.output) as _)
    }

    /// No hart executes any more: waits until the output is written, and returns how the
    /// command has ended.
    ///
    /// # Errors
    /// Those of `outcome`.
    pub(crate) fn conclude(&self, outcome: Result<MachineExit, CommandError>) -> Result<MachineExit, CommandError> {
        self.stopper.harts_ended();
        if self.output.drain() {
            return outcome;
        }
        // Part of the guest's output is lost, so a stop that was asked for is no success.
        outcome.map(|exit| self.stopper.asked().unwrap_or(exit))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.terminal.restore();
        // Signals are obeyed meanwhile.
        self.telemetry.shutdown(SHUTDOWN_LIMIT);
        // Both only fail when the thread has ended already.
        let _ = self.quit.take().map(|quit| quit.send(()));
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// Ends the process when it does not end by itself, see [`Stopper::last_resort`].
fn end_at_last(stopper: Stopper, terminal: Arc<Terminal>) -> std::io::Result<()> {
    std::thread::Builder::new().name("last-resort".into()).spawn(move || {
        let exit = stopper.last_resort();
        terminal.restore();
        message::settle();
        #[expect(clippy::exit, reason = "the threads that could return from main do not")]
        std::process::exit(exit.status().into());
    })?;
    Ok(())
}

fn bind(address: SocketAddr) -> Result<TcpListener, CommandError> {
    let listen = |source| CommandError::Listen { address, source };
    let listener = TcpListener::bind(address).map_err(listen)?;
    listener.set_nonblocking(true).map_err(listen)?;
    Ok(listener)
}

fn serve(
    runtime: Runtime,
    listener: Option<TcpListener>,
    telemetry: Arc<Telemetry>,
    obey_signals: impl FnOnce(),
    quitting: oneshot::Receiver<()>,
) {
    runtime.block_on(async move {
        if let Some(listener) = listener.and_then(|listener| tokio::net::TcpListener::from_std(listener).ok()) {
            tokio::spawn(http::serve(listener, telemetry));
        }
        obey_signals();
        // The other end is dropped with the session at the latest.
        let _ = quitting.await;
    });
    runtime.shutdown_background();
}
