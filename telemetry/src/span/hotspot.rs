//! Hotspots as spans.

use opentelemetry::KeyValue;

use super::sink::{Finished, Sink};
use super::suppressed::Suppressed;
use super::trace::Trace;
use super::tracer::Id;
use super::waiting::Detection;
use crate::label::Suppressible::Hotspot;
use crate::label::Suppression;

/// Sends a hotspot without a known outcome: its request was rejected, the event lost, or
/// the machine ended.
pub(super) fn moment(suppressed: &Suppressed, sink: &Sink, trace: &mut Trace, detection: &Detection) {
    some_of_many(suppressed, sink, trace, detection, detection.detected_ns, None);
}

/// Sends a hotspot whose compilation has no span.
pub(super) fn some_of_many(
    suppressed: &Suppressed,
    sink: &Sink,
    trace: &mut Trace,
    detection: &Detection,
    end_ns: u64,
    error: Option<&'static str>,
) {
    if trace.jit_spans_left == 0 {
        suppressed.count(Hotspot, Suppression::TraceLimit);
    } else if !trace.hotspot_limit.allows(end_ns) {
        suppressed.count(Hotspot, Suppression::RateLimit);
    } else {
        send_hotspot(sink, trace, detection, end_ns, error);
    }
}

pub(super) fn send_hotspot(
    sink: &Sink,
    trace: &mut Trace,
    detection: &Detection,
    end_ns: u64,
    error: Option<&'static str>,
) -> Id {
    let id = trace.identity(sink.new_span());
    let executions = i64::try_from(detection.execution_count).unwrap_or(i64::MAX);
    trace.send_jit(
        sink,
        Finished {
            id,
            parent: Some(trace.current()),
            name: Hotspot.as_str(),
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

/// Formats an address for spans.
pub(super) fn hex(address: u64) -> String {
    format!("{address:#x}")
}
