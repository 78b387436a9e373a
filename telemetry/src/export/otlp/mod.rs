//! Export by OTLP over HTTP, in protobuf: spans, log records and metrics.
//!
//! The SDK's batch processors export spans and log records on their own threads with a blocking HTTP client, so that
//! no other thread waits for the network. Metrics are read from the registry on a thread of their own.
//!
//! ```text
//! span::sink, log::sink ─► batch processor ─► exporter ─► opentelemetry-otlp ─► client ─► receiver
//!   │                                           │         (encoding, retries)     │
//!   └─ queue full ──► delivery ◄────────────────┴────────── outcome ──────────────┤ failure
//!                         ▲                                                       │
//! metric::gather ─► push ─┴─► points ─► sender (compression, retries) ────────────┘
//!                             (encoding)
//! ```

mod client;
mod delivery;
mod exporter;
mod failure;
mod points;
mod push;
mod resource;
mod sender;

use std::sync::Arc;
use std::time::Duration;
use std::{env, io};

use opentelemetry::trace::SpanContext;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::BatchLogProcessor;
use opentelemetry_sdk::trace::{BatchSpanProcessor, SpanProcessor as _};
use prometheus::Registry;

use super::environment::{Endpoint, Reading, Settings, read};
use crate::config::TelemetryConfig;
use crate::error::TelemetryError;
use crate::signal::Signal;
use crate::span::tracer::Tracer;
use crate::{log, span};
pub(crate) use delivery::Delivery;
pub(crate) use push::{Plan, Push, Quitter};

/// Default maximum spans or log records per request.
const BATCH: usize = 512;

/// Export to receivers; of each signal, if it is exported.
#[derive(Debug, Default)]
pub(crate) struct Export {
    pub(crate) spans: Option<span::sink::Sink>,
    pub(crate) logs: Option<log::sink::Sink>,
    pub(crate) metrics: Option<Plan>,
    /// Present if spans are exported.
    pub(crate) tracer: Option<Arc<Tracer>>,
    /// Parent of the machines' traces, exported or not.
    pub(crate) parent: Option<SpanContext>,
    /// Of each exported signal.
    pub(crate) deliveries: Vec<Arc<Delivery>>,
}

/// Starts exporting if `config` or the environment names endpoints. Adds environment
/// settings without effect to `warnings`.
///
/// # Errors
/// If nothing can be sent to the endpoint of `config`, or the system cannot create a
/// thread.
pub(crate) fn start(
    config: &TelemetryConfig,
    registry: &Registry,
    warnings: &mut Vec<String>,
) -> Result<Export, TelemetryError> {
    let environment = config.environment.clone().unwrap_or_else(|| env::vars_os().collect());
    let reading = read(environment, config.otlp_endpoint.as_deref());
    let reading = reading.map_err(|(endpoint, reason)| TelemetryError::Endpoint { endpoint, reason })?;
    let Reading { spans, logs, metrics, parent, warnings: mut found } = reading;
    warnings.append(&mut found);
    let mut export = Export { parent: parent.clone(), ..Export::default() };
    let Some((_, any)) = spans.as_ref().or(logs.as_ref()).or(metrics.as_ref()) else { return Ok(export) };
    let resource = resource::resource(any.resource.clone());
    // The SDK panics if it cannot create its threads.
    let probe = std::thread::Builder::new().name("otlp-probe".to_owned()).spawn(|| ())?;
    probe.join().map_err(|_| io::Error::other("a thread ended by itself"))?;
    export.tracer = spans.as_ref().map(|(_, settings)| Arc::new(Tracer::new(settings.sampler.clone(), parent)));
    let tracer = export.tracer.clone();
    let mut start = Start { config, registry, resource, warnings, deliveries: &mut export.deliveries };
    if let (Some((endpoint, settings)), Some(tracer)) = (spans, tracer) {
        export.spans = Some(start.spans(&endpoint, settings, tracer)?);
    }
    export.logs = logs.map(|(endpoint, settings)| start.logs(&endpoint, settings)).transpose()?;
    export.metrics = metrics.map(|(endpoint, settings)| start.metrics(&endpoint, settings)).transpose()?;
    Ok(export)
}

/// Start of the exports.
struct Start<'a> {
    config: &'a TelemetryConfig,
    registry: &'a Registry,
    /// The same for all signals.
    resource: Resource,
    warnings: &'a mut Vec<String>,
    deliveries: &'a mut Vec<Arc<Delivery>>,
}

/// Sizes and delay of batches.
struct Batches {
    capacity: usize,
    size: usize,
    delay: Duration,
}

impl Start<'_> {
    fn spans(
        &mut self,
        endpoint: &Endpoint,
        settings: Settings,
        tracer: Arc<Tracer>,
    ) -> Result<span::sink::Sink, TelemetryError> {
        let (settings, delivery) = self.prepare(Signal::Traces, endpoint, settings)?;
        let exporter = exporter::Spans::new(endpoint, &settings, Arc::clone(&delivery)).map_err(io::Error::other)?;
        let Batches { capacity, size, delay } = self.batches(Signal::Traces, &settings);
        let batches = opentelemetry_sdk::trace::BatchConfigBuilder::default()
            .with_max_queue_size(capacity)
            .with_max_export_batch_size(size)
            .with_scheduled_delay(delay)
            .build();
        let mut processor = BatchSpanProcessor::builder(exporter).with_batch_config(batches).build();
        processor.set_resource(&self.resource);
        Ok(span::sink::Sink::new(processor, delivery.queue(capacity), tracer, settings.limits))
    }

    fn logs(&mut self, endpoint: &Endpoint, settings: Settings) -> Result<log::sink::Sink, TelemetryError> {
        let (settings, delivery) = self.prepare(Signal::Logs, endpoint, settings)?;
        let exporter = exporter::Logs::new(endpoint, &settings, Arc::clone(&delivery)).map_err(io::Error::other)?;
        let Batches { capacity, size, delay } = self.batches(Signal::Logs, &settings);
        let batches = opentelemetry_sdk::logs::BatchConfigBuilder::default()
            .with_max_queue_size(capacity)
            .with_max_export_batch_size(size)
            .with_scheduled_delay(delay)
            .build();
        let processor = BatchLogProcessor::builder(exporter).with_batch_config(batches).build();
        let queue = delivery.queue(capacity);
        Ok(log::sink::Sink::new(processor, self.resource.clone(), queue, settings.limits))
    }

    fn metrics(&mut self, endpoint: &Endpoint, settings: Settings) -> Result<Plan, TelemetryError> {
        let (settings, delivery) = self.prepare(Signal::Metrics, endpoint, settings)?;
        let interval = settings.delay.unwrap_or(self.config.metric_interval);
        let sender = sender::Sender::new(endpoint, &settings, &delivery).map_err(io::Error::other)?;
        Ok(Plan::new(sender, delivery, interval, &self.resource))
    }

    /// The settings with those of the configuration, and the counters of the signal. As the endpoint is valid, failures
    /// after this are the host's.
    fn prepare(
        &mut self,
        signal: Signal,
        endpoint: &Endpoint,
        mut settings: Settings,
    ) -> Result<(Settings, Arc<Delivery>), TelemetryError> {
        settings.timeout = self.config.export_timeout.or(settings.timeout);
        let delivery = Delivery::new(self.registry, signal, endpoint.url.to_string(), self.config.notices.clone())?;
        let delivery = Arc::new(delivery);
        self.deliveries.push(Arc::clone(&delivery));
        Ok((settings, delivery))
    }

    fn batches(&mut self, signal: Signal, settings: &Settings) -> Batches {
        let capacity = settings.queue_size.unwrap_or(self.config.span_queue_capacity).max(1);
        if settings.batch_size.is_some_and(|size| size > capacity) {
            let (name, noun) = (super::environment::batch_size_name(signal), signal.noun());
            self.warnings.push(format!("{name}: the queue holds {capacity} {noun}, and so does a batch"));
        }
        let size = settings.batch_size.unwrap_or(BATCH).clamp(1, capacity);
        Batches { capacity, size, delay: settings.delay.unwrap_or(self.config.span_delay) }
    }
}
