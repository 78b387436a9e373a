//! Telemetry: events and counter pages as Prometheus metrics and OpenTelemetry spans, log records and metrics.
//!
//! ```text
//!  machines, engines          one thread                        clients
//! ┌────────────────┐  events ┌──────────────┐  counts   ┌──────────────────────┐
//! │ DomainEventBus ├────────►│ feed, pump   ├──────────►│ metric/registry.rs   │
//! └────────────────┘         │  metric/     │           │          ▼           │
//! ┌────────────────┐  lines  │    record/   │           │ metric/collect/ ─────┼──► /metrics
//! │ consoles       ├────────►│  span/       │           │          ▲           │    export/prometheus.rs
//! └────────────────┘         │  log/        ├───┐       │  guest.rs, process.rs│    export/openmetrics.rs
//! ┌────────────────┐         └──────────────┘   │       └──────┬───▲───────────┘
//! │ counter pages  ├─ read when scraped ────────┼──────────────┼───┘
//! └────────────────┘         spans, log records └─ metrics ────┴──► export/otlp/ ─► OTLP/HTTP
//! ```
//!
//! - Telemetry never slows down a machine: publishing never waits for the pump, reading a
//!   page never stops its hart, and a dead or hanging OTLP endpoint costs only what is sent to it. A
//!   metric counts every loss.
//! - [`metric::catalog`] is the only declaration of metrics, [`log::catalog`] of log records; `METRICS.md` and `LOGS.md`
//!   are generated from them.
//! - The crate depends on the events and counters of `riscope-core` only, not on devices or
//!   the JIT.

#![forbid(unsafe_code)]

pub mod alert;
mod config;
mod error;
mod export;
mod feed;
mod host;
mod http;
mod label;
pub mod log;
pub mod metric;
mod notices;
mod process;
pub mod profile;
mod pump;
mod runbooks;
mod signal;
mod span;
mod status;
mod threads;

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use opentelemetry::trace::SpanContext;
use prometheus::{Histogram, IntCounter, Registry};
use riscope_core::counters::VmCounters;
use riscope_core::event::{DomainEventBus, Envelope, Tier, VmId};

use alert::{Board, Monitor, Surroundings};
pub use config::{Notices, TelemetryConfig};
pub use error::TelemetryError;
use export::negotiate::{Format, negotiate};
use export::otlp::{Delivery, Export, Push, Quitter};
use feed::Feed;
use host::HostSource;
pub use http::plain_http;
use label::CollectorName;
use log::Logs;
use log::console::Line;
pub use log::console::{ConsoleLevel, ConsoleLog};
use metric::collect::{BusSource, MachineSource};
use metric::machines::Machines;
use metric::registry::Metrics;
use process::ProcessSource;
pub use pump::PUMP_THREAD;
use pump::{Handler, Pump};
pub use runbooks::{runbook, runbook_names};
use span::Spans;
use span::context::Context;
use span::tracer::{Tracer, header};
pub use status::{BlockSizes, MachineStatus};

/// Time limit of the shutdown. Short enough for a command that must end within two seconds.
pub const SHUTDOWN_LIMIT: Duration = Duration::from_secs(1);

/// Part of the shutdown time that alerts leave to the pump and the exports.
const PUMP_MARGIN: Duration = Duration::from_millis(400);

/// Part of the shutdown time reserved for the pump itself.
const SHUTDOWN_MARGIN: Duration = Duration::from_millis(100);

/// Telemetry of a process. Dropping it performs [`Telemetry::shutdown`].
#[derive(Debug)]
pub struct Telemetry {
    metrics: Arc<metric::gather::Gatherer>,
    machines: Arc<Machines>,
    /// Guest bytes of compiled blocks, by tier.
    block_sizes: Vec<(Tier, Histogram)>,
    pump: Mutex<Option<Pump>>,
    /// Present if rules are evaluated in process.
    monitor: Mutex<Option<Monitor>>,
    board: Arc<Board>,
    /// Present if metrics are sent.
    push: Mutex<Option<Push>>,
    /// Of the signals that are exported.
    deliveries: Vec<Arc<Delivery>>,
    /// Counter of console lines that are lost; present if log records are exported.
    lost_lines: Option<IntCounter>,
    /// Present if spans are exported.
    tracer: Option<Arc<Tracer>>,
    /// Parent of the machines' traces.
    parent: Option<SpanContext>,
    warnings: Vec<String>,
}

impl Telemetry {
    /// Subscribes to `bus` and starts the pump.
    ///
    /// # Errors
    /// If the system cannot create a thread, or `config` names an endpoint that is not an `http` or `https` URL, or an
    /// Alertmanager that is not an `http` URL. Environment settings that could not be applied are not errors; see
    /// [`Telemetry::warnings`].
    pub fn start(bus: &DomainEventBus, config: TelemetryConfig) -> Result<Self, TelemetryError> {
        let machines = Arc::new(Machines::default());
        let mut warnings = Vec::new();
        let panics = Arc::new(AtomicU64::new(0));
        let registry = Registry::new();
        let mut metrics = metric::gather::Gatherer::new(registry);
        metrics.add(CollectorName::Machines, MachineSource(Arc::clone(&machines)))?;
        metrics.add(CollectorName::Bus, BusSource { bus: bus.clone(), pump: (feed::ALL, Arc::clone(&panics)) })?;
        metrics.add(CollectorName::Process, ProcessSource::new())?;
        metrics.add(CollectorName::Host, HostSource::new(Arc::clone(&machines)))?;
        let board = Arc::<Board>::default();
        metrics.add(CollectorName::Alerts, Arc::clone(&board))?;
        let Export { spans, logs, metrics: plan, tracer, parent, deliveries } =
            export::otlp::start(&config, metrics.registry(), &mut warnings)?;
        let logs = Logs::new(logs, parent.as_ref().map(Context::of), metrics.registry())?;
        let lost_lines = logs.lost_lines();
        let mut recorder = Recorder {
            metrics: Metrics::new(metrics.registry(), Arc::clone(&machines))?,
            spans: Spans::new(spans, &config, metrics.registry())?,
            logs,
            last_push: None,
        };
        let block_sizes = recorder.metrics.block_sizes();
        let metrics = Arc::new(metrics);
        let gatherer = Arc::clone(&metrics);
        let push = plan.map(|plan| Push::start(plan, move || gatherer.gather())).transpose()?;
        recorder.last_push = push.as_ref().map(Push::quitter);
        let pump = Pump::start(Feed::subscribe(bus, config.queue_capacity), recorder, panics)?;
        let surroundings = Surroundings {
            metrics: Arc::clone(&metrics),
            bus: bus.clone(),
            board: Arc::clone(&board),
            notices: config.notices.clone(),
        };
        let monitor = config.alerts.map(|alerts| Monitor::start(alerts, surroundings)).transpose()?;
        let (pump, push, monitor) = (Mutex::new(Some(pump)), Mutex::new(push), Mutex::new(monitor));
        Ok(Self {
            metrics,
            machines,
            block_sizes,
            pump,
            push,
            monitor,
            board,
            deliveries,
            lost_lines,
            tracer,
            parent,
            warnings,
        })
    }

    /// Header `traceparent` (W3C Trace Context) for spans that belong to the machine `vm_id`, which does not exist yet: its
    /// `vm.run` is their parent, or, if no spans are exported, what is the parent of this process in its environment.
    /// `None` if there is neither.
    pub fn traceparent(&self, vm_id: VmId) -> Option<String> {
        match &self.tracer {
            Some(tracer) => Some(tracer.announce(vm_id)),
            None => self.parent.as_ref().map(header),
        }
    }

    /// Whether log records are exported.
    pub fn sends_logs(&self) -> bool {
        self.lost_lines.is_some()
    }

    /// Makes log records of the lines of a console from `level` on: of all bytes that the result is given. `None` if no
    /// log records are exported.
    pub fn console_log(&self, vm_id: VmId, level: ConsoleLevel) -> Option<ConsoleLog> {
        let lost = self.lost_lines.clone()?;
        let lines = lock(&self.pump).as_ref().map(Pump::lines)?;
        Some(ConsoleLog::new(vm_id, level, lost, move |line| lines.send(line)))
    }

    /// Environment settings that could not be applied: messages for users, one sentence
    /// each.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Exports the machine's counters until its deletion is published. Call once per
    /// machine, while it exists.
    pub fn register_vm(&self, counters: VmCounters) {
        self.machines.lock().register(counters);
    }

    /// Content type and body of the response to a scrape with this `Accept` header.
    pub fn render(&self, accept: Option<&str>) -> (&'static str, Vec<u8>) {
        let families = self.metrics.gather();
        match negotiate(accept) {
            Format::Text => (export::prometheus::CONTENT_TYPE, export::prometheus::encode(&families)),
            Format::OpenMetrics => (export::openmetrics::CONTENT_TYPE, export::openmetrics::encode(&families)),
        }
    }

    /// Pending and firing alerts of the rules evaluated in process, in the JSON of
    /// Prometheus's `/api/v1/alerts`; none if no rules are evaluated.
    pub fn alerts(&self) -> String {
        self.board.json()
    }

    /// Waits until the metrics include every event published before the call, at most
    /// `timeout`. False if that is too short, or after [`Telemetry::shutdown`].
    pub fn flush(&self, timeout: Duration) -> bool {
        // Without the lock, so that a concurrent shutdown does not wait for the flush.
        let flusher = lock(&self.pump).as_ref().map(Pump::flusher);
        flusher.is_some_and(|flusher| flusher.flush(timeout))
    }

    /// Handles published events, evaluates rules for the last time, sends alerts, ends open
    /// spans, exports what it can, and ends the threads, within `timeout` and at most [`SHUTDOWN_LIMIT`]. False if that is too short, and on
    /// the second call. If something was lost, [`TelemetryConfig::notices`] reports its
    /// number. Blocks the caller; asynchronous code must call it where blocking is allowed.
    pub fn shutdown(&self, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout.min(SHUTDOWN_LIMIT);
        let Some(pump) = lock(&self.pump).take() else { return false };
        // Before the pump, so that alerts of the last evaluation are among what is exported.
        if let Some(monitor) = lock(&self.monitor).take() {
            // So that the last evaluation sees everything that was published.
            pump.flusher().flush(deadline.saturating_duration_since(Instant::now()) / 4);
            monitor.stop(deadline.checked_sub(PUMP_MARGIN).unwrap_or(deadline));
        }
        let mut finished = pump.stop(deadline);
        if let Some(push) = lock(&self.push).take() {
            // If the pump has not done so.
            push.quitter().quit(margin(deadline));
            finished &= push.join(deadline);
        }
        for delivery in &self.deliveries {
            delivery.conclude();
        }
        finished
    }
}

/// Time at which exports end, so that the threads which wait for them end by `deadline`.
fn margin(deadline: Instant) -> Instant {
    deadline.checked_sub(SHUTDOWN_MARGIN).unwrap_or(deadline)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        self.shutdown(SHUTDOWN_LIMIT);
    }
}

/// Handler of the pump's events.
#[derive(Debug)]
struct Recorder {
    metrics: Metrics,
    spans: Spans,
    logs: Logs,
    /// Present if metrics are sent.
    last_push: Option<Quitter>,
}

impl Handler for Recorder {
    fn handle(&mut self, envelope: &Envelope) {
        metric::record::record(&self.metrics, envelope);
        // An event may begin or end the trace to which it belongs.
        let before = self.spans.context(envelope.vm_id);
        self.spans.record(envelope);
        let context = self.spans.context(envelope.vm_id).or(before);
        self.logs.record(envelope, context);
    }

    fn console_line(&mut self, line: Line) {
        let context = self.spans.context(line.vm_id);
        self.logs.console_line(line, context);
    }

    /// The exports of all signals end at the same time, so that a receiver that hangs costs the others nothing.
    fn finish(&mut self, deadline: Instant) {
        let deadline = margin(deadline);
        if let Some(push) = &self.last_push {
            push.quit(deadline);
        }
        let Self { spans, logs, .. } = self;
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().name("otlp-end".to_owned());
            // Without a thread, the records come after the spans.
            let _ = thread.spawn_scoped(scope, || logs.finish(deadline));
            spans.finish(deadline);
        });
        logs.finish(deadline);
    }
}
