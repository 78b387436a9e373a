//! Telemetry: events and counter pages as Prometheus metrics and OpenTelemetry spans.
//!
//! ```text
//!  machines, engines          one thread                        clients      
//! ┌────────────────┐  events ┌──────────────┐  counts   ┌──────────────────────┐
//! │ DomainEventBus ├────────►│ feed, pump   ├──────────►│ metric/registry.rs   │
//! └────────────────┘         │  metric/     │           │          ▼           │
//!                            │    record/   │           │ metric/collect/ ─────┼──► /metrics
//! ┌────────────────┐         │  span/       ├───┐       │          ▲           │    export/prometheus.rs
//! │ counter pages  ├─ read ──┼──────────────┼───┼──────►│  guest.rs, process.rs│    export/openmetrics.rs
//! └────────────────┘  when   └──────────────┘   │       └──────────────────────┘
//!                  scraped                      └─ spans ─► export/otlp/ ─► OTLP/HTTP
//! ```
//!
//! - Telemetry never slows down a machine: publishing never waits for the pump, reading a
//!   page never stops its hart, and a dead or hanging OTLP endpoint costs only spans. A
//!   metric counts every loss.
//! - [`metric::catalog`] is the only declaration of metrics; `METRICS.md` is generated from
//!   it.
//! - The crate depends on the events and counters of `riscope-core` only, not on devices or
//!   the JIT.

#![forbid(unsafe_code)]

pub mod alert;
mod config;
mod error;
mod export;
mod feed;
mod host;
mod label;
pub mod metric;
mod notices;
mod process;
pub mod profile;
mod pump;
mod runbooks;
mod span;
mod status;
mod threads;

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use prometheus::{Histogram, Registry};
use riscope_core::counters::VmCounters;
use riscope_core::event::{DomainEventBus, Envelope, Tier};

use alert::{Board, Monitor, Surroundings};
pub use config::{Notices, TelemetryConfig};
pub use error::TelemetryError;
use export::negotiate::{Format, negotiate};
use export::otlp::{Delivery, Export};
use feed::Feed;
use host::HostSource;
use label::CollectorName;
use metric::collect::{BusSource, MachineSource};
use metric::machines::Machines;
use metric::registry::Metrics;
use process::ProcessSource;
pub use pump::PUMP_THREAD;
use pump::{Handler, Pump};
pub use runbooks::{runbook, runbook_names};
use span::Spans;
pub use status::{BlockSizes, MachineStatus};

/// Time limit of the shutdown. Short enough for a command that must end within two seconds.
pub const SHUTDOWN_LIMIT: Duration = Duration::from_secs(1);

/// Part of the shutdown time that alerts leave to the pump.
const PUMP_MARGIN: Duration = Duration::from_millis(400);

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
    /// Present if spans are exported.
    delivery: Option<Arc<Delivery>>,
    warnings: Vec<String>,
}

impl Telemetry {
    /// Subscribes to `bus` and starts the pump.
    ///
    /// # Errors
    /// If the system cannot create a thread, or `config` names a span endpoint or an
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
        let (sink, delivery) = match export::otlp::start(&config, metrics.registry(), &mut warnings)? {
            Some(Export { sink, delivery }) => (Some(sink), Some(delivery)),
            None => (None, None),
        };
        let recorder = Recorder {
            metrics: Metrics::new(metrics.registry(), Arc::clone(&machines))?,
            spans: Spans::new(sink, &config, metrics.registry())?,
        };
        let block_sizes = recorder.metrics.block_sizes();
        let pump = Pump::start(Feed::subscribe(bus, config.queue_capacity), recorder, panics)?;
        let metrics = Arc::new(metrics);
        let surroundings = Surroundings {
            metrics: Arc::clone(&metrics),
            bus: bus.clone(),
            board: Arc::clone(&board),
            notices: config.notices.clone(),
        };
        let monitor = config.alerts.map(|alerts| Monitor::start(alerts, surroundings)).transpose()?;
        let (pump, monitor) = (Mutex::new(Some(pump)), Mutex::new(monitor));
        Ok(Self { metrics, machines, block_sizes, pump, monitor, board, delivery, warnings })
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
        let flusher = self.lock().as_ref().map(Pump::flusher);
        flusher.is_some_and(|flusher| flusher.flush(timeout))
    }

    /// Handles published events, evaluates rules for the last time, sends alerts, ends open
    /// spans, exports what it can, and ends the threads, within `timeout` and at most [`SHUTDOWN_LIMIT`]. False if that is too short, and on
    /// the second call. If spans were lost, [`TelemetryConfig::notices`] reports their
    /// number. Blocks the caller; asynchronous code must call it where blocking is allowed.
    pub fn shutdown(&self, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout.min(SHUTDOWN_LIMIT);
        let Some(pump) = self.lock().take() else { return false };
        let monitor = self.monitor.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(monitor) = monitor {
            // So that the last evaluation sees everything that was published.
            pump.flusher().flush(deadline.saturating_duration_since(Instant::now()) / 4);
            monitor.stop(deadline.checked_sub(PUMP_MARGIN).unwrap_or(deadline));
        }
        let finished = pump.stop(deadline);
        if let Some(delivery) = &self.delivery {
            delivery.conclude();
        }
        finished
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Pump>> {
        self.pump.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
}

impl Handler for Recorder {
    fn handle(&mut self, envelope: &Envelope) {
        metric::record::record(&self.metrics, envelope);
        self.spans.record(envelope);
    }

    fn finish(&mut self, deadline: Instant) {
        self.spans.finish(deadline);
    }
}
