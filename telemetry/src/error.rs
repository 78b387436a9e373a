//! Errors at the start of telemetry.

use std::io;

/// Why telemetry could not start.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The system gave no thread.
    #[error("cannot start the threads of telemetry: {0}")]
    Thread(#[from] io::Error),
    /// The catalogue has a row that Prometheus does not accept.
    #[error("cannot register a metric: {0}")]
    Metric(#[from] prometheus::Error),
    /// Spans cannot be sent where the configuration says.
    #[error("cannot export spans to {endpoint:?}: {reason}")]
    Endpoint {
        /// Where to.
        endpoint: String,
        /// Why not.
        reason: String,
    },
}
