//! Export of spans by OTLP over HTTP, in protobuf.
//!
//! The SDK's batch processor exports on its own thread with a blocking HTTP client, so that
//! no other thread waits for the network.
//!
//! ```text
//! Sink ─► BatchSpanProcessor ─► exporter ─► opentelemetry-otlp ─► client ─► receiver
//!   │                              │        (encoding, retries)     │
//!   └─ queue full ──► delivery ◄───┴──────── outcome ───────────────┘ failure
//! ```

mod client;
mod delivery;
mod exporter;
mod failure;
mod resource;

use std::sync::Arc;
use std::{env, io};

use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SpanProcessor as _};
use prometheus::Registry;

use super::environment::{Reading, Settings, read};
use crate::config::TelemetryConfig;
use crate::error::TelemetryError;
use crate::span::sink::{Queue, Sink};
pub(crate) use delivery::Delivery;
use exporter::Exporter;

/// Default maximum spans per request.
const BATCH: usize = 512;

/// Export to a receiver.
#[derive(Debug)]
pub(crate) struct Export {
    pub(crate) sink: Sink,
    pub(crate) delivery: Arc<Delivery>,
}

/// Starts exporting if `config` or the environment names an endpoint. Adds environment
/// settings without effect to `warnings`.
///
/// # Errors
/// If spans cannot be sent to the endpoint of `config`, or the system cannot create a
/// thread.
pub(crate) fn start(
    config: &TelemetryConfig,
    registry: &Registry,
    warnings: &mut Vec<String>,
) -> Result<Option<Export>, TelemetryError> {
    let process = env::vars_os().filter(|_| config.read_environment);
    let reading = read(process, config.otlp_endpoint.as_deref());
    let reading = reading.map_err(|(endpoint, reason)| TelemetryError::Endpoint { endpoint, reason })?;
    let Reading { spans, warnings: mut found } = reading;
    warnings.append(&mut found);
    let Some((endpoint, mut settings)) = spans else { return Ok(None) };
    settings.timeout = config.export_timeout.or(settings.timeout);
    let delivery = Arc::new(Delivery::new(registry, endpoint.url.to_string(), config.notices.clone())?);
    let exporter = Exporter::new(&endpoint, &settings, Arc::clone(&delivery));
    // The endpoint is valid, so the failure is the host's.
    let exporter = exporter.map_err(io::Error::other)?;
    // The SDK panics if it cannot create its thread.
    let probe = std::thread::Builder::new().name("otlp-probe".to_owned()).spawn(|| ())?;
    probe.join().map_err(|_| io::Error::other("a thread ended by itself"))?;
    let sink = sink(config, settings, exporter, &delivery, warnings);
    Ok(Some(Export { sink, delivery }))
}

fn sink(
    config: &TelemetryConfig,
    settings: Settings,
    exporter: Exporter,
    delivery: &Delivery,
    warnings: &mut Vec<String>,
) -> Sink {
    let capacity = settings.queue_size.unwrap_or(config.span_queue_capacity).max(1);
    if settings.batch_size.is_some_and(|size| size > capacity) {
        warnings.push(format!("OTEL_BSP_MAX_EXPORT_BATCH_SIZE: the queue holds {capacity} spans, and so does a batch"));
    }
    let batches = BatchConfigBuilder::default()
        .with_max_queue_size(capacity)
        .with_max_export_batch_size(settings.batch_size.unwrap_or(BATCH).clamp(1, capacity))
        .with_scheduled_delay(settings.delay.unwrap_or(config.span_delay))
        .build();
    let mut processor = BatchSpanProcessor::builder(exporter).with_batch_config(batches).build();
    processor.set_resource(&resource::resource(settings.resource));
    let queue = Queue { in_flight: delivery.in_flight(), capacity, full: delivery.queue_full() };
    Sink::new(processor, queue, settings.sampler, settings.limits)
}
