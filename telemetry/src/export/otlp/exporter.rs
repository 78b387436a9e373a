//! The exporter of opentelemetry-otlp; the outcome of each export is counted and reported.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry_otlp::{Compression, Protocol, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};

use super::client::Client;
use super::delivery::Delivery;
use super::failure::{Failure, printable};
use crate::export::environment::{Endpoint, Settings};
use crate::label::ErrorType;

/// Exporter of batches of spans.
#[derive(Debug)]
pub(super) struct Exporter {
    inner: opentelemetry_otlp::SpanExporter,
    delivery: Arc<Delivery>,
}

impl Exporter {
    /// An exporter to `endpoint` with these settings.
    ///
    /// # Errors
    /// The reason, if that is not possible.
    pub(super) fn new(endpoint: &Endpoint, settings: &Settings, delivery: Arc<Delivery>) -> Result<Self, String> {
        let client = Client::new(endpoint, settings.headers.clone(), settings.timeout, delivery.last_failure())?;
        let builder = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_protocol(Protocol::HttpBinary)
            // Limits retries; the client limits each request.
            .with_timeout(settings.timeout.unwrap_or(Duration::MAX))
            // The client has the actual endpoint.
            .with_endpoint("http://receiver/");
        let builder = if settings.gzip { builder.with_compression(Compression::Gzip) } else { builder };
        let inner = builder.build().map_err(|error| error.to_string())?;
        Ok(Self { inner, delivery })
    }
}

impl SpanExporter for Exporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len() as u64;
        self.delivery.sending(spans);
        let result = self.inner.export(batch).await;
        // The last request decides: earlier ones were retried.
        let last = self.delivery.take_last_failure();
        let failure = match &result {
            Ok(()) => last,
            // Some failures precede any request, such as a batch that is too large.
            Err(error) => last.or_else(|| Some(Failure::new(ErrorType::Other, printable(&error.to_string())))),
        };
        self.delivery.done(spans, failure);
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
