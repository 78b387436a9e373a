//! Machine events as spans: `vm.run`, `vm.boot` and the boot phases, resets and panics.

use std::sync::Arc;

use opentelemetry::KeyValue;
use riscope_core::event::{BootPhase, Envelope, ExitReason, VmEvent, VmState};

use super::active::Active;
use super::sink::Finished;
use super::trace::Description;
use crate::label::{Suppressible, Suppression};

pub(super) fn record(spans: &mut Active, envelope: &Envelope, event: &VmEvent) {
    let now_ns = envelope.monotonic_ns;
    match event {
        VmEvent::Created { name, engine, vcpus, memory_bytes } => {
            let (_, trace) = spans.enter(envelope);
            let name = Arc::clone(name);
            trace.description = Some(Description { name, engine, vcpus: *vcpus, memory_bytes: *memory_bytes });
        }
        VmEvent::StateChanged { from: _, to } => entered(spans, envelope, *to),
        VmEvent::BootPhaseCompleted { phase, start_ns, end_ns } => {
            let (sink, trace) = spans.enter(envelope);
            let boot = trace.boot(sink, *start_ns);
            trace.send(
                sink,
                Finished {
                    id: trace.identity(sink.new_span()),
                    parent: Some(boot),
                    name: phase_span(*phase),
                    start_ns: *start_ns,
                    end_ns: *end_ns,
                    attributes: Vec::new(),
                    link: None,
                    error: None,
                },
            );
        }
        VmEvent::Reset { boots } => {
            if let (_, Some((sink, trace))) = spans.known(envelope) {
                trace.reset(sink, now_ns, *boots);
            }
        }
        VmEvent::GuestPanicked { source } => {
            let (suppressed, Some((sink, trace))) = spans.known(envelope) else { return };
            trace.panicked = Some(*source);
            if !trace.panic_limit.allows(now_ns) {
                return suppressed.count(Suppressible::Panic, Suppression::RateLimit);
            }
            let attributes = vec![KeyValue::new("riscope.vm.guest.panic.source", source.as_str())];
            let name = Suppressible::Panic.as_str();
            trace.send_moment(sink, name, [now_ns; 2], attributes, Some(ExitReason::GuestPanic.as_str()));
        }
        // States of a hart, which metrics cover.
        VmEvent::HartStalled { vcpu: _ } | VmEvent::HartResumed { vcpu: _ } => {}
        VmEvent::Exited { reason, code } => spans.end(envelope.vm_id, now_ns, Some((*reason, *code))),
        VmEvent::Deleted {} => spans.end(envelope.vm_id, now_ns, None),
    }
}

/// Records that the machine has entered a state.
fn entered(spans: &mut Active, envelope: &Envelope, state: VmState) {
    let now_ns = envelope.monotonic_ns;
    match state {
        VmState::Creating | VmState::Created => {
            spans.enter(envelope);
        }
        VmState::Booting => {
            let (sink, trace) = spans.enter(envelope);
            trace.booting(sink, now_ns);
            trace.boot(sink, now_ns);
        }
        VmState::Running => {
            if let (_, Some((sink, trace))) = spans.known(envelope) {
                trace.booting(sink, now_ns);
                trace.end_boot(sink, now_ns, None);
            }
        }
        VmState::Failed => {
            if let (_, Some((_, trace))) = spans.known(envelope) {
                trace.failed = true;
            }
        }
        VmState::Pausing | VmState::Paused | VmState::Stopping | VmState::Stopped => {}
    }
}

fn phase_span(phase: BootPhase) -> &'static str {
    match phase {
        BootPhase::Load => "vm.boot.load",
        BootPhase::Fdt => "vm.boot.fdt",
        BootPhase::Firmware => "vm.boot.firmware",
        BootPhase::Kernel => "vm.boot.kernel",
    }
}
