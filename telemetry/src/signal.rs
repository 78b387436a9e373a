//! Signals of OpenTelemetry.

use riscope_core::labels;

labels! {
    /// Signals that are exported by OTLP.
    pub(crate) enum Signal {
        /// Spans.
        Traces "traces",
        /// Log records.
        Logs "logs",
        /// Data points of metrics.
        Metrics "metrics",
    }
}

impl Signal {
    /// What the signal consists of, for messages.
    pub(crate) const fn noun(self) -> &'static str {
        match self {
            Self::Traces => "spans",
            Self::Logs => "log records",
            Self::Metrics => "metrics",
        }
    }

    /// Path of the signal's endpoint below a base URL (OTLP specification, "OTLP/HTTP Request").
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Traces => "/v1/traces",
            Self::Logs => "/v1/logs",
            Self::Metrics => "/v1/metrics",
        }
    }
}
