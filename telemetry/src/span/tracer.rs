//! Identities and sampling of traces, and their relation to traces from outside (W3C Trace Context).

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use opentelemetry::Context;
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{SpanContext, SpanId, SpanKind, TraceContextExt as _, TraceFlags, TraceId, TraceState};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{IdGenerator as _, RandomIdGenerator, Sampler, SamplingDecision, ShouldSample as _};
use riscope_core::event::VmId;

/// Identity of a span: trace ID and span ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Id {
    pub(crate) trace: TraceId,
    pub(crate) span: SpanId,
}

/// Beginning of the trace of a machine.
#[derive(Clone, Copy, Debug)]
pub(super) struct Beginning {
    /// Identity of `vm.run`.
    pub(super) run: Id,
    /// Whether the trace is sampled.
    pub(super) sampled: bool,
}

/// Source of identities.
#[derive(Debug)]
pub(crate) struct Tracer {
    ids: RandomIdGenerator,
    sampler: Sampler,
    /// Parent of the machines' spans, from the environment.
    parent: Option<SpanContext>,
    /// Of machines whose trace was told before it has begun.
    announced: Mutex<HashMap<VmId, Beginning>>,
}

impl Tracer {
    /// A tracer whose traces are part of that of `parent`, if there is one; `sampler` selects traces.
    pub(crate) fn new(sampler: Sampler, parent: Option<SpanContext>) -> Self {
        Self { ids: RandomIdGenerator::default(), sampler, parent, announced: Mutex::default() }
    }

    /// Begins the trace of a machine, as it was announced if it was.
    pub(super) fn begin(&self, vm_id: VmId) -> Beginning {
        let announced = self.announced().remove(&vm_id);
        announced.unwrap_or_else(|| self.beginning())
    }

    /// Decides on the trace of a machine that does not exist yet; returns the header `traceparent` for spans below its
    /// `vm.run`.
    pub(crate) fn announce(&self, vm_id: VmId) -> String {
        let beginning = self.beginning();
        self.announced().insert(vm_id, beginning);
        let flags = if beginning.sampled { TraceFlags::SAMPLED } else { TraceFlags::NOT_SAMPLED };
        let Id { trace, span } = beginning.run;
        header(&SpanContext::new(trace, span, flags, true, TraceState::default()))
    }

    fn beginning(&self) -> Beginning {
        let trace = self.parent.as_ref().map_or_else(|| self.ids.new_trace_id(), SpanContext::trace_id);
        let parent = self.parent.clone().map(|parent| Context::new().with_remote_span_context(parent));
        let result = self.sampler.should_sample(parent.as_ref(), trace, "vm.run", &SpanKind::Internal, &[], &[]);
        let sampled = result.decision == SamplingDecision::RecordAndSample;
        Beginning { run: Id { trace, span: self.new_span() }, sampled }
    }

    pub(super) fn new_span(&self) -> SpanId {
        self.ids.new_span_id()
    }

    /// The span of the environment below which the machines' spans are.
    pub(super) fn parent(&self) -> Option<SpanId> {
        self.parent.as_ref().map(SpanContext::span_id)
    }

    /// Context for references from other spans.
    pub(super) fn context(&self, id: Id) -> SpanContext {
        let state = self.parent.as_ref().map_or_else(TraceState::default, |parent| parent.trace_state().clone());
        SpanContext::new(id.trace, id.span, TraceFlags::SAMPLED, false, state)
    }

    fn announced(&self) -> MutexGuard<'_, HashMap<VmId, Beginning>> {
        self.announced.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The header `traceparent` of a context.
pub(crate) fn header(context: &SpanContext) -> String {
    let mut headers = HashMap::new();
    let context = Context::new().with_remote_span_context(context.clone());
    TraceContextPropagator::new().inject_context(&context, &mut headers);
    headers.remove("traceparent").unwrap_or_default()
}

/// The context of the headers `traceparent` and `tracestate`; `None` if the former is invalid.
pub(crate) fn parsed(traceparent: &str, tracestate: Option<String>) -> Option<SpanContext> {
    let mut headers = HashMap::from([("traceparent".to_owned(), traceparent.to_owned())]);
    headers.extend(tracestate.map(|state| ("tracestate".to_owned(), state)));
    let context = TraceContextPropagator::new().extract_with_context(&Context::new(), &headers);
    let span = context.span().span_context().clone();
    span.is_valid().then_some(span)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn tracer(parent: Option<&str>) -> Tracer {
        let parent = parent.map(|parent| parsed(parent, Some("a=1".to_owned())).expect("it is valid"));
        Tracer::new(Sampler::ParentBased(Box::new(Sampler::AlwaysOn)), parent)
    }

    #[test]
    fn a_header_leads_back_to_the_context() {
        let context = parsed(PARENT, None).expect("it is valid");
        assert!(context.is_remote() && context.is_sampled());
        assert_eq!(header(&context), PARENT);
        for wrong in ["", "x", "00-0-0-01", &PARENT[..53], "00-00000000000000000000000000000000-b7ad6b7169203331-01"] {
            assert!(parsed(wrong, None).is_none(), "{wrong}");
        }
    }

    #[test]
    fn what_was_announced_begins() {
        let tracer = tracer(None);
        let [told, other] = [1, 2].map(|vm| tracer.announce(VmId::from_u128(vm)));
        let Beginning { run, sampled } = tracer.begin(VmId::from_u128(1));
        assert_eq!(told, header(&tracer.context(run)));
        assert!(sampled && told != other && tracer.parent().is_none());
        assert_ne!(tracer.begin(VmId::from_u128(1)).run, run, "it has begun before");
    }

    #[test]
    fn a_parent_decides_on_the_trace() {
        let below = tracer(Some(PARENT));
        let Beginning { run, sampled } = below.begin(VmId::from_u128(1));
        assert_eq!((run.trace.to_string(), sampled), (PARENT[3..35].to_owned(), true));
        assert_eq!(below.parent().map(|span| span.to_string()).as_deref(), Some(&PARENT[36..52]));
        assert_eq!(below.context(run).trace_state().get("a"), Some("1"));
        let unsampled = tracer(Some(&PARENT.replace("-01", "-00")));
        assert!(!unsampled.begin(VmId::from_u128(1)).sampled);
        assert!(unsampled.announce(VmId::from_u128(1)).ends_with("-00"));
    }
}
