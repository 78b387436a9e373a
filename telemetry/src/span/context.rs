//! Trace of a machine, for what belongs to it and is no span.

use opentelemetry::trace::{SpanContext, SpanId, TraceId};

/// Trace context of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Context {
    pub(crate) trace: TraceId,
    /// What the machine is doing: booting or running.
    pub(crate) span: SpanId,
    /// Whether the spans of the trace are sent.
    pub(crate) sampled: bool,
}

impl Context {
    /// That of a span from elsewhere.
    pub(crate) fn of(span: &SpanContext) -> Self {
        Self { trace: span.trace_id(), span: span.span_id(), sampled: span.is_sampled() }
    }
}
