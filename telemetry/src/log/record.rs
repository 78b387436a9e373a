//! Events as log records. An exhaustive match, so that a new event compiles only once it is decided whether it has one.

use opentelemetry::logs::AnyValue;
use riscope_core::event::{
    AlertEvent, CompileFailure, DeviceEvent, Event, ExecutionEvent, ExitReason, PanicSource, VmEvent, VmState,
};

use super::catalog::{Severity, row};
use crate::label::LogKind as Kind;

/// Attribute of a record.
pub(super) type Attribute = (&'static str, AnyValue);

/// What a record says.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) kind: Kind,
    pub(super) severity: Severity,
    /// A sentence, or the line of a console.
    pub(super) body: String,
    pub(super) attributes: Vec<Attribute>,
}

impl Record {
    fn new(kind: Kind, body: String, attributes: Vec<Attribute>) -> Self {
        Self { kind, severity: row(kind).severities[0], body, attributes }
    }

    fn error_if(self, is_error: bool) -> Self {
        if is_error { Self { severity: Severity::Error, ..self } } else { self }
    }
}

/// The record of an event, if it has one.
pub(super) fn record(event: &Event) -> Option<Record> {
    match event {
        Event::Vm(event) => vm(event),
        Event::Execution(event) => execution(event),
        Event::Device(DeviceEvent::Failed { device, name, error }) => Some(Record::new(
            Kind::DeviceFailed,
            format!("{device} {name} failed: {error}"),
            vec![
                ("riscope.device.kind", text(device)),
                ("riscope.device.name", text(name)),
                ("error.type", text(error)),
            ],
        )),
        Event::Alert(event) => Some(alert(event)),
    }
}

fn alert(event: &AlertEvent) -> Record {
    let of = |kind, said, name: &str, severity| {
        let attributes = vec![("riscope.alert.name", text(name)), ("riscope.alert.severity", text(severity))];
        Record::new(kind, said, attributes)
    };
    match event {
        AlertEvent::Firing { name, severity, description } => Record {
            severity: match &**severity {
                "critical" => Severity::Error,
                "info" => Severity::Info,
                // Rules of users may have other severities.
                _ => Severity::Warn,
            },
            ..of(Kind::AlertFiring, format!("{name} fires: {description}"), name, severity)
        },
        AlertEvent::Resolved { name, severity, description } => {
            of(Kind::AlertResolved, format!("{name} is resolved; it said: {description}"), name, severity)
        }
    }
}

fn vm(event: &VmEvent) -> Option<Record> {
    let of_hart = |kind, vcpu: u32, what: &str| {
        Record::new(kind, format!("hart {vcpu} {what}"), vec![("riscope.vcpu.id", number(vcpu))])
    };
    Some(match event {
        VmEvent::Created { name, engine, vcpus, memory_bytes } => Record::new(
            Kind::Created,
            format!("{name} was created"),
            vec![
                ("riscope.vm.engine", text(engine)),
                ("riscope.vm.vcpus", number(*vcpus)),
                ("riscope.vm.memory", number(*memory_bytes)),
            ],
        ),
        VmEvent::StateChanged { from, to } => Record::new(
            Kind::StateChanged,
            format!("{} after {}", to.as_str(), from.as_str()),
            vec![("riscope.vm.state.from", text(from.as_str())), ("riscope.vm.state.to", text(to.as_str()))],
        )
        .error_if(*to == VmState::Failed),
        // A span, and a state.
        VmEvent::BootPhaseCompleted { phase: _, start_ns: _, end_ns: _ } => return None,
        VmEvent::Reset { boots } => Record::new(
            Kind::Reset,
            format!("the guest has reset itself; boot {boots}"),
            vec![("riscope.vm.boots", number(*boots))],
        ),
        VmEvent::GuestPanicked { source } => Record::new(
            Kind::GuestPanicked,
            format!("the guest has panicked: {}", evidence(*source)),
            vec![("riscope.vm.guest.panic.source", text(source.as_str()))],
        ),
        VmEvent::HartStalled { vcpu } => {
            of_hart(Kind::HartStalled, *vcpu, "executes and takes no interrupt, although one is pending")
        }
        VmEvent::HartResumed { vcpu } => of_hart(Kind::HartResumed, *vcpu, "takes interrupts again"),
        VmEvent::Exited { reason, code } => Record::new(
            Kind::Exited,
            format!("ended: {}, status {code}", reason.as_str()),
            vec![
                ("riscope.vm.exit.reason", text(reason.as_str())),
                ("riscope.vm.exit.code", AnyValue::Int(i64::from(*code))),
            ],
        )
        .error_if(!matches!(reason, ExitReason::Poweroff | ExitReason::Reset | ExitReason::Killed)),
        VmEvent::Deleted {} => Record::new(Kind::Deleted, "deleted".to_owned(), Vec::new()),
    })
}

fn execution(event: &ExecutionEvent) -> Option<Record> {
    Some(match event {
        ExecutionEvent::HotspotDetected { vcpu, pc, phys, execution_count, from, to } => Record::new(
            Kind::Hotspot,
            format!("the code at {pc:#x} is hot: {execution_count} executions; {} compiles it", to.as_str()),
            vec![
                ("riscope.guest.pc", address(*pc)),
                ("riscope.guest.physical_address", address(*phys)),
                ("riscope.vcpu.id", number(*vcpu)),
                ("riscope.jit.hotspot.executions", number(*execution_count)),
                ("riscope.jit.hotspot.from", text(from.as_str())),
                ("riscope.jit.tier", text(to.as_str())),
            ],
        ),
        ExecutionEvent::CompilationFailed { pc, phys, tier, reason: reason @ CompileFailure::Compiler } => Record::new(
            Kind::CompilationFailed,
            format!("{} cannot compile the code at {pc:#x}", tier.as_str()),
            vec![
                ("riscope.guest.pc", address(*pc)),
                ("riscope.guest.physical_address", address(*phys)),
                ("riscope.jit.tier", text(tier.as_str())),
                ("error.type", text(reason.as_str())),
            ],
        ),
        ExecutionEvent::CodeCacheEvicted { blocks, bytes, reason } => Record::new(
            Kind::CacheEvicted,
            format!("{blocks} blocks were evicted from the code cache"),
            vec![
                ("riscope.jit.evicted.blocks", number(*blocks)),
                ("riscope.jit.evicted.size", number(*bytes)),
                ("riscope.jit.eviction.reason", text(reason.as_str())),
            ],
        ),
        // Expected now and then.
        ExecutionEvent::CompilationFailed {
            reason: CompileFailure::Untranslatable | CompileFailure::Stale | CompileFailure::CacheFull,
            ..
        }
        // A span if it is slow, and counted.
        | ExecutionEvent::CodeBlockCompiled { .. }
        | ExecutionEvent::CodeBlocksInvalidated { .. } => return None,
    })
}

const fn evidence(source: PanicSource) -> &'static str {
    match source {
        PanicSource::Sbi => "it asks for a reset because of a system failure",
        PanicSource::Console => "its kernel says so on the console",
        PanicSource::Pvpanic => "its pvpanic driver says so",
    }
}

fn text(text: &str) -> AnyValue {
    AnyValue::String(text.to_owned().into())
}

fn number(number: impl Into<u64>) -> AnyValue {
    AnyValue::Int(i64::try_from(number.into()).unwrap_or(i64::MAX))
}

/// An address as in spans.
fn address(address: u64) -> AnyValue {
    AnyValue::String(format!("{address:#x}").into())
}
