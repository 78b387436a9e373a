//! The trace of one machine: `vm.run`, and below it `vm.boot` and what the engine
//! does.

use std::collections::HashMap;
use std::sync::Arc;

use opentelemetry::KeyValue;
use opentelemetry::trace::{SpanId, TraceId};
use riscope_core::event::{Envelope, ExitReason, Tier, VmId};

use super::limit::Limit;
use super::sink::{Finished, Id, Sink};

/// How long a hotspot may wait for the end of its compilation before its span ends
/// without one: the request was refused, or the event lost.
const HOTSPOT_WAITS_NS: u64 = 10_000_000_000;

/// What `vm.run` says about a machine.
#[derive(Debug)]
pub(super) struct Description {
    pub(super) name: Arc<str>,
    pub(super) engine: &'static str,
    pub(super) vcpus: u32,
    pub(super) memory_bytes: u64,
}

/// `vm.boot`.
#[derive(Debug)]
struct Boot {
    span: SpanId,
    start_ns: u64,
    ended: bool,
}

/// A hotspot whose translation does not exist yet.
#[derive(Debug)]
pub(super) struct Hotspot {
    pub(super) span: SpanId,
    pub(super) detected_ns: u64,
    pub(super) attributes: Vec<KeyValue>,
}

/// State of a machine's trace. Times are those of [`Envelope::monotonic_ns`] until
/// a span is sent.
#[derive(Debug)]
pub(super) struct Trace {
    vm_id: VmId,
    id: TraceId,
    run: SpanId,
    start_ns: u64,
    /// What the wall clock was ahead of the monotonic one when the trace began. One
    /// figure for all of its spans keeps them nested when somebody sets the clock.
    ahead_ns: u64,
    pub(super) description: Option<Description>,
    pub(super) failed: bool,
    boot: Option<Boot>,
    hotspots: HashMap<(u64, Tier), Hotspot>,
    pub(super) compile_limit: Limit,
    pub(super) hotspot_limit: Limit,
}

impl Trace {
    /// A machine that is first heard of in `envelope`.
    pub(super) fn new(envelope: &Envelope, sink: &Sink, jit_spans_per_second: u32) -> Self {
        let now_ns = envelope.monotonic_ns;
        Self {
            vm_id: envelope.event.vm_id(),
            id: sink.new_trace(),
            run: sink.new_span(),
            start_ns: now_ns,
            ahead_ns: envelope.wall_ns.wrapping_sub(now_ns),
            description: None,
            failed: false,
            boot: None,
            hotspots: HashMap::new(),
            compile_limit: Limit::new(jit_spans_per_second, now_ns),
            hotspot_limit: Limit::new(jit_spans_per_second, now_ns),
        }
    }

    /// Sends a span of this trace; its times are still those of the events.
    pub(super) fn send(&self, sink: &Sink, mut span: Finished) {
        span.start_ns = span.start_ns.wrapping_add(self.ahead_ns);
        span.end_ns = span.end_ns.wrapping_add(self.ahead_ns);
        span.attributes.push(KeyValue::new("riscope.vm.id", self.vm_id.to_string()));
        sink.send(span);
    }

    /// Identity of a span of this trace.
    pub(super) fn identity(&self, span: SpanId) -> Id {
        Id { trace: self.id, span }
    }

    /// What the machine is in the middle of: booting, or running.
    pub(super) fn current(&self) -> SpanId {
        self.boot.as_ref().filter(|boot| !boot.ended).map_or(self.run, |boot| boot.span)
    }

    /// Booting began at `start_ns` or earlier; gives the span. Its parts can begin
    /// before the machine is announced.
    pub(super) fn boot(&mut self, sink: &Sink, start_ns: u64) -> SpanId {
        self.start_ns = self.start_ns.min(start_ns);
        let boot = self.boot.get_or_insert_with(|| Boot { span: sink.new_span(), start_ns, ended: false });
        boot.start_ns = boot.start_ns.min(start_ns);
        boot.span
    }

    /// Booting ended, unless it had before.
    pub(super) fn end_boot(&mut self, sink: &Sink, end_ns: u64, error: Option<&'static str>) {
        let Some(boot) = self.boot.as_mut().filter(|boot| !boot.ended) else { return };
        boot.ended = true;
        let (span, start_ns) = (boot.span, boot.start_ns);
        self.send(
            sink,
            Finished {
                id: self.identity(span),
                parent: Some(self.run),
                name: "vm.boot",
                start_ns,
                end_ns,
                attributes: Vec::new(),
                link: None,
                error,
            },
        );
    }

    /// Keeps a hotspot until it is compiled.
    pub(super) fn await_compilation(&mut self, sink: &Sink, key: (u64, Tier), hotspot: Hotspot) {
        let now_ns = hotspot.detected_ns;
        let old = |_: &_, it: &mut Hotspot| now_ns.saturating_sub(it.detected_ns) > HOTSPOT_WAITS_NS;
        let mut expired: Vec<_> = self.hotspots.extract_if(old).map(|(_, hotspot)| hotspot).collect();
        expired.extend(self.hotspots.insert(key, hotspot));
        for hotspot in expired {
            let end_ns = hotspot.detected_ns;
            self.send_hotspot(sink, hotspot, end_ns, None);
        }
    }

    /// The compilation of a hotspot ended; gives the hotspot's span, if it has one.
    pub(super) fn end_hotspot(
        &mut self,
        sink: &Sink,
        key: (u64, Tier),
        end_ns: u64,
        error: Option<&'static str>,
    ) -> Option<Id> {
        let hotspot = self.hotspots.remove(&key)?;
        let id = self.identity(hotspot.span);
        self.send_hotspot(sink, hotspot, end_ns, error);
        Some(id)
    }

    fn send_hotspot(&self, sink: &Sink, hotspot: Hotspot, end_ns: u64, error: Option<&'static str>) {
        self.send(
            sink,
            Finished {
                id: self.identity(hotspot.span),
                parent: Some(self.run),
                name: "jit.hotspot",
                start_ns: hotspot.detected_ns,
                end_ns,
                attributes: hotspot.attributes,
                link: None,
                error,
            },
        );
    }

    /// The machine is no more, or telemetry ends before it.
    pub(super) fn end(mut self, sink: &Sink, end_ns: u64, exit: Option<(ExitReason, i32)>) {
        self.end_boot(sink, end_ns, Some("interrupted"));
        for (_, hotspot) in std::mem::take(&mut self.hotspots) {
            let end_ns = hotspot.detected_ns;
            self.send_hotspot(sink, hotspot, end_ns, None);
        }
        let mut attributes = Vec::new();
        if let Some(description) = &self.description {
            attributes.push(KeyValue::new("riscope.vm.name", Arc::clone(&description.name)));
            attributes.push(KeyValue::new("riscope.vm.engine", description.engine));
            attributes.push(KeyValue::new("riscope.vm.vcpus", i64::from(description.vcpus)));
            let memory = i64::try_from(description.memory_bytes).unwrap_or(i64::MAX);
            attributes.push(KeyValue::new("riscope.vm.memory", memory));
        }
        let mut error = self.failed.then_some("failed");
        if let Some((reason, code)) = exit {
            attributes.push(KeyValue::new("riscope.vm.exit.reason", reason.as_str()));
            attributes.push(KeyValue::new("riscope.vm.exit.code", i64::from(code)));
            error = match reason {
                ExitReason::Poweroff | ExitReason::Reset | ExitReason::Killed => error,
                ExitReason::GuestFailure | ExitReason::Timeout | ExitReason::Error => Some(reason.as_str()),
            };
        }
        self.send(
            sink,
            Finished {
                id: self.identity(self.run),
                parent: None,
                name: "vm.run",
                start_ns: self.start_ns,
                end_ns,
                attributes,
                link: None,
                error,
            },
        );
    }
}
