//! The sink of finished spans: the SDK's batch processor, with every loss counted.
//!
//! Spans are recorded after the fact, from events with start and end times. So they are
//! built as a whole instead of being started and ended, and a parent is sent after its
//! children.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use opentelemetry::trace::{Link, SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue, Value};
use opentelemetry_sdk::trace::{
    BatchSpanProcessor, IdGenerator as _, RandomIdGenerator, Sampler, SamplingDecision, ShouldSample as _, SpanData,
    SpanEvents, SpanLinks, SpanProcessor as _,
};
use prometheus::IntCounter;

/// Identity of a span: its trace and itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Id {
    pub(super) trace: TraceId,
    pub(super) span: SpanId,
}

impl Id {
    /// As others refer to it.
    pub(super) fn context(self) -> SpanContext {
        SpanContext::new(self.trace, self.span, TraceFlags::SAMPLED, false, TraceState::default())
    }
}

/// A span that has ended. Times are nanoseconds since the Unix epoch.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) id: Id,
    /// Span of the same trace, or none for the root.
    pub(super) parent: Option<SpanId>,
    pub(super) name: &'static str,
    pub(super) start_ns: u64,
    pub(super) end_ns: u64,
    pub(super) attributes: Vec<KeyValue>,
    pub(super) link: Option<Id>,
    /// Value of `error.type` if what it stands for failed.
    pub(super) error: Option<&'static str>,
}

/// How much a span may hold; no limit where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Characters of a value that is text.
    pub(crate) value_length: Option<usize>,
    /// Attributes.
    pub(crate) attributes: Option<usize>,
    /// Links.
    pub(crate) links: Option<usize>,
}

/// The way to the exporter's queue.
#[derive(Debug)]
pub(crate) struct Sink {
    processor: BatchSpanProcessor,
    scope: InstrumentationScope,
    ids: RandomIdGenerator,
    queue: Queue,
    sampler: Sampler,
    limits: Limits,
}

/// The exporter's queue.
#[derive(Debug)]
pub(crate) struct Queue {
    /// Spans that were accepted and not yet exported or given up; the exporter counts
    /// down.
    pub(crate) in_flight: Arc<AtomicUsize>,
    /// As many are accepted before it does.
    pub(crate) capacity: usize,
    /// Counts those that are not.
    pub(crate) full: IntCounter,
}

impl Sink {
    /// `queue` describes that of `processor`; `sampler` says which traces are sent.
    pub(crate) fn new(processor: BatchSpanProcessor, queue: Queue, sampler: Sampler, limits: Limits) -> Self {
        let scope = InstrumentationScope::builder("riscope").with_version(env!("CARGO_PKG_VERSION")).build();
        Self { processor, scope, ids: RandomIdGenerator::default(), queue, sampler, limits }
    }

    pub(super) fn new_trace(&self) -> TraceId {
        self.ids.new_trace_id()
    }

    /// Whether the spans of a trace are to be sent.
    pub(super) fn samples(&self, trace: TraceId) -> bool {
        let result = self.sampler.should_sample(None, trace, "vm.run", &SpanKind::Internal, &[], &[]);
        result.decision == SamplingDecision::RecordAndSample
    }

    pub(super) fn new_span(&self) -> SpanId {
        self.ids.new_span_id()
    }

    /// Queues a span for export; drops and counts it when the queue is full. The
    /// processor's own queue is as long, so what is accepted here fits there.
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
        links.links.extend(span.link.map(|to| Link::new(to.context(), Vec::new(), 0)));
        links.dropped_count = limit(&mut links.links, self.limits.links);
        let mut attributes = span.attributes;
        attributes.extend(span.error.map(|error| KeyValue::new("error.type", error)));
        let dropped_attributes_count = limit(&mut attributes, self.limits.attributes);
        if let Some(length) = self.limits.value_length {
            attributes.iter_mut().for_each(|attribute| shorten(&mut attribute.value, length));
        }
        SpanData {
            span_context: span.id.context(),
            parent_span_id: span.parent.unwrap_or(SpanId::INVALID),
            parent_span_is_remote: false,
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

    /// Exports what is queued and ends the exporter, or leaves both to themselves at
    /// `deadline`.
    pub(super) fn shutdown(&self, deadline: Instant) {
        let left = deadline.saturating_duration_since(Instant::now());
        // What could not be exported is counted by the exporter.
        let _ = self.processor.shutdown_with_timeout(left);
    }
}

/// Takes away what is more than `limit`, and says how much that is.
fn limit<T>(items: &mut Vec<T>, limit: Option<usize>) -> u32 {
    let surplus = items.len().saturating_sub(limit.unwrap_or(usize::MAX));
    items.truncate(items.len() - surplus);
    u32::try_from(surplus).unwrap_or(u32::MAX)
}

/// Leaves at most so many characters of a text.
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
