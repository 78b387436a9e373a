//! Sink of finished spans: the SDK's batch processor, with every loss counted.
//!
//! Spans are recorded afterwards, from events with start and end times. They are therefore
//! built complete instead of being started and ended, and parents are sent after their
//! children.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use opentelemetry::trace::{Link, SpanId, SpanKind, Status};
use opentelemetry::{InstrumentationScope, KeyValue, Value};
use opentelemetry_sdk::trace::{BatchSpanProcessor, SpanData, SpanEvents, SpanLinks, SpanProcessor as _};
use prometheus::IntCounter;

use super::tracer::{Id, Tracer};

/// Finished span. Times are nanoseconds since the Unix epoch.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) id: Id,
    /// Parent in the same trace; `None` for `vm.run`, whose parent comes from outside if it has one.
    pub(super) parent: Option<SpanId>,
    pub(super) name: &'static str,
    pub(super) start_ns: u64,
    pub(super) end_ns: u64,
    pub(super) attributes: Vec<KeyValue>,
    pub(super) link: Option<Id>,
    /// Value of `error.type` if the operation failed.
    pub(super) error: Option<&'static str>,
}

/// Limits of a span; `None` means no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Length of string values in characters.
    pub(crate) value_length: Option<usize>,
    /// Attributes.
    pub(crate) attributes: Option<usize>,
    /// Links.
    pub(crate) links: Option<usize>,
}

/// Access to the exporter's queue.
#[derive(Debug)]
pub(crate) struct Sink {
    processor: BatchSpanProcessor,
    scope: InstrumentationScope,
    pub(super) tracer: Arc<Tracer>,
    queue: Queue,
    limits: Limits,
}

/// Exporter's queue.
#[derive(Debug)]
pub(crate) struct Queue {
    /// Spans accepted and not exported or abandoned yet; the exporter decrements it.
    pub(crate) in_flight: Arc<AtomicUsize>,
    /// Maximum number of accepted spans.
    pub(crate) capacity: usize,
    /// Counter of spans that are not accepted.
    pub(crate) full: IntCounter,
}

impl Sink {
    /// A sink to `processor`, whose queue `queue` describes; `tracer` gives identities.
    pub(crate) fn new(processor: BatchSpanProcessor, queue: Queue, tracer: Arc<Tracer>, limits: Limits) -> Self {
        let scope = InstrumentationScope::builder("riscope").with_version(env!("CARGO_PKG_VERSION")).build();
        Self { processor, scope, tracer, queue, limits }
    }

    pub(super) fn new_span(&self) -> SpanId {
        self.tracer.new_span()
    }

    /// Queues a span for export; drops and counts it if the queue is full. The processor's
    /// own queue has the same capacity, so accepted spans fit.
    pub(super) fn send(&self, span: Finished) {
        if self.queue.in_flight.fetch_add(1, Ordering::Relaxed) >= self.queue.capacity {
            self.queue.in_flight.fetch_sub(1, Ordering::Relaxed);
            self.queue.full.inc();
            return;
        }
        self.processor.on_end(self.data(span));
    }

    fn data(&self, span: Finished) -> SpanData {
        let mut links = SpanLinks::default();
        links.links.extend(span.link.map(|to| Link::new(self.tracer.context(to), Vec::new(), 0)));
        links.dropped_count = limit(&mut links.links, self.limits.links);
        let mut attributes = span.attributes;
        attributes.extend(span.error.map(|error| KeyValue::new("error.type", error)));
        let dropped_attributes_count = limit(&mut attributes, self.limits.attributes);
        if let Some(length) = self.limits.value_length {
            attributes.iter_mut().for_each(|attribute| shorten(&mut attribute.value, length));
        }
        SpanData {
            span_context: self.tracer.context(span.id),
            parent_span_id: span.parent.or_else(|| self.tracer.parent()).unwrap_or(SpanId::INVALID),
            parent_span_is_remote: span.parent.is_none() && self.tracer.parent().is_some(),
            span_kind: SpanKind::Internal,
            name: Cow::Borrowed(span.name),
            start_time: time(span.start_ns),
            end_time: time(span.end_ns.max(span.start_ns)),
            attributes,
            dropped_attributes_count,
            events: SpanEvents::default(),
            links,
            status: span.error.map_or(Status::Unset, Status::error),
            instrumentation_scope: self.scope.clone(),
        }
    }

    /// Exports queued spans and ends the exporter; detaches it at `deadline`.
    pub(super) fn shutdown(&self, deadline: Instant) {
        let left = deadline.saturating_duration_since(Instant::now());
        // The exporter counts spans that it could not export.
        let _ = self.processor.shutdown_with_timeout(left);
    }
}

/// Truncates to `limit`; returns the number of removed items.
fn limit<T>(items: &mut Vec<T>, limit: Option<usize>) -> u32 {
    let surplus = items.len().saturating_sub(limit.unwrap_or(usize::MAX));
    items.truncate(items.len() - surplus);
    u32::try_from(surplus).unwrap_or(u32::MAX)
}

/// Truncates a text to `length` characters.
fn shorten(value: &mut Value, length: usize) {
    if let Value::String(text) = value
        && let Some((end, _)) = text.as_str().char_indices().nth(length)
    {
        *value = Value::String(text.as_str()[..end].to_owned().into());
    }
}

fn time(ns: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(ns)
}
