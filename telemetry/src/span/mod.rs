//! Spans: mapping from events, with times and parents.
//!
//! ```text
//! vm.run                    creation (or its first part) → exit
//! ├─ vm.boot                first phase → running
//! │  ├─ vm.boot.load, .fdt, .firmware, .kernel
//! │  ├─ jit.hotspot         detection → end of its compilation
//! │  └─ jit.compile <tier>  slow ones; linked to their jit.hotspot
//! ├─ jit.hotspot            the same once the machine runs
//! ├─ jit.compile <tier>
//! ├─ jit.evict, vm.guest_panic   moments, below vm.boot while the machine boots
//! └─ vm.reset               the guest's reset → it boots again
//! ```
//!
//! A span is sent when it ends, so `vm.run` is sent last; if the process is killed, it is
//! not sent and the others have no root. Spans of the engine are limited per second and per
//! trace, because back ends reject traces of unbounded size.
//!
//! One file per family of events with an exhaustive match, as in `metric/record/`.

mod active;
pub(crate) mod context;
mod execution;
mod hotspot;
pub(crate) mod limit;
pub(crate) mod sink;
mod suppressed;
mod trace;
pub(crate) mod tracer;
mod vm;
mod waiting;

use std::time::Instant;

use prometheus::Registry;
use riscope_core::event::{AlertEvent, DeviceEvent, Envelope, Event, VmId};

use crate::config::TelemetryConfig;
use active::Active;
use context::Context;
use sink::Sink;

/// Span export, if it is enabled.
#[derive(Debug)]
pub(crate) struct Spans(Option<Active>);

impl Spans {
    /// Spans sent to `sink`. Without one, there are neither spans nor metrics of them.
    pub(crate) fn new(
        sink: Option<Sink>,
        config: &TelemetryConfig,
        registry: &Registry,
    ) -> Result<Self, prometheus::Error> {
        Ok(Self(sink.map(|sink| Active::new(sink, config, registry)).transpose()?))
    }

    /// Handles an event.
    pub(crate) fn record(&mut self, envelope: &Envelope) {
        let Some(spans) = &mut self.0 else { return };
        match &envelope.event {
            Event::Vm(event) => vm::record(spans, envelope, event),
            Event::Execution(event) => execution::record(spans, envelope, event),
            // Instantaneous, and covered by a metric.
            Event::Device(DeviceEvent::Failed { .. })
            | Event::Alert(AlertEvent::Firing { .. } | AlertEvent::Resolved { .. }) => {}
        }
    }

    /// The trace of a machine, while it has one.
    pub(crate) fn context(&self, vm_id: VmId) -> Option<Context> {
        self.0.as_ref()?.context(vm_id)
    }

    /// Ends open spans and exports everything, until `deadline`.
    pub(crate) fn finish(&mut self, deadline: Instant) {
        if let Some(spans) = self.0.take() {
            spans.finish(deadline);
        }
    }
}
