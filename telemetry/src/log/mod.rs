//! Log records: mapping from events and console lines, with the trace of the machine.
//!
//! ```text
//! event ────────► record ─┐
//!                         ├─► limit of its kind and machine ─► sink ─► export/otlp/
//! console line ─► console ┘
//! ```

pub mod catalog;
pub(crate) mod console;
pub mod document;
mod record;
pub(crate) mod sink;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use opentelemetry::logs::AnyValue;
use prometheus::{IntCounter, IntCounterVec, Registry};
use riscope_core::event::{Envelope, Event, VmEvent, VmId, monotonic_ns};

use crate::label::{LogKind, LogSuppression};
use crate::metric::catalog::bus as metrics;
use crate::metric::registry::counter_vec;
use crate::span::context::Context;
use crate::span::limit::Limit;
use catalog::ROWS;
use console::Line;
use record::Record;
use sink::Sink;

/// Export of log records, if it is enabled.
#[derive(Debug)]
pub(crate) struct Logs(Option<Active>);

/// State of the export.
#[derive(Debug)]
struct Active {
    sink: Sink,
    machines: HashMap<VmId, Machine>,
    /// Limits of machines that are not known, together.
    strangers: Machine,
    /// Trace of what has none of its own.
    parent: Option<Context>,
    suppressed: IntCounterVec,
}

/// What is known about a machine.
#[derive(Debug)]
struct Machine {
    name: Option<Arc<str>>,
    /// Its trace, also after that has ended.
    context: Option<Context>,
    /// By [`LogKind`].
    limits: Vec<Limit>,
}

impl Machine {
    fn new(now_ns: u64) -> Self {
        Self { name: None, context: None, limits: ROWS.iter().map(|row| Limit::new(row.per_second, now_ns)).collect() }
    }
}

impl Logs {
    /// Records sent to `sink`, with the trace of `parent` where there is no other. Without a sink, there are neither
    /// records nor metrics of them.
    pub(crate) fn new(
        sink: Option<Sink>,
        parent: Option<Context>,
        registry: &Registry,
    ) -> Result<Self, prometheus::Error> {
        Ok(Self(sink.map(|sink| Active::new(sink, parent, registry)).transpose()?))
    }

    /// Counter of console lines that do not fit the queue of lines, if records are exported.
    pub(crate) fn lost_lines(&self) -> Option<IntCounter> {
        let lost = [LogKind::ConsoleLine.as_str(), LogSuppression::QueueFull.as_str()];
        self.0.as_ref().map(|logs| logs.suppressed.with_label_values(&lost))
    }

    /// Handles an event of a machine that has this trace.
    pub(crate) fn record(&mut self, envelope: &Envelope, context: Option<Context>) {
        if let Some(logs) = &mut self.0 {
            logs.record(envelope, context);
        }
    }

    /// Handles a line of the console of a machine that has this trace.
    pub(crate) fn console_line(&mut self, line: Line, context: Option<Context>) {
        let Some(logs) = &mut self.0 else { return };
        let Line { vm_id, wall_ns, severity, text, .. } = line;
        let record = Record { kind: LogKind::ConsoleLine, severity, body: text, attributes: Vec::new() };
        logs.send(vm_id, record, monotonic_ns(), wall_ns, context);
    }

    /// Exports everything, until `deadline`.
    pub(crate) fn finish(&mut self, deadline: Instant) {
        if let Some(logs) = self.0.take() {
            logs.sink.shutdown(deadline);
        }
    }
}

impl Active {
    fn new(sink: Sink, parent: Option<Context>, registry: &Registry) -> Result<Self, prometheus::Error> {
        let suppressed = counter_vec(registry, metrics::LOGS_SUPPRESSED)?;
        for name in LogKind::NAMES {
            suppressed.with_label_values(&[name, LogSuppression::RateLimit.as_str()]);
        }
        Ok(Self { sink, machines: HashMap::new(), strangers: Machine::new(monotonic_ns()), parent, suppressed })
    }

    fn record(&mut self, envelope: &Envelope, context: Option<Context>) {
        let (vm_id, now_ns) = (envelope.vm_id, envelope.monotonic_ns);
        if let Event::Vm(event @ (VmEvent::Created { .. } | VmEvent::StateChanged { .. })) = &envelope.event {
            let machine = self.machines.entry(vm_id).or_insert_with(|| Machine::new(now_ns));
            if let VmEvent::Created { name, .. } = event {
                machine.name = Some(Arc::clone(name));
            }
        }
        if let (Some(machine), Some(context)) = (self.machines.get_mut(&vm_id), context) {
            machine.context = Some(context);
        }
        if let Some(record) = record::record(&envelope.event) {
            self.send(vm_id, record, now_ns, envelope.wall_ns, context);
        }
        if matches!(&envelope.event, Event::Vm(VmEvent::Deleted {})) {
            self.machines.remove(&vm_id);
        }
    }

    fn send(&mut self, vm_id: VmId, mut record: Record, now_ns: u64, wall_ns: u64, context: Option<Context>) {
        let known = self.machines.get_mut(&vm_id);
        let context = known.as_ref().map_or(context, |machine| context.or(machine.context)).or(self.parent);
        let machine = known.unwrap_or(&mut self.strangers);
        if !machine.limits[record.kind.index()].allows(now_ns) {
            let reason = LogSuppression::RateLimit.as_str();
            self.suppressed.with_label_values(&[record.kind.as_str(), reason]).inc();
            return;
        }
        // An alert may be about no machine.
        if vm_id != VmId::default() {
            record.attributes.push(("riscope.vm.id", AnyValue::String(vm_id.to_string().into())));
        }
        if let Some(name) = &machine.name {
            record.attributes.push(("riscope.vm.name", AnyValue::String(name.to_string().into())));
        }
        self.sink.send(record, wall_ns, context);
    }
}
