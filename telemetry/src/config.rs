//! Configuration of telemetry.

use std::ffi::OsString;
use std::time::Duration;

use crate::alert::AlertConfig;
pub use crate::notices::Notices;

/// Configuration of telemetry. The environment variables of OpenTelemetry also configure
/// export; `OTLP.md` gives the precedence.
#[derive(Clone, Debug)]
pub struct TelemetryConfig {
    /// Capacity of the pump's queue in events; events that do not fit are dropped and
    /// counted. Lifecycle events have their own queue.
    pub queue_capacity: usize,
    /// Environment variables to apply instead of those of the process; those of OpenTelemetry have an effect.
    pub environment: Option<Vec<(OsString, OsString)>>,
    /// Base URL of an OTLP/HTTP receiver, such as `http://127.0.0.1:4318`; spans are sent
    /// to `/v1/traces` below it, and what else the environment asks for beside.
    pub otlp_endpoint: Option<String>,
    /// Duration from which a compilation has a span.
    pub slow_compilation: Duration,
    /// Maximum spans per second of compilations, each with that of its hotspot, plus a
    /// tenth as many of other hotspots.
    pub jit_spans_per_second: u32,
    /// Maximum spans of compilations and hotspots per machine.
    pub jit_spans_per_trace: u32,
    /// Capacity of the export queues in spans or log records; those that do not fit are dropped and
    /// counted.
    pub span_queue_capacity: usize,
    /// Maximum delay of a span or log record for batching.
    pub span_delay: Duration,
    /// Interval at which metrics are sent, if they are.
    pub metric_interval: Duration,
    /// Time limit of an export; `OTEL_EXPORTER_OTLP_TIMEOUT` or 10 seconds if `None`.
    pub export_timeout: Option<Duration>,
    /// Called when delivery of a signal starts to fail, when it recovers, and at the end if something
    /// was lost; when an alert begins or ceases to fire, and when Alertmanager does not
    /// take it.
    pub notices: Notices,
    /// Rules to be evaluated in process, if any.
    pub alerts: Option<AlertConfig>,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self {
            queue_capacity: 16_384,
            environment: None,
            otlp_endpoint: None,
            slow_compilation: Duration::from_millis(5),
            jit_spans_per_second: 50,
            // With half a kilobyte a span, about two megabytes.
            jit_spans_per_trace: 4_096,
            span_queue_capacity: 8_192,
            span_delay: Duration::from_secs(2),
            metric_interval: Duration::from_secs(60),
            export_timeout: None,
            notices: Notices::default(),
            alerts: None,
        }
    }
}
