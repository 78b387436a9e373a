//! The running machines with their traces.

use std::collections::HashMap;
use std::time::Instant;

use prometheus::Registry;
use riscope_core::event::{Envelope, ExitReason, VmId, monotonic_ns};

use super::hotspot::moment;
use super::sink::Sink;
use super::suppressed::Suppressed;
use super::trace::{JitLimits, Trace};
use crate::config::TelemetryConfig;

/// What becomes spans.
#[derive(Debug)]
pub(super) struct Active {
    sink: Sink,
    traces: HashMap<VmId, Trace>,
    suppressed: Suppressed,
    /// Compilations that take less make no span.
    pub(super) slow_compilation_ns: u64,
    jit_limits: JitLimits,
}

impl Active {
    /// No machine is known yet.
    pub(super) fn new(sink: Sink, config: &TelemetryConfig, registry: &Registry) -> Result<Self, prometheus::Error> {
        Ok(Self {
            sink,
            traces: HashMap::new(),
            suppressed: Suppressed::new(registry)?,
            slow_compilation_ns: u64::try_from(config.slow_compilation.as_nanos()).unwrap_or(u64::MAX),
            jit_limits: JitLimits { per_second: config.jit_spans_per_second, per_trace: config.jit_spans_per_trace },
        })
    }

    /// Ends the traces of all machines, sends everything, and gives up at `deadline`.
    pub(super) fn finish(mut self, deadline: Instant) {
        let now_ns = monotonic_ns();
        let alive: Vec<VmId> = self.traces.keys().copied().collect();
        for vm_id in alive {
            self.end(vm_id, now_ns, None);
        }
        self.sink.shutdown(deadline);
    }

    /// The trace of the event's machine, which begins here if it is new.
    pub(super) fn enter(&mut self, envelope: &Envelope) -> (&Sink, &mut Trace) {
        let trace =
            (self.traces.entry(envelope.vm_id)).or_insert_with(|| Trace::new(envelope, &self.sink, self.jit_limits));
        trace.observe(envelope);
        (&self.sink, trace)
    }

    /// The trace of the event's machine if that is alive, and where to count what is
    /// not made.
    pub(super) fn known(&mut self, envelope: &Envelope) -> (&Suppressed, Option<(&Sink, &mut Trace)>) {
        let sink = &self.sink;
        let known = self.traces.get_mut(&envelope.vm_id).map(|trace| {
            trace.observe(envelope);
            (sink, trace)
        });
        (&self.suppressed, known)
    }

    /// The machine's trace ends, by `exit` if that is known.
    pub(super) fn end(&mut self, vm_id: VmId, now_ns: u64, exit: Option<(ExitReason, i32)>) {
        let Some(mut trace) = self.traces.remove(&vm_id) else { return };
        for detection in trace.hotspots.take_all() {
            moment(&self.suppressed, &self.sink, &mut trace, &detection);
        }
        trace.end(&self.sink, now_ns, exit);
    }
}
