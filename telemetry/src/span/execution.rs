//! Events of the engine as spans: slow compilations and hotspots. There can be
//! thousands a second, so there are thresholds and limits, and counts of what they
//! suppress.

use opentelemetry::KeyValue;
use riscope_core::event::{Envelope, ExecutionEvent, Tier};

use super::Active;
use super::sink::Finished;
use super::trace::Hotspot;
use crate::metric::samples::seconds;

pub(super) fn record(spans: &mut Active, envelope: &Envelope, event: &ExecutionEvent) {
    match *event {
        ExecutionEvent::CodeBlockCompiled { .. } => compiled(spans, envelope, event),
        ExecutionEvent::HotspotDetected { .. } => detected(spans, envelope, event),
        ExecutionEvent::CompilationFailed { vm_id, pc, tier, reason } => {
            if let Some((sink, trace)) = spans.known(vm_id) {
                trace.end_hotspot(sink, (pc, tier), envelope.monotonic_ns, Some(reason.as_str()));
            }
        }
        // Single moments, and metrics enough.
        ExecutionEvent::CodeBlocksInvalidated { .. } | ExecutionEvent::CodeCacheFlushed { .. } => {}
    }
}

fn compiled(spans: &mut Active, envelope: &Envelope, event: &ExecutionEvent) {
    let ExecutionEvent::CodeBlockCompiled {
        vm_id,
        pc,
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
    let end_ns = envelope.monotonic_ns;
    let slow = compile_ns >= spans.slow_compilation_ns;
    let (suppressed, known) = spans.known_or_suppressed(vm_id);
    let Some((sink, trace)) = known else { return suppressed.compile_of_unknown.inc() };
    let link = trace.end_hotspot(sink, (pc, tier), end_ns, None);
    if !slow {
        return suppressed.compile_by_threshold.inc();
    }
    if !trace.compile_limit.allows(end_ns) {
        return suppressed.compile_by_limit.inc();
    }
    trace.send(
        sink,
        Finished {
            id: trace.identity(sink.new_span()),
            parent: Some(trace.current()),
            name: compile_span(tier),
            start_ns: end_ns.saturating_sub(compile_ns),
            end_ns,
            attributes: vec![
                KeyValue::new("riscope.guest.pc", hex(pc)),
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

fn detected(spans: &mut Active, envelope: &Envelope, event: &ExecutionEvent) {
    let ExecutionEvent::HotspotDetected { vm_id, vcpu, pc, execution_count, from, to } = *event else { return };
    let detected_ns = envelope.monotonic_ns;
    let (suppressed, known) = spans.known_or_suppressed(vm_id);
    let Some((sink, trace)) = known else { return suppressed.hotspot_of_unknown.inc() };
    if !trace.hotspot_limit.allows(detected_ns) {
        return suppressed.hotspot_by_limit.inc();
    }
    let attributes = vec![
        KeyValue::new("riscope.guest.pc", hex(pc)),
        KeyValue::new("riscope.vcpu.id", i64::from(vcpu)),
        KeyValue::new("riscope.jit.hotspot.executions", i64::try_from(execution_count).unwrap_or(i64::MAX)),
        KeyValue::new("riscope.jit.hotspot.from", from.as_str()),
        KeyValue::new("riscope.jit.tier", to.as_str()),
    ];
    let hotspot = Hotspot { span: sink.new_span(), detected_ns, attributes };
    trace.await_compilation(sink, (pc, to), hotspot);
}

fn compile_span(tier: Tier) -> &'static str {
    match tier {
        Tier::Interpreter => "jit.compile interpreter",
        Tier::Baseline => "jit.compile baseline",
        Tier::Optimized => "jit.compile optimized",
    }
}

fn hex(address: u64) -> String {
    format!("{address:#x}")
}
