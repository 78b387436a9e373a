//! Trace of a machine: `vm.run`, with `vm.boot` and engine spans below it.

use std::sync::Arc;

use opentelemetry::KeyValue;
use opentelemetry::trace::{SpanId, TraceId};
use riscope_core::event::{Envelope, ExitReason, PanicSource, VmId};

use super::context::Context;
use super::limit::Limit;
use super::sink::{Finished, Sink};
use super::tracer::{Beginning, Id};
use super::waiting::Waiting;

/// Maximum advance of the wall clock over the monotonic clock that the trace ignores: less
/// is a clock adjustment, more is a host that was suspended.
const JUMP_NS: u64 = 1_000_000_000;

/// Maximum spans per second of panics: a guest that panics and resets itself may do so many times.
const PANICS_PER_SECOND: u32 = 5;

/// Attributes of `vm.run` that describe the machine.
#[derive(Debug)]
pub(super) struct Description {
    pub(super) name: Arc<str>,
    pub(super) engine: &'static str,
    pub(super) vcpus: u32,
    pub(super) memory_bytes: u64,
}

/// Open span `vm.boot`.
#[derive(Debug)]
struct Boot {
    span: SpanId,
    start_ns: u64,
    ended: bool,
}

/// Limits of engine spans in a trace.
#[derive(Clone, Copy, Debug)]
pub(super) struct JitLimits {
    /// Compilations per second, plus a tenth as many other hotspots.
    pub(super) per_second: u32,
    /// Spans in total.
    pub(super) per_trace: u32,
}

/// State of a machine's trace. Times are those of [`Envelope::monotonic_ns`] until a span
/// is sent.
#[derive(Debug)]
pub(super) struct Trace {
    vm_id: VmId,
    id: TraceId,
    run: SpanId,
    start_ns: u64,
    /// Whether the trace is sampled.
    sampled: bool,
    /// Difference between wall clock and monotonic clock. A single value for all spans
    /// keeps them nested when the clock is set.
    ahead_ns: u64,
    /// The difference at the start of the trace.
    start_ahead_ns: u64,
    pub(super) description: Option<Description>,
    pub(super) failed: bool,
    /// Source of the guest's last panic, if it panicked.
    pub(super) panicked: Option<PanicSource>,
    boots: u64,
    boot: Option<Boot>,
    /// Hotspots with an unfinished compilation.
    pub(super) hotspots: Waiting,
    pub(super) compile_limit: Limit,
    pub(super) hotspot_limit: Limit,
    /// Of evictions.
    pub(super) eviction_limit: Limit,
    /// Of panics.
    pub(super) panic_limit: Limit,
    /// When the guest reset itself, until it boots again.
    reset_ns: Option<u64>,
    /// Number of spans that the engine may still add.
    pub(super) jit_spans_left: u32,
}

impl Trace {
    /// Trace of a machine whose first event is `envelope`.
    pub(super) fn new(envelope: &Envelope, sink: &Sink, limits: JitLimits) -> Self {
        let now_ns = envelope.monotonic_ns;
        let ahead_ns = ahead_ns(envelope);
        let Beginning { run: Id { trace: id, span: run }, sampled } = sink.tracer.begin(envelope.vm_id);
        Self {
            vm_id: envelope.vm_id,
            id,
            run,
            start_ns: now_ns,
            sampled,
            ahead_ns,
            start_ahead_ns: ahead_ns,
            description: None,
            failed: false,
            panicked: None,
            boots: 1,
            boot: None,
            hotspots: Waiting::default(),
            compile_limit: Limit::new(limits.per_second, now_ns),
            hotspot_limit: Limit::new(limits.per_second.div_ceil(10), now_ns),
            eviction_limit: Limit::new(limits.per_second.div_ceil(10), now_ns),
            panic_limit: Limit::new(PANICS_PER_SECOND, now_ns),
            reset_ns: None,
            jit_spans_left: limits.per_trace,
        }
    }

    /// Observes the time of an event: the monotonic clock stops while the host is
    /// suspended.
    pub(super) fn observe(&mut self, envelope: &Envelope) {
        let ahead_ns = ahead_ns(envelope);
        if ahead_ns.saturating_sub(self.ahead_ns) > JUMP_NS {
            self.ahead_ns = ahead_ns;
        }
    }

    /// Sends a span of this trace, with the times of its events.
    pub(super) fn send(&self, sink: &Sink, mut span: Finished) {
        if !self.sampled {
            return;
        }
        span.start_ns = span.start_ns.wrapping_add(self.ahead_ns);
        span.end_ns = span.end_ns.wrapping_add(self.ahead_ns);
        span.attributes.push(KeyValue::new("riscope.vm.id", self.vm_id.to_string()));
        sink.send(span);
    }

    /// Sends an engine span.
    pub(super) fn send_jit(&mut self, sink: &Sink, span: Finished) {
        self.jit_spans_left = self.jit_spans_left.saturating_sub(1);
        self.send(sink, span);
    }

    /// Identity of a span of this trace.
    pub(super) fn identity(&self, span: SpanId) -> Id {
        Id { trace: self.id, span }
    }

    /// Span of the machine's current phase: booting or running.
    pub(super) fn current(&self) -> SpanId {
        self.boot.as_ref().filter(|boot| !boot.ended).map_or(self.run, |boot| boot.span)
    }

    /// The trace, and the span of the machine's current phase.
    pub(super) fn context(&self) -> Context {
        Context { trace: self.id, span: self.current(), sampled: self.sampled }
    }

    /// Starts `vm.boot` at `start_ns` or earlier; returns the span. Its phases can start
    /// before the machine is announced.
    pub(super) fn boot(&mut self, sink: &Sink, start_ns: u64) -> SpanId {
        self.start_ns = self.start_ns.min(start_ns);
        let boot = self.boot.get_or_insert_with(|| Boot { span: sink.new_span(), start_ns, ended: false });
        boot.start_ns = boot.start_ns.min(start_ns);
        boot.span
    }

    /// Ends `vm.boot`, unless it has ended.
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

    /// Records a guest reset: later spans belong to the next boot.
    pub(super) fn reset(&mut self, sink: &Sink, now_ns: u64, boots: u64) {
        self.end_boot(sink, now_ns, Some("interrupted"));
        self.boot = None;
        self.boots = boots;
        self.reset_ns = Some(now_ns);
    }

    /// Records that the machine boots: the reset before it, if there was one, has ended.
    pub(super) fn booting(&mut self, sink: &Sink, now_ns: u64) {
        let Some(start_ns) = self.reset_ns.take() else { return };
        let boots = i64::try_from(self.boots).unwrap_or(i64::MAX);
        self.send_moment(sink, "vm.reset", [start_ns, now_ns], vec![KeyValue::new("riscope.vm.boots", boots)], None);
    }

    /// Sends a span below that of the machine's current phase, from one time to another.
    pub(super) fn send_moment(
        &self,
        sink: &Sink,
        name: &'static str,
        [start_ns, end_ns]: [u64; 2],
        attributes: Vec<KeyValue>,
        error: Option<&'static str>,
    ) {
        let (id, parent) = (self.identity(sink.new_span()), Some(self.current()));
        self.send(sink, Finished { id, parent, name, start_ns, end_ns, attributes, link: None, error });
    }

    /// Ends the trace, because the machine or telemetry has ended.
    pub(super) fn end(mut self, sink: &Sink, end_ns: u64, exit: Option<(ExitReason, i32)>) {
        let error = self.error(exit);
        self.end_boot(sink, end_ns, error.map(|_| "interrupted"));
        let mut attributes = Vec::new();
        if let Some(description) = &self.description {
            attributes.push(KeyValue::new("riscope.vm.name", Arc::clone(&description.name)));
            attributes.push(KeyValue::new("riscope.vm.engine", description.engine));
            attributes.push(KeyValue::new("riscope.vm.vcpus", i64::from(description.vcpus)));
            let memory = i64::try_from(description.memory_bytes).unwrap_or(i64::MAX);
            attributes.push(KeyValue::new("riscope.vm.memory", memory));
        }
        attributes.push(KeyValue::new("riscope.vm.boots", i64::try_from(self.boots).unwrap_or(i64::MAX)));
        if let Some(source) = self.panicked {
            attributes.push(KeyValue::new("riscope.vm.guest.panic.source", source.as_str()));
        }
        if let Some((reason, code)) = exit {
            attributes.push(KeyValue::new("riscope.vm.exit.reason", reason.as_str()));
            attributes.push(KeyValue::new("riscope.vm.exit.code", i64::from(code)));
        }
        // By the difference between the clocks at that time.
        let start_ns = self.start_ns.wrapping_add(self.start_ahead_ns).wrapping_sub(self.ahead_ns);
        self.send(
            sink,
            Finished {
                id: self.identity(self.run),
                parent: None,
                name: "vm.run",
                start_ns,
                end_ns,
                attributes,
                link: None,
                error,
            },
        );
    }

    /// Error type of the machine's end, if it is an error.
    fn error(&self, exit: Option<(ExitReason, i32)>) -> Option<&'static str> {
        let trouble =
            self.failed.then_some("failed").or_else(|| self.panicked.map(|_| ExitReason::GuestPanic.as_str()));
        let Some((reason, _)) = exit else { return trouble };
        match reason {
            ExitReason::Poweroff | ExitReason::Reset | ExitReason::Killed => trouble,
            ExitReason::GuestFailure | ExitReason::GuestPanic | ExitReason::Timeout | ExitReason::Error => {
                Some(reason.as_str())
            }
        }
    }
}

fn ahead_ns(envelope: &Envelope) -> u64 {
    envelope.wall_ns.saturating_sub(envelope.monotonic_ns)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

    use opentelemetry_sdk::error::OTelSdkResult;
    use opentelemetry_sdk::trace::{BatchSpanProcessor, Sampler, SpanData, SpanExporter};
    use prometheus::IntCounter;
    use riscope_core::event::{Event, VmEvent};

    use super::super::sink::{Limits, Queue};
    use super::super::tracer::Tracer;
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[derive(Clone, Debug, Default)]
    struct Kept(Arc<Mutex<Vec<SpanData>>>);

    impl SpanExporter for Kept {
        async fn export(&self, mut batch: Vec<SpanData>) -> OTelSdkResult {
            self.0.lock().expect("no panic elsewhere").append(&mut batch);
            Ok(())
        }
    }

    fn envelope(monotonic_ns: u64, wall_ns: u64) -> Envelope {
        Envelope {
            sequence: 0,
            monotonic_ns,
            wall_ns,
            vm_id: VmId::from_u128(1),
            event: Event::from(VmEvent::Deleted {}),
            count: 1,
        }
    }

    #[test]
    fn a_trace_follows_the_clock_of_a_host_that_was_suspended() {
        let kept = Kept::default();
        let queue =
            Queue { in_flight: Arc::default(), capacity: 10, full: IntCounter::new("full", "Full.").expect("a name") };
        let tracer = Arc::new(Tracer::new(Sampler::AlwaysOn, None));
        let sink = Sink::new(BatchSpanProcessor::builder(kept.clone()).build(), queue, tracer, Limits::default());
        let limits = JitLimits { per_second: 1, per_trace: 1 };
        let mut trace = Trace::new(&envelope(SECOND, 1000 * SECOND), &sink, limits);
        // Half a second is a clock adjustment, an hour a suspended host.
        trace.observe(&envelope(2 * SECOND, 1001 * SECOND + SECOND / 2));
        trace.boot(&sink, 2 * SECOND);
        trace.end_boot(&sink, 3 * SECOND, None);
        trace.observe(&envelope(4 * SECOND, 4603 * SECOND));
        trace.end(&sink, 5 * SECOND, None);
        sink.shutdown(Instant::now() + Duration::from_secs(60));
        let at = |time: SystemTime| time.duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
        let kept = kept.0.lock().expect("no panic elsewhere");
        let times: Vec<_> = kept.iter().map(|span| (&*span.name, at(span.start_time), at(span.end_time))).collect();
        assert_eq!(times, [("vm.boot", 1001, 1002), ("vm.run", 1000, 4604)]);
    }
}
