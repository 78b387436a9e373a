//! Errors at the start of telemetry.

use std::io;

/// Errors of starting telemetry.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The system cannot create a thread.
    #[error("cannot start the threads of telemetry: {0}")]
    Thread(#[from] io::Error),
    /// A row of the catalogue is invalid in Prometheus.
    #[error("cannot register a metric: {0}")]
    Metric(#[from] prometheus::Error),
    /// The configured span endpoint is unusable.
    #[error("cannot export spans to {endpoint:?}: {reason}")]
    Endpoint {
        /// The endpoint.
        endpoint: String,
        /// Reason.
        reason: String,
    },
    /// The configured Alertmanager is unusable.
    #[error("cannot send alerts to {url:?}: {reason}")]
    Alertmanager {
        /// Its base URL.
        url: String,
        /// Reason.
        reason: String,
    },
}
