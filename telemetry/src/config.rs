//! What can be chosen about telemetry.

use std::time::Duration;

/// How telemetry works. Where spans go is also taken from the environment variables
/// that OpenTelemetry specifies; what is set here goes first.
#[derive(Clone, Debug)]
pub struct TelemetryConfig {
    /// Events that may wait for the pump; more are dropped and counted.
    pub queue_capacity: usize,
    /// Revision of the source, for `riscope_build_info`.
    pub revision: String,
    /// Base URL of an OTLP/HTTP receiver such as `http://127.0.0.1:4318`; spans go
    /// to `/v1/traces` there.
    pub otlp_endpoint: Option<String>,
    /// Compilations that take less make no span.
    pub slow_compilation: Duration,
    /// Spans per second that compilations may make at most, and hotspots as many
    /// again.
    pub jit_spans_per_second: u32,
    /// Spans that may wait to be sent; more are dropped and counted.
    pub span_queue_capacity: usize,
    /// Longest time that spans wait for others to be sent with.
    pub span_delay: Duration,
    /// Longest time that sending may take, if not what `OTEL_EXPORTER_OTLP_TIMEOUT`
    /// says or 10 seconds.
    pub export_timeout: Option<Duration>,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self {
            queue_capacity: 16_384,
            revision: option_env!("RISCOPE_REVISION").unwrap_or("unknown").to_owned(),
            otlp_endpoint: None,
            slow_compilation: Duration::from_millis(5),
            jit_spans_per_second: 50,
            span_queue_capacity: 8_192,
            span_delay: Duration::from_secs(2),
            export_timeout: None,
        }
    }
}
