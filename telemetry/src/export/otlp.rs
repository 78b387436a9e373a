//! Spans by OTLP over HTTP, in protobuf.
//!
//! The SDK's batch processor exports on a thread of its own, with the blocking HTTP
//! client: nothing else waits for the network. The wrapper here counts how each
//! export ends.

use std::env;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry_otlp::{Protocol, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::resource::{EnvResourceDetector, TelemetryResourceDetector};
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, IdGenerator as _, RandomIdGenerator, SpanData, SpanExporter,
    SpanProcessor as _,
};
use prometheus::{IntCounter, Registry};

use crate::metric::catalog;
use crate::metric::registry::counter_vec;
use crate::span::sink::Sink;
use crate::{TelemetryConfig, TelemetryError};

/// Path of the receiver for spans below its base URL (OTLP specification, "OTLP/HTTP
/// Request").
const PATH: &str = "/v1/traces";

/// Starts the exporter if `config` or the environment says where to.
pub(crate) fn start(config: &TelemetryConfig, registry: &Registry) -> Result<Option<Sink>, TelemetryError> {
    let exported = counter_vec(registry, catalog::SPANS_EXPORTED)?;
    let [ok, failed, queue_full] =
        ["", "export_failed", "queue_full"].map(|error| exported.with_label_values(&[error]));
    let Some(endpoint) = endpoint(config.otlp_endpoint.as_deref(), |name| env::var(name).ok()) else {
        return Ok(None);
    };
    let in_flight = Arc::new(AtomicUsize::new(0));
    let exporter = Counting { exporter: exporter(config, &endpoint)?, in_flight: Arc::clone(&in_flight), ok, failed };
    let capacity = config.span_queue_capacity.max(1);
    let batches = BatchConfigBuilder::default()
        .with_max_queue_size(capacity)
        .with_max_export_batch_size(capacity.min(512))
        .with_scheduled_delay(config.span_delay)
        .build();
    let mut processor = BatchSpanProcessor::builder(exporter).with_batch_config(batches).build();
    processor.set_resource(&resource());
    Ok(Some(Sink::new(processor, in_flight, capacity, queue_full)))
}

/// Where spans go: the configured base URL, or what OpenTelemetry's variables say.
fn endpoint(configured: Option<&str>, variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    let set = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
    let below = |base: &str| format!("{}{PATH}", base.trim_end_matches('/'));
    if set("OTEL_SDK_DISABLED").is_some_and(|value| value.trim().eq_ignore_ascii_case("true")) {
        return None;
    }
    if let Some(base) = configured {
        return Some(if base.ends_with(PATH) { base.to_owned() } else { below(base) });
    }
    if set("OTEL_TRACES_EXPORTER").is_some_and(|value| value.trim() == "none") {
        return None;
    }
    set("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT").or_else(|| set("OTEL_EXPORTER_OTLP_ENDPOINT").map(|base| below(&base)))
}

fn exporter(config: &TelemetryConfig, endpoint: &str) -> Result<opentelemetry_otlp::SpanExporter, TelemetryError> {
    let refuse = |reason: String| TelemetryError::Endpoint { endpoint: endpoint.to_owned(), reason };
    if endpoint.get(..7).is_none_or(|scheme| !scheme.eq_ignore_ascii_case("http://")) {
        return Err(refuse("only http:// URLs are supported; send to a collector on this host".to_owned()));
    }
    let mut builder = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(endpoint);
    if let Some(timeout) = config.export_timeout {
        builder = builder.with_timeout(timeout);
    }
    builder.build().map_err(|error| refuse(error.to_string()))
}

/// What sends the spans (OpenTelemetry's semantic conventions for resources). The
/// environment goes before what is found out here.
fn resource() -> Resource {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let arch = match env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    let found = [
        KeyValue::new("service.name", "riscope"),
        KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        KeyValue::new("service.instance.id", RandomIdGenerator::default().new_trace_id().to_string()),
        KeyValue::new("host.name", host.trim().to_owned()),
        KeyValue::new("host.arch", arch),
        KeyValue::new("os.type", env::consts::OS),
        KeyValue::new("process.pid", i64::from(std::process::id())),
    ];
    let resource = Resource::builder_empty()
        .with_attributes(found)
        .with_detectors(&[Box::new(TelemetryResourceDetector), Box::new(EnvResourceDetector::new())]);
    match env::var("OTEL_SERVICE_NAME") {
        Ok(name) if !name.is_empty() => resource.with_service_name(name).build(),
        _ => resource.build(),
    }
}

/// An exporter whose results are counted.
#[derive(Debug)]
struct Counting {
    exporter: opentelemetry_otlp::SpanExporter,
    in_flight: Arc<AtomicUsize>,
    ok: IntCounter,
    failed: IntCounter,
}

impl SpanExporter for Counting {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
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

    fn from_variables(configured: Option<&str>, variables: &[(&str, &str)]) -> Option<String> {
        endpoint(configured, |name| {
            variables.iter().find(|(variable, _)| *variable == name).map(|(_, value)| (*value).to_owned())
        })
    }

    const BASE: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/");

    #[test]
    fn without_configuration_nothing_is_exported() {
        assert_eq!(from_variables(None, &[]), None);
        assert_eq!(from_variables(None, &[("OTEL_EXPORTER_OTLP_ENDPOINT", "  ")]), None);
    }

    #[test]
    fn base_urls_get_the_path_and_the_signals_own_url_is_taken_as_it_is() {
        assert_eq!(from_variables(None, &[BASE]).as_deref(), Some("http://collector:4318/v1/traces"));
        let own = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://traces:80/here");
        assert_eq!(from_variables(None, &[BASE, own]).as_deref(), Some("http://traces:80/here"));
        assert_eq!(from_variables(Some("http://a:1"), &[BASE, own]).as_deref(), Some("http://a:1/v1/traces"));
        assert_eq!(from_variables(Some("http://a:1/v1/traces"), &[]).as_deref(), Some("http://a:1/v1/traces"));
    }

    #[test]
    fn switched_off_is_off() {
        assert_eq!(from_variables(Some("http://a:1"), &[("OTEL_SDK_DISABLED", "True")]), None);
        assert_eq!(from_variables(None, &[BASE, ("OTEL_TRACES_EXPORTER", "none")]), None);
        assert!(from_variables(None, &[BASE, ("OTEL_SDK_DISABLED", "false")]).is_some());
    }

    #[test]
    fn urls_that_cannot_work_are_refused() {
        for url in ["https://collector:4318", "collector:4318", "http://", "http://bad host/"] {
            let config = TelemetryConfig { otlp_endpoint: Some(url.to_owned()), ..TelemetryConfig::default() };
            let endpoint = endpoint(Some(url), |_| None).expect("a URL");
            let error = exporter(&config, &endpoint).expect_err(url);
            assert!(error.to_string().contains(url), "{error}");
        }
    }
}
