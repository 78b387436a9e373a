//! Running machines with their traces.

use std::collections::HashMap;
use std::time::Instant;

use prometheus::Registry;
use riscope_core::event::{Envelope, ExitReason, VmId, monotonic_ns};

use super::context::Context;
use super::hotspot::moment;
use super::sink::Sink;
use super::suppressed::Suppressed;
use super::trace::{JitLimits, Trace};
use crate::config::TelemetryConfig;

/// State of span export.
#[derive(Debug)]
pub(super) struct Active {
    sink: Sink,
    traces: HashMap<VmId, Trace>,
    suppressed: Suppressed,
    /// Duration from which a compilation has a span, in nanoseconds.
    pub(super) slow_compilation_ns: u64,
    jit_limits: JitLimits,
}

impl Active {
    /// Without machines.
    pub(super) fn new(sink: Sink, config: &TelemetryConfig, registry: &Registry) -> Result<Self, prometheus::Error> {
        Ok(Self {
            sink,
            traces: HashMap::new(),
            suppressed: Suppressed::new(registry)?,
            slow_compilation_ns: u64::try_from(config.slow_compilation.as_nanos()).unwrap_or(u64::MAX),
            jit_limits: JitLimits { per_second: config.jit_spans_per_second, per_trace: config.jit_spans_per_trace },
        })
    }

    /// Ends the traces of all machines and exports everything, until `deadline`.
    pub(super) fn finish(mut self, deadline: Instant) {
        let now_ns = monotonic_ns();
        let alive: Vec<VmId> = self.traces.keys().copied().collect();
        for vm_id in alive {
            self.end(vm_id, now_ns, None);
        }
        self.sink.shutdown(deadline);
    }

    /// Trace of the event's machine; starts it if the machine is new.
    pub(super) fn enter(&mut self, envelope: &Envelope) -> (&Sink, &mut Trace) {
        let trace =
            (self.traces.entry(envelope.vm_id)).or_insert_with(|| Trace::new(envelope, &self.sink, self.jit_limits));
        trace.observe(envelope);
        (&self.sink, trace)
    }

    /// Trace of the event's machine if it exists, and the counters of suppressed spans.
    pub(super) fn known(&mut self, envelope: &Envelope) -> (&Suppressed, Option<(&Sink, &mut Trace)>) {
        let sink = &self.sink;
        let known = self.traces.get_mut(&envelope.vm_id).map(|trace| {
            trace.observe(envelope);
            (sink, trace)
        });
        (&self.suppressed, known)
    }

    /// The trace of a machine, while it has one.
    pub(super) fn context(&self, vm_id: VmId) -> Option<Context> {
        self.traces.get(&vm_id).map(Trace::context)
    }

    /// Ends the machine's trace, with `exit` if it is known.
    pub(super) fn end(&mut self, vm_id: VmId, now_ns: u64, exit: Option<(ExitReason, i32)>) {
        let Some(mut trace) = self.traces.remove(&vm_id) else { return };
        for detection in trace.hotspots.take_all() {
            moment(&self.suppressed, &self.sink, &mut trace, &detection);
        }
        trace.end(&self.sink, now_ns, exit);
    }
}
