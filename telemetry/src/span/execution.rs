//! Events of the engine as spans: slow compilations and hotspots. There can be
//! thousands a second, so there are thresholds and limits, and counts of what they
//! suppress.
//!
//! A hotspot becomes a span when its compilation has ended, as only then it is known
//! whether that becomes one. If it does, so does the hotspot, and the link leads
//! somewhere; of the others a few are shown.

use opentelemetry::KeyValue;
use riscope_core::event::{CompileFailure, Envelope, ExecutionEvent, Tier};

use super::sink::{Finished, Id, Sink};
use super::trace::{Detection, Trace};
use super::{Active, Reason, Suppressed};
use crate::label::Suppressible;
use crate::metric::samples::seconds;

const COMPILE: &str = Suppressible::Compile.as_str();
const HOTSPOT: &str = Suppressible::Hotspot.as_str();

/// What can be suppressed, and why.
pub(super) const SUPPRESSED: [(&str, Reason); 7] = [
    (COMPILE, Reason::Threshold),
    (COMPILE, Reason::RateLimit),
    (COMPILE, Reason::TraceLimit),
    (COMPILE, Reason::UnknownVm),
    (HOTSPOT, Reason::RateLimit),
    (HOTSPOT, Reason::TraceLimit),
    (HOTSPOT, Reason::UnknownVm),
];

pub(super) fn record(spans: &mut Active, envelope: &Envelope, event: &ExecutionEvent) {
    match *event {
        ExecutionEvent::CodeBlockCompiled { .. } => compiled(spans, envelope, event),
        ExecutionEvent::HotspotDetected { .. } => detected(spans, envelope, event),
        ExecutionEvent::CompilationFailed { pc, phys, tier, reason } => {
            let (suppressed, Some((sink, trace))) = spans.known(envelope) else { return };
            let Some(detection) = trace.hotspots.take(pc, phys, tier) else { return };
            // The others are to be expected now and then, as in the metrics.
            let error = (reason == CompileFailure::Compiler).then(|| reason.as_str());
            some_of_many(suppressed, sink, trace, &detection, envelope.monotonic_ns, error);
        }
        // Single moments, and metrics enough.
        ExecutionEvent::CodeBlocksInvalidated { .. } | ExecutionEvent::CodeCacheFlushed { .. } => {}
    }
}

fn detected(spans: &mut Active, envelope: &Envelope, event: &ExecutionEvent) {
    let ExecutionEvent::HotspotDetected { vcpu, pc, phys, execution_count, from, to } = *event else {
        return;
    };
    let (suppressed, known) = spans.known(envelope);
    let Some((sink, trace)) = known else { return suppressed.count(HOTSPOT, Reason::UnknownVm) };
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
    let Some((sink, trace)) = known else { return suppressed.count(COMPILE, Reason::UnknownVm) };
    let detection = trace.hotspots.take(pc, phys, tier);
    let refusal = if !slow {
        Some(Reason::Threshold)
    } else if trace.jit_spans_left < 2 {
        Some(Reason::TraceLimit)
    } else {
        (!trace.compile_limit.allows(end_ns)).then_some(Reason::RateLimit)
    };
    if let Some(reason) = refusal {
        suppressed.count(COMPILE, reason);
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

/// A hotspot that nobody has heard of again: its request was refused, the event lost,
/// or the machine ended.
pub(super) fn moment(suppressed: &Suppressed, sink: &Sink, trace: &mut Trace, detection: &Detection) {
    some_of_many(suppressed, sink, trace, detection, detection.detected_ns, None);
}

/// A hotspot without a compilation that is shown.
fn some_of_many(
    suppressed: &Suppressed,
    sink: &Sink,
    trace: &mut Trace,
    detection: &Detection,
    end_ns: u64,
    error: Option<&'static str>,
) {
    if trace.jit_spans_left == 0 {
        suppressed.count(HOTSPOT, Reason::TraceLimit);
    } else if !trace.hotspot_limit.allows(end_ns) {
        suppressed.count(HOTSPOT, Reason::RateLimit);
    } else {
        send_hotspot(sink, trace, detection, end_ns, error);
    }
}

fn send_hotspot(sink: &Sink, trace: &mut Trace, detection: &Detection, end_ns: u64, error: Option<&'static str>) -> Id {
    let id = trace.identity(sink.new_span());
    let executions = i64::try_from(detection.execution_count).unwrap_or(i64::MAX);
    trace.send_jit(
        sink,
        Finished {
            id,
            parent: Some(trace.current()),
            name: HOTSPOT,
            start_ns: detection.detected_ns,
            end_ns,
            attributes: vec![
                KeyValue::new("riscope.guest.pc", hex(detection.pc)),
                KeyValue::new("riscope.guest.physical_address", hex(detection.phys)),
                KeyValue::new("riscope.vcpu.id", i64::from(detection.vcpu)),
                KeyValue::new("riscope.jit.hotspot.executions", executions),
                KeyValue::new("riscope.jit.hotspot.from", detection.from.as_str()),
                KeyValue::new("riscope.jit.tier", detection.to.as_str()),
            ],
            link: None,
            error,
        },
    );
    id
}

fn compile_span(tier: Tier) -> &'static str {
    match tier {
        Tier::Interpreter => "jit.compile interpreter",
        Tier::Baseline => "jit.compile baseline",
    }
}

fn hex(address: u64) -> String {
    format!("{address:#x}")
}
