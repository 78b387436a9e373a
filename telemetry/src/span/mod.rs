//! Spans: which events make one, of what length, below which parent.
//!
//! ```text
//! vm.run                    creation (or its first part) → exit
//! ├─ vm.boot                first phase → running
//! │  ├─ vm.boot.load, .fdt, .firmware, .kernel
//! │  └─ jit.compile <tier>  while booting
//! ├─ jit.compile <tier>     slow ones; linked to its jit.hotspot
//! └─ jit.hotspot            detection → its translation exists
//! ```
//!
//! One file per family of events with an exhaustive match, as in `metric/record/`.

mod execution;
mod limit;
pub(crate) mod sink;
mod trace;
mod vm;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use prometheus::{IntCounter, Registry};
use riscope_core::event::{DeviceEvent, Envelope, Event, ExitReason, VmId, monotonic_ns};

use crate::export::otlp;
use crate::metric::catalog;
use crate::metric::registry::counter_vec;
use crate::{TelemetryConfig, TelemetryError};
use sink::Sink;
use trace::Trace;

/// Time that the pump keeps of a shutdown for itself.
const SHUTDOWN_MARGIN: Duration = Duration::from_millis(100);

/// Spans, if they are exported anywhere.
#[derive(Debug)]
pub(crate) struct Spans(Option<Active>);

/// Spans that are not made.
#[derive(Debug)]
struct Suppressed {
    compile_by_threshold: IntCounter,
    compile_by_limit: IntCounter,
    compile_of_unknown: IntCounter,
    hotspot_by_limit: IntCounter,
    hotspot_of_unknown: IntCounter,
}

/// What becomes spans.
#[derive(Debug)]
struct Active {
    sink: Sink,
    traces: HashMap<VmId, Trace>,
    suppressed: Suppressed,
    slow_compilation_ns: u64,
    jit_spans_per_second: u32,
}

impl Spans {
    /// Starts exporting if `config` or the environment says where to.
    pub(crate) fn start(config: &TelemetryConfig, registry: &Registry) -> Result<Self, TelemetryError> {
        let suppressed = counter_vec(registry, catalog::SPANS_SUPPRESSED)?;
        let suppressed = |span, reason| suppressed.with_label_values(&[span, reason]);
        let suppressed = Suppressed {
            compile_by_threshold: suppressed("jit.compile", "threshold"),
            compile_by_limit: suppressed("jit.compile", "rate_limit"),
            compile_of_unknown: suppressed("jit.compile", "unknown_vm"),
            hotspot_by_limit: suppressed("jit.hotspot", "rate_limit"),
            hotspot_of_unknown: suppressed("jit.hotspot", "unknown_vm"),
        };
        let active = otlp::start(config, registry)?.map(|sink| Active {
            sink,
            traces: HashMap::new(),
            suppressed,
            slow_compilation_ns: u64::try_from(config.slow_compilation.as_nanos()).unwrap_or(u64::MAX),
            jit_spans_per_second: config.jit_spans_per_second,
        });
        Ok(Self(active))
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
        for (_, trace) in spans.traces.drain() {
            trace.end(&spans.sink, now_ns, None);
        }
        spans.sink.shutdown(deadline.checked_sub(SHUTDOWN_MARGIN).unwrap_or(deadline));
    }
}

impl Active {
    /// The trace of the event's machine, which begins here if it is new.
    fn enter(&mut self, envelope: &Envelope) -> (&Sink, &mut Trace) {
        let trace = (self.traces.entry(envelope.event.vm_id()))
            .or_insert_with(|| Trace::new(envelope, &self.sink, self.jit_spans_per_second));
        (&self.sink, trace)
    }

    /// The trace of a machine that is alive.
    fn known(&mut self, vm_id: VmId) -> Option<(&Sink, &mut Trace)> {
        self.known_or_suppressed(vm_id).1
    }

    /// As [`Self::known`], with where to count if there is none.
    fn known_or_suppressed(&mut self, vm_id: VmId) -> (&Suppressed, Option<(&Sink, &mut Trace)>) {
        let sink = &self.sink;
        (&self.suppressed, self.traces.get_mut(&vm_id).map(|trace| (sink, trace)))
    }

    fn end(&mut self, vm_id: VmId, now_ns: u64, exit: Option<(ExitReason, i32)>) {
        if let Some(trace) = self.traces.remove(&vm_id) {
            trace.end(&self.sink, now_ns, exit);
        }
    }
}
