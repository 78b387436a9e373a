//! The exporters of opentelemetry-otlp; the outcome of each export is counted and reported.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry_otlp::{Compression, Protocol, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::{LogBatch, LogExporter};
use opentelemetry_sdk::trace::{SpanData, SpanExporter};

use super::client::Client;
use super::delivery::Delivery;
use super::failure::{Failure, printable};
use crate::export::environment::{Endpoint, Settings};
use crate::label::ErrorType;

/// Exporter of batches of spans or log records.
#[derive(Debug)]
pub(super) struct Exporter<E> {
    inner: E,
    delivery: Arc<Delivery>,
}

/// Exporter of spans.
pub(super) type Spans = Exporter<opentelemetry_otlp::SpanExporter>;
/// Exporter of log records.
pub(super) type Logs = Exporter<opentelemetry_otlp::LogExporter>;

impl Spans {
    /// An exporter of spans to `endpoint` with these settings.
    ///
    /// # Errors
    /// The reason, if that is not possible.
    pub(super) fn new(endpoint: &Endpoint, settings: &Settings, delivery: Arc<Delivery>) -> Result<Self, String> {
        let client = Client::new(endpoint, settings, delivery.last_failure())?;
        let builder = configured(opentelemetry_otlp::SpanExporter::builder().with_http(), client, settings);
        let inner = builder.build().map_err(|error| error.to_string())?;
        Ok(Self { inner, delivery })
    }
}

impl Logs {
    /// An exporter of log records to `endpoint` with these settings.
    ///
    /// # Errors
    /// The reason, if that is not possible.
    pub(super) fn new(endpoint: &Endpoint, settings: &Settings, delivery: Arc<Delivery>) -> Result<Self, String> {
        let client = Client::new(endpoint, settings, delivery.last_failure())?;
        let builder = configured(opentelemetry_otlp::LogExporter::builder().with_http(), client, settings);
        let inner = builder.build().map_err(|error| error.to_string())?;
        Ok(Self { inner, delivery })
    }
}

fn configured<B: WithHttpConfig + WithExportConfig>(builder: B, client: Client, settings: &Settings) -> B {
    let builder = builder
        .with_http_client(client)
        .with_protocol(Protocol::HttpBinary)
        // Limits retries; the client limits each request.
        .with_timeout(settings.timeout.unwrap_or(Duration::MAX))
        // The client has the actual endpoint.
        .with_endpoint("http://receiver/");
    if settings.gzip { builder.with_compression(Compression::Gzip) } else { builder }
}

impl<E> Exporter<E> {
    /// Counts an export of `items` that has ended with `result`.
    fn done(&self, items: u64, result: &OTelSdkResult) {
        // The last request decides: earlier ones were retried.
        let last = self.delivery.take_last_failure();
        let failure = match result {
            Ok(()) => last,
            // Some failures precede any request, such as a batch that is too large.
            Err(error) => last.or_else(|| Some(Failure::new(ErrorType::Other, printable(&error.to_string())))),
        };
        self.delivery.done(items, failure);
    }
}

impl SpanExporter for Spans {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len() as u64;
        self.delivery.sending(spans);
        let result = self.inner.export(batch).await;
        self.done(spans, &result);
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

impl LogExporter for Logs {
    async fn export(&self, batch: LogBatch<'_>) -> OTelSdkResult {
        let records = batch.iter().count() as u64;
        self.delivery.sending(records);
        let result = self.inner.export(batch).await;
        self.done(records, &result);
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}
