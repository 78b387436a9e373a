//! What a command has besides its machine: the event bus, telemetry, and one thread
//! for signals and HTTP.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;

use riscope_core::event::DomainEventBus;
use riscope_telemetry::{SHUTDOWN_LIMIT, Telemetry, TelemetryConfig};
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use crate::error::CommandError;
use crate::http;
use crate::message::say;
use crate::stop::Stopper;
use crate::wiring::DEVICE_ERRORS;

/// Lives as long as a command.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) bus: DomainEventBus,
    pub(crate) telemetry: Arc<Telemetry>,
    pub(crate) stopper: Stopper,
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
        let config =
            TelemetryConfig { otlp_endpoint: otlp, device_errors: DEVICE_ERRORS, ..TelemetryConfig::default() };
        let telemetry = Arc::new(Telemetry::start(&bus, config)?);
        telemetry.warnings().iter().for_each(say);
        let stopper = Stopper::default();
        let (quit, quitting) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().thread_name("http-answer").build();
        let runtime = runtime.map_err(CommandError::Runtime)?;
        let (served, stop) = (Arc::clone(&telemetry), stopper.clone());
        let thread = std::thread::Builder::new()
            .name("http".into())
            .spawn(move || serve(runtime, listener, served, stop, quitting))
            .map_err(CommandError::Runtime)?;
        Ok(Self { bus, telemetry, stopper, address, quit: Some(quit), thread: Some(thread) })
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Both only fail when the thread has ended already.
        let _ = self.quit.take().map(|quit| quit.send(()));
        let _ = self.thread.take().map(JoinHandle::join);
        self.telemetry.shutdown(SHUTDOWN_LIMIT);
    }
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
    stopper: Stopper,
    quitting: oneshot::Receiver<()>,
) {
    runtime.block_on(async move {
        if let Some(listener) = listener.and_then(|listener| tokio::net::TcpListener::from_std(listener).ok()) {
            tokio::spawn(http::serve(listener, telemetry));
        }
        for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()] {
            if let Ok(mut signals) = signal(kind) {
                let stopper = stopper.clone();
                tokio::spawn(async move {
                    while signals.recv().await.is_some() {
                        stopper.stop();
                    }
                });
            }
        }
        // The other end is dropped with the session at the latest.
        let _ = quitting.await;
    });
    runtime.shutdown_background();
}
