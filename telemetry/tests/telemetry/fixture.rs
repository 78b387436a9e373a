//! Machines, engines and events for tests.

use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

use riscope_core::counters::{ConsoleInfo, DeviceInfo, Setting, VmCounters};
use riscope_core::event::{
    AlertEvent, AlertEventType, BootPhase, CompileFailure, DeviceEvent, DeviceEventType, DomainEventBus, Event,
    EventType, EvictionReason, ExecutionEvent, ExecutionEventType, ExitReason, InvalidationReason, PanicSource, Tier,
    Trigger, VmEvent, VmEventType, VmId, VmState,
};
use riscope_telemetry::{Telemetry, TelemetryConfig};

use crate::exposition::Exposition;

/// Time limit for events that must happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// An event and its machine.
pub(crate) type Happening = (VmId, Event);

/// A bus with telemetry.
pub(crate) struct Fixture {
    pub(crate) bus: DomainEventBus,
    pub(crate) telemetry: Telemetry,
}

impl Fixture {
    /// Telemetry with this configuration, independent of the environment.
    pub(crate) fn new(config: TelemetryConfig) -> Self {
        let environment = Some(config.environment.clone().unwrap_or_default());
        Self::in_environment(TelemetryConfig { environment, ..config })
    }

    /// Telemetry with this configuration and the environment's.
    pub(crate) fn in_environment(config: TelemetryConfig) -> Self {
        let bus = DomainEventBus::new();
        let telemetry = Telemetry::start(&bus, config).expect("telemetry starts");
        Self { bus, telemetry }
    }

    /// Publishes an event.
    pub(crate) fn send(&self, (vm_id, event): Happening) {
        self.bus.publish(vm_id, event);
    }

    /// Publishes events and waits until they are counted.
    pub(crate) fn publish(&self, events: impl IntoIterator<Item = Happening>) {
        events.into_iter().for_each(|event| self.send(event));
        assert!(self.telemetry.flush(PATIENCE), "events are not handled");
    }

    /// A scrape in the Prometheus format.
    pub(crate) fn scrape(&self) -> Exposition {
        let (content_type, body) = self.telemetry.render(None);
        assert_eq!(content_type, "text/plain; version=0.0.4; charset=utf-8");
        Exposition::parse_text(std::str::from_utf8(&body).expect("UTF-8"))
    }

    /// Waits until a scrape has this text.
    pub(crate) fn wait_for(&self, text: &str) {
        let deadline = std::time::Instant::now() + PATIENCE;
        while !self.text().contains(text) {
            assert!(std::time::Instant::now() < deadline, "no {text} in\n{}", self.text());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Text of a scrape in the Prometheus format, for messages.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.telemetry.render(None).1).into_owned()
    }

    /// A scrape in OpenMetrics.
    pub(crate) fn scrape_open_metrics(&self) -> Exposition {
        let (content_type, body) = self.telemetry.render(Some("application/openmetrics-text;version=1.0.0"));
        assert_eq!(content_type, "application/openmetrics-text; version=1.0.0; charset=utf-8");
        Exposition::parse_open_metrics(std::str::from_utf8(&body).expect("UTF-8"))
    }
}

/// Environment variables for a configuration.
pub(crate) fn environment(variables: &[(&str, &str)]) -> Option<Vec<(OsString, OsString)>> {
    Some(variables.iter().map(|(name, value)| (name.into(), value.into())).collect())
}

/// Asks for log records and metrics.
pub(crate) const ALL_SIGNALS: [(&str, &str); 2] = [("OTEL_LOGS_EXPORTER", "otlp"), ("OTEL_METRICS_EXPORTER", "otlp")];

/// Counters of a machine with `harts` harts.
pub(crate) fn counters(vm_id: VmId, name: &str, harts: usize) -> VmCounters {
    VmCounters {
        vm_id,
        name: name.into(),
        engine_name: "tiered",
        memory_bytes: 1 << 28,
        settings: vec![(Setting::Engine, "tiered".into()), (Setting::Harts, harts.to_string().into())],
        devices: vec![DeviceInfo {
            device: "virtio-blk",
            name: "disk0".into(),
            errors: &["read", "write"],
            queues: Arc::default(),
            disk: Some(Arc::default()),
        }],
        consoles: vec![ConsoleInfo { name: "serial", page: Arc::default() }],
        harts: (0..harts).map(|_| Arc::default()).collect(),
        hot_pages: Arc::default(),
        engine: Arc::default(),
    }
}

pub(crate) fn created(vm_id: VmId, name: &str) -> Happening {
    (vm_id, VmEvent::Created { name: name.into(), engine: "tiered", vcpus: 2, memory_bytes: 1 << 28 }.into())
}

pub(crate) fn state(vm_id: VmId, from: VmState, to: VmState) -> Happening {
    (vm_id, VmEvent::StateChanged { from, to }.into())
}

pub(crate) fn phase(vm_id: VmId, phase: BootPhase, start_ns: u64, end_ns: u64) -> Happening {
    (vm_id, VmEvent::BootPhaseCompleted { phase, start_ns, end_ns }.into())
}

pub(crate) fn exited(vm_id: VmId, reason: ExitReason, code: i32) -> Happening {
    (vm_id, VmEvent::Exited { reason, code }.into())
}

/// Physical address of a virtual address in the tests' guests.
fn phys_of(pc: u64) -> u64 {
    0x8000_0000 + (pc & 0xffff_ffff)
}

pub(crate) fn hotspot(vm_id: VmId, pc: u64) -> Happening {
    hotspot_at(vm_id, pc, phys_of(pc))
}

pub(crate) fn hotspot_at(vm_id: VmId, pc: u64, phys: u64) -> Happening {
    let (from, to) = (Tier::Interpreter, Tier::Baseline);
    (vm_id, ExecutionEvent::HotspotDetected { vcpu: 1, pc, phys, execution_count: 32, from, to }.into())
}

pub(crate) fn compiled(vm_id: VmId, pc: u64, compile_ns: u64) -> Happening {
    compiled_at(vm_id, pc, phys_of(pc), compile_ns)
}

pub(crate) fn compiled_at(vm_id: VmId, pc: u64, phys: u64, compile_ns: u64) -> Happening {
    let event = ExecutionEvent::CodeBlockCompiled {
        pc,
        phys,
        block_size: 48,
        instructions: 13,
        host_size: 300,
        tier: Tier::Baseline,
        trigger: Trigger::Hot,
        queue_wait_ns: 40_000,
        compile_ns,
    };
    (vm_id, event.into())
}

pub(crate) fn failed(vm_id: VmId, pc: u64, reason: CompileFailure) -> Happening {
    (vm_id, ExecutionEvent::CompilationFailed { pc, phys: phys_of(pc), tier: Tier::Baseline, reason }.into())
}

pub(crate) fn deleted(vm_id: VmId) -> Happening {
    (vm_id, VmEvent::Deleted {}.into())
}

pub(crate) fn reset(vm_id: VmId, boots: u64) -> Happening {
    (vm_id, VmEvent::Reset { boots }.into())
}

pub(crate) fn device_failed(vm_id: VmId) -> Happening {
    (vm_id, DeviceEvent::Failed { device: "virtio-blk", name: "disk0".into(), error: "read" }.into())
}

/// An event of each type.
pub(crate) fn event(kind: EventType, vm_id: VmId) -> Happening {
    match kind {
        EventType::Execution(kind) => execution(kind, vm_id),
        EventType::Vm(kind) => vm(kind, vm_id),
        EventType::Device(DeviceEventType::Failed) => device_failed(vm_id),
        EventType::Alert(kind) => alert(kind, vm_id),
    }
}

fn alert(kind: AlertEventType, vm_id: VmId) -> Happening {
    let (name, severity, description) = ("RiscopeHartStalled".into(), "critical".into(), "It hangs.".into());
    let event = match kind {
        AlertEventType::Firing => AlertEvent::Firing { name, severity, description },
        AlertEventType::Resolved => AlertEvent::Resolved { name, severity, description },
    };
    (vm_id, event.into())
}

fn execution(kind: ExecutionEventType, vm_id: VmId) -> Happening {
    let event = match kind {
        ExecutionEventType::CodeBlockCompiled => return compiled(vm_id, 0x8020_0000, 300_000),
        ExecutionEventType::HotspotDetected => return hotspot(vm_id, 0x8020_0000),
        ExecutionEventType::CompilationFailed => return failed(vm_id, 0x8020_0000, CompileFailure::Compiler),
        ExecutionEventType::CodeBlocksInvalidated => {
            ExecutionEvent::CodeBlocksInvalidated { blocks: 3, reason: InvalidationReason::FenceI }
        }
        ExecutionEventType::CodeCacheEvicted => {
            ExecutionEvent::CodeCacheEvicted { blocks: 9, bytes: 4096, reason: EvictionReason::Capacity }
        }
    };
    (vm_id, event.into())
}

fn vm(kind: VmEventType, vm_id: VmId) -> Happening {
    let event = match kind {
        VmEventType::Created => return created(vm_id, "guest"),
        VmEventType::StateChanged => return state(vm_id, VmState::Created, VmState::Booting),
        VmEventType::BootPhaseCompleted => return phase(vm_id, BootPhase::Load, 1_000_000, 9_000_000),
        VmEventType::Reset => return reset(vm_id, 2),
        VmEventType::GuestPanicked => VmEvent::GuestPanicked { source: PanicSource::Console },
        VmEventType::HartStalled => VmEvent::HartStalled { vcpu: 1 },
        VmEventType::HartResumed => VmEvent::HartResumed { vcpu: 0 },
        VmEventType::Exited => return exited(vm_id, ExitReason::GuestFailure, 3),
        VmEventType::Deleted => return deleted(vm_id),
    };
    (vm_id, event.into())
}
