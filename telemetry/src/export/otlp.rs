//! Spans by OTLP over HTTP, in protobuf.
//!
//! The SDK's batch processor exports on a thread of its own, with the blocking HTTP
//! client: nothing else waits for the network. The wrapper here counts how each
//! export ends.

use std::env;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry_otlp::{Protocol, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::resource::TelemetryResourceDetector;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, IdGenerator as _, RandomIdGenerator, SpanData, SpanExporter,
    SpanProcessor as _,
};
use prometheus::{IntCounter, Registry};
use reqwest::{Url, blocking::Client};

use super::environment::Environment;
use crate::metric::catalog;
use crate::metric::registry::counter_vec;
use crate::span::sink::{Queue, Sink};
use crate::{TelemetryConfig, TelemetryError};

/// Spans that are sent at once, if no variable says otherwise.
const BATCH: usize = 512;

/// Starts the exporter if `config` or the environment says where to. What the
/// environment says and cannot be done is added to `warnings`.
///
/// # Errors
/// When spans cannot be sent where `config` says.
pub(crate) fn start(
    config: &TelemetryConfig,
    registry: &Registry,
    warnings: &mut Vec<String>,
) -> Result<Option<Sink>, TelemetryError> {
    let exported = counter_vec(registry, catalog::SPANS_EXPORTED)?;
    let [ok, failed] = ["", "export_failed"].map(|error| exported.with_label_values(&[error]));
    let processed = counter_vec(registry, catalog::SPANS_PROCESSED)?;
    let [passed_on, queue_full] = ["", "queue_full"].map(|error| processed.with_label_values(&[error]));
    let mut environment = Environment::new(|name| env::var(name).ok().filter(|_| config.read_environment));
    let sink = (|| {
        let Some(endpoint) = environment.endpoint(config.otlp_endpoint.as_deref()) else { return Ok(None) };
        let timeout = config.export_timeout.unwrap_or_else(|| environment.timeout());
        let exporter = match exporter(&endpoint.url, timeout) {
            Ok(exporter) => exporter,
            Err(reason) => {
                let given = config.otlp_endpoint.clone().unwrap_or(endpoint.url);
                let error = TelemetryError::Endpoint { endpoint: given, reason };
                let Some(variable) = endpoint.variable else { return Err(error) };
                environment.warnings.push(format!("{variable}: {error}; no spans are sent"));
                return Ok(None);
            }
        };
        let capacity = environment.queue_size().unwrap_or(config.span_queue_capacity).max(1);
        let in_flight = Arc::new(AtomicUsize::new(0));
        let exporter = Counting { exporter, in_flight: Arc::clone(&in_flight), passed_on, ok, failed };
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(capacity)
            .with_max_export_batch_size(environment.batch_size().unwrap_or(BATCH).clamp(1, capacity))
            .with_scheduled_delay(environment.delay().unwrap_or(config.span_delay))
            .build();
        let mut processor = BatchSpanProcessor::builder(exporter).with_batch_config(batches).build();
        processor.set_resource(&resource(environment.resource()));
        let queue = Queue { in_flight, capacity, full: queue_full };
        Ok(Some(Sink::new(processor, queue, environment.sampler())))
    })();
    warnings.append(&mut environment.warnings);
    sink
}

/// What sends spans to `endpoint`, or why that is impossible.
fn exporter(endpoint: &str, timeout: Duration) -> Result<opentelemetry_otlp::SpanExporter, String> {
    let url = Url::parse(endpoint).map_err(|error| error.to_string())?;
    if url.scheme() != "http" {
        return Err("only http:// URLs are supported; send to a collector on this host".to_owned());
    }
    let builder = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_http_client(client(&url, timeout)?)
        .with_protocol(Protocol::HttpBinary)
        .with_timeout(timeout)
        .with_endpoint(endpoint);
    builder.build().map_err(|error| error.to_string())
}

/// The HTTP client. What goes to this host never goes through a proxy: to the proxy,
/// this host's name is its own.
fn client(url: &Url, timeout: Duration) -> Result<Client, String> {
    let builder = Client::builder().timeout(timeout);
    let builder = if is_loopback(url) { builder.no_proxy() } else { builder };
    // A blocking client refuses to be made on a thread of an asynchronous runtime.
    let thread = std::thread::Builder::new().name("otlp-start".to_owned()).spawn(move || builder.build());
    let client = thread.map_err(|error| error.to_string())?.join();
    client.map_err(|_| "the HTTP client cannot be made".to_owned())?.map_err(|error| error.to_string())
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// What sends the spans (OpenTelemetry's semantic conventions for resources). The
/// environment goes before what is found out here.
fn resource(from_environment: Vec<KeyValue>) -> Resource {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let arch = match env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    let found = [
        KeyValue::new("service.name", "riscope"),
        KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        KeyValue::new("service.instance.id", uuid(RandomIdGenerator::default().new_trace_id().to_bytes())),
        KeyValue::new("host.name", host.trim().to_owned()),
        KeyValue::new("host.arch", arch),
        KeyValue::new("os.type", env::consts::OS),
        KeyValue::new("process.pid", i64::from(std::process::id())),
    ];
    Resource::builder_empty()
        .with_attributes(found)
        .with_detectors(&[Box::new(TelemetryResourceDetector)])
        .with_attributes(from_environment)
        .build()
}

/// Random bytes as a UUID of version 4 (RFC 9562, section 5.4).
fn uuid(mut bytes: [u8; 16]) -> String {
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = format!("{:032x}", u128::from_be_bytes(bytes));
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

/// An exporter whose results are counted.
#[derive(Debug)]
struct Counting {
    exporter: opentelemetry_otlp::SpanExporter,
    in_flight: Arc<AtomicUsize>,
    passed_on: IntCounter,
    ok: IntCounter,
    failed: IntCounter,
}

impl SpanExporter for Counting {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        self.passed_on.inc_by(spans as u64);
        let result = self.exporter.export(batch).await;
        self.in_flight.fetch_sub(spans, Ordering::Relaxed);
        let counter = if result.is_ok() { &self.ok } else { &self.failed };
        counter.inc_by(spans as u64);
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_that_cannot_work_are_refused() {
        for url in ["https://collector:4318", "collector:4318", "http://", "http://bad host/", ""] {
            assert!(exporter(url, Duration::from_secs(1)).is_err(), "{url}");
        }
        assert!(exporter("HTTP://collector:4318/v1/traces", Duration::from_secs(1)).is_ok());
    }

    #[test]
    fn this_host_is_known_by_its_names() {
        let is_loopback = |url: &str| is_loopback(&Url::parse(url).expect("a URL"));
        for url in ["http://127.0.0.1:4318", "http://127.1.2.3", "http://[::1]:4318/v1/traces", "http://LOCALHOST:1/"] {
            assert!(is_loopback(url), "{url}");
        }
        for url in
            ["http://10.0.0.1:4318", "http://collector:4318", "http://[2001:db8::1]:1", "http://localhost.example"]
        {
            assert!(!is_loopback(url), "{url}");
        }
    }

    #[test]
    fn instances_have_uuids() {
        assert_eq!(uuid([0xff; 16]), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(uuid([0; 16]), "00000000-0000-4000-8000-000000000000");
    }
}
