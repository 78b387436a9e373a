//! The configuration of telemetry.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Takes a line.
type Tell = dyn Fn(&str) + Send + Sync;

/// A callback for messages to people while telemetry runs, one line each: that spans do not arrive, for example.
#[derive(Clone, Default)]
pub struct Notices(Option<Arc<Tell>>);

impl Notices {
    /// Calls `tell` with each line, on any thread of telemetry.
    pub fn new(tell: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(tell)))
    }

    pub(crate) fn tell(&self, line: &str) {
        if let Some(tell) = &self.0 {
            tell(line);
        }
    }
}

impl fmt::Debug for Notices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Notices").field(&self.0.is_some()).finish()
    }
}

/// How telemetry works. Where spans go, and how, is also taken from the environment
/// variables that OpenTelemetry specifies; `SPANS.md` says which takes precedence.
#[derive(Clone, Debug)]
pub struct TelemetryConfig {
    /// Events that may wait for the pump; more are dropped and counted. Those of
    /// lifecycles wait elsewhere.
    pub queue_capacity: usize,
    /// Whether the environment variables of OpenTelemetry count.
    pub read_environment: bool,
    /// Base URL of an OTLP/HTTP receiver such as `http://127.0.0.1:4318`; spans go
    /// to `/v1/traces` there.
    pub otlp_endpoint: Option<String>,
    /// Compilations that take less make no span.
    pub slow_compilation: Duration,
    /// Spans per second that compilations may make at most, each with that of its
    /// hotspot, and a tenth as many that other hotspots may make.
    pub jit_spans_per_second: u32,
    /// Spans that compilations and hotspots of one machine may make at most.
    pub jit_spans_per_trace: u32,
    /// Spans that may wait to be sent; more are dropped and counted.
    pub span_queue_capacity: usize,
    /// Longest time that spans wait for others to be sent with.
    pub span_delay: Duration,
    /// Longest time that sending may take, if not what `OTEL_EXPORTER_OTLP_TIMEOUT`
    /// says or 10 seconds.
    pub export_timeout: Option<Duration>,
    /// Is called when spans stop arriving, when they arrive again, and at the end if any were lost.
    pub notices: Notices,
}

impl Default for TelemetryConfig {
    fn default() -> Self {
        Self {
            queue_capacity: 16_384,
            read_environment: true,
            otlp_endpoint: None,
            slow_compilation: Duration::from_millis(5),
            jit_spans_per_second: 50,
            // With half a kilobyte a span, about two megabytes.
            jit_spans_per_trace: 4_096,
            span_queue_capacity: 8_192,
            span_delay: Duration::from_secs(2),
            export_timeout: None,
            notices: Notices::default(),
        }
    }
}
