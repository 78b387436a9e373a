//! Engine events as spans: slow compilations and hotspots. There can be thousands per
//! second, so thresholds and limits apply, and suppressed spans are counted.
//!
//! Whether a hotspot has a span is decided at the end of its compilation: a compilation
//! span links to its hotspot, which then has a span as well; of the other hotspots only
//! some have one.

use opentelemetry::KeyValue;
use riscope_core::event::{CompileFailure, Envelope, ExecutionEvent, Tier};

use super::active::Active;
use super::hotspot::{hex, moment, send_hotspot, some_of_many};
use super::sink::{Finished, Sink};
use super::trace::Trace;
use super::tracer::Id;
use super::waiting::Detection;
use crate::label::Suppressible::{Compile, Evict, Hotspot};
use crate::label::Suppression;
use crate::metric::samples::seconds;

pub(super) fn record(spans: &mut Active, envelope: &Envelope, event: &ExecutionEvent) {
    match *event {
        ExecutionEvent::CodeBlockCompiled { .. } => compiled(spans, envelope, event),
        ExecutionEvent::HotspotDetected { .. } => detected(spans, envelope, event),
        ExecutionEvent::CompilationFailed { pc, phys, tier, reason } => {
            let (suppressed, Some((sink, trace))) = spans.known(envelope) else { return };
            let Some(detection) = trace.hotspots.take(pc, phys, tier) else { return };
            // The other reasons are expected occasionally, as in the metrics.
            let error = (reason == CompileFailure::Compiler).then(|| reason.as_str());
            some_of_many(suppressed, sink, trace, &detection, envelope.monotonic_ns, error);
        }
        ExecutionEvent::CodeCacheEvicted { blocks, bytes, reason } => {
            let (suppressed, known) = spans.known(envelope);
            let Some((sink, trace)) = known else { return suppressed.count(Evict, Suppression::UnknownVm) };
            if trace.jit_spans_left == 0 {
                return suppressed.count(Evict, Suppression::TraceLimit);
            }
            if !trace.eviction_limit.allows(envelope.monotonic_ns) {
                return suppressed.count(Evict, Suppression::RateLimit);
            }
            let attributes = vec![
                KeyValue::new("riscope.jit.evicted.blocks", i64::from(blocks)),
                KeyValue::new("riscope.jit.evicted.size", i64::try_from(bytes).unwrap_or(i64::MAX)),
                KeyValue::new("riscope.jit.eviction.reason", reason.as_str()),
            ];
            trace.jit_spans_left -= 1;
            trace.send_moment(sink, Evict.as_str(), [envelope.monotonic_ns; 2], attributes, None);
        }
        // Instantaneous, and too frequent for spans: metrics cover it.
        ExecutionEvent::CodeBlocksInvalidated { .. } => {}
    }
}

fn detected(spans: &mut Active, envelope: &Envelope, event: &ExecutionEvent) {
    let ExecutionEvent::HotspotDetected { vcpu, pc, phys, execution_count, from, to } = *event else {
        return;
    };
    let (suppressed, known) = spans.known(envelope);
    let Some((sink, trace)) = known else { return suppressed.count(Hotspot, Suppression::UnknownVm) };
    let detection = Detection { pc, phys, to, from, vcpu, execution_count, detected_ns: envelope.monotonic_ns };
    for given_up in trace.hotspots.add(detection) {
        moment(suppressed, sink, trace, &given_up);
    }
}

fn compiled(spans: &mut Active, envelope: &Envelope, event: &ExecutionEvent) {
    let ExecutionEvent::CodeBlockCompiled { pc, phys, tier, compile_ns, .. } = *event else { return };
    let end_ns = envelope.monotonic_ns;
    let slow = compile_ns >= spans.slow_compilation_ns;
    let (suppressed, known) = spans.known(envelope);
    let Some((sink, trace)) = known else { return suppressed.count(Compile, Suppression::UnknownVm) };
    let detection = trace.hotspots.take(pc, phys, tier);
    let refusal = if !slow {
        Some(Suppression::Threshold)
    } else if trace.jit_spans_left < 2 {
        Some(Suppression::TraceLimit)
    } else {
        (!trace.compile_limit.allows(end_ns)).then_some(Suppression::RateLimit)
    };
    if let Some(reason) = refusal {
        suppressed.count(Compile, reason);
        if let Some(detection) = detection {
            some_of_many(suppressed, sink, trace, &detection, end_ns, None);
        }
        return;
    }
    let link = detection.map(|detection| send_hotspot(sink, trace, &detection, end_ns, None));
    send_compilation(sink, trace, event, end_ns, link);
}

fn send_compilation(sink: &Sink, trace: &mut Trace, event: &ExecutionEvent, end_ns: u64, link: Option<Id>) {
    let ExecutionEvent::CodeBlockCompiled {
        pc,
        phys,
        block_size,
        instructions,
        host_size,
        tier,
        trigger,
        queue_wait_ns,
        compile_ns,
    } = *event
    else {
        return;
    };
    trace.send_jit(
        sink,
        Finished {
            id: trace.identity(sink.new_span()),
            parent: Some(trace.current()),
            name: compile_span(tier),
            start_ns: end_ns.saturating_sub(compile_ns),
            end_ns,
            attributes: vec![
                KeyValue::new("riscope.guest.pc", hex(pc)),
                KeyValue::new("riscope.guest.physical_address", hex(phys)),
                KeyValue::new("riscope.jit.tier", tier.as_str()),
                KeyValue::new("riscope.jit.trigger", trigger.as_str()),
                KeyValue::new("riscope.jit.block.size", i64::from(block_size)),
                KeyValue::new("riscope.jit.block.instructions", i64::from(instructions)),
                KeyValue::new("riscope.jit.block.host_size", i64::from(host_size)),
                KeyValue::new("riscope.jit.queue.wait", seconds(queue_wait_ns)),
            ],
            link,
            error: None,
        },
    );
}

fn compile_span(tier: Tier) -> &'static str {
    match tier {
        Tier::Interpreter => "jit.compile interpreter",
        Tier::Baseline => "jit.compile baseline",
        Tier::Optimised => "jit.compile optimised",
    }
}
