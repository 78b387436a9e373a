//! Spans: which events make one, of what length, below which parent.
//!
//! ```text
//! vm.run                    creation (or its first part) → exit
//! ├─ vm.boot                first phase → running
//! │  ├─ vm.boot.load, .fdt, .firmware, .kernel
//! │  ├─ jit.hotspot         detection → end of its compilation
//! │  └─ jit.compile <tier>  slow ones; linked to their jit.hotspot
//! ├─ jit.hotspot            the same once the machine runs
//! └─ jit.compile <tier>
//! ```
//!
//! A span is sent when it has ended, so `vm.run` comes last; of a process that was
//! killed it does not come, and the others lack their root. What the engine adds to a
//! trace is bounded, by second and in all: back ends refuse traces without end.
//!
//! One file per family of events with an exhaustive match, as in `metric/record/`.

mod execution;
mod limit;
pub(crate) mod sink;
mod trace;
mod vm;
mod waiting;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use prometheus::{IntCounterVec, Registry};
use riscope_core::event::{DeviceEvent, Envelope, Event, ExitReason, VmId, monotonic_ns};

use crate::config::TelemetryConfig;
use crate::label::Suppression as Reason;
use crate::metric::catalog;
use crate::metric::registry::counter_vec;
use sink::Sink;
use trace::{JitLimits, Trace};

/// Time that the pump keeps of a shutdown for itself.
const SHUTDOWN_MARGIN: Duration = Duration::from_millis(100);

/// Spans, if they are exported anywhere.
#[derive(Debug)]
pub(crate) struct Spans(Option<Active>);

/// Spans that are not made.
#[derive(Debug)]
struct Suppressed(IntCounterVec);

impl Suppressed {
    fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let counters = counter_vec(registry, catalog::SPANS_SUPPRESSED)?;
        for (span, reason) in execution::SUPPRESSED {
            counters.with_label_values(&[span, reason.as_str()]);
        }
        Ok(Self(counters))
    }

    fn count(&self, span: &str, reason: Reason) {
        self.0.with_label_values(&[span, reason.as_str()]).inc();
    }
}

/// What becomes spans.
#[derive(Debug)]
struct Active {
    sink: Sink,
    traces: HashMap<VmId, Trace>,
    suppressed: Suppressed,
    slow_compilation_ns: u64,
    jit_limits: JitLimits,
}

impl Spans {
    /// Spans that go to `sink`, if there is one; without, there are none and no metrics of them.
    pub(crate) fn new(
        sink: Option<Sink>,
        config: &TelemetryConfig,
        registry: &Registry,
    ) -> Result<Self, prometheus::Error> {
        let Some(sink) = sink else { return Ok(Self(None)) };
        Ok(Self(Some(Active {
            sink,
            traces: HashMap::new(),
            suppressed: Suppressed::new(registry)?,
            slow_compilation_ns: u64::try_from(config.slow_compilation.as_nanos()).unwrap_or(u64::MAX),
            jit_limits: JitLimits { per_second: config.jit_spans_per_second, per_trace: config.jit_spans_per_trace },
        })))
    }

    /// Takes the next event.
    pub(crate) fn record(&mut self, envelope: &Envelope) {
        let Some(spans) = &mut self.0 else { return };
        match &envelope.event {
            Event::Vm(event) => vm::record(spans, envelope, event),
            Event::Execution(event) => execution::record(spans, envelope, event),
            // A moment, and a metric.
            Event::Device(DeviceEvent::Failed { .. }) => {}
        }
    }

    /// Ends what is open, sends everything, and gives up at `deadline`.
    pub(crate) fn finish(&mut self, deadline: Instant) {
        let Some(mut spans) = self.0.take() else { return };
        let now_ns = monotonic_ns();
        let alive: Vec<VmId> = spans.traces.keys().copied().collect();
        for vm_id in alive {
            spans.end(vm_id, now_ns, None);
        }
        spans.sink.shutdown(deadline.checked_sub(SHUTDOWN_MARGIN).unwrap_or(deadline));
    }
}

impl Active {
    /// The trace of the event's machine, which begins here if it is new.
    fn enter(&mut self, envelope: &Envelope) -> (&Sink, &mut Trace) {
        let trace =
            (self.traces.entry(envelope.vm_id)).or_insert_with(|| Trace::new(envelope, &self.sink, self.jit_limits));
        trace.observe(envelope);
        (&self.sink, trace)
    }

    /// The trace of the event's machine if that is alive, and where to count what is
    /// not made.
    fn known(&mut self, envelope: &Envelope) -> (&Suppressed, Option<(&Sink, &mut Trace)>) {
        let sink = &self.sink;
        let known = self.traces.get_mut(&envelope.vm_id).map(|trace| {
            trace.observe(envelope);
            (sink, trace)
        });
        (&self.suppressed, known)
    }

    fn end(&mut self, vm_id: VmId, now_ns: u64, exit: Option<(ExitReason, i32)>) {
        let Some(mut trace) = self.traces.remove(&vm_id) else { return };
        for detection in trace.hotspots.take_all() {
            execution::moment(&self.suppressed, &self.sink, &mut trace, &detection);
        }
        trace.end(&self.sink, now_ns, exit);
    }
}
