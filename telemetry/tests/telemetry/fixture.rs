//! Machines, engines and events for tests.

use std::sync::Arc;
use std::time::Duration;

use riscope_core::counters::VmCounters;
use riscope_core::event::{
    BootPhase, CompileFailure, DeviceEvent, DomainEventBus, Event, EventType, ExecutionEvent, ExitReason, FlushReason,
    InvalidationReason, Tier, Trigger, VmEvent, VmId, VmState,
};
use riscope_telemetry::{Telemetry, TelemetryConfig};

use crate::exposition::Exposition;

/// Longest time that a test waits for something that has to come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A bus with telemetry.
pub(crate) struct Fixture {
    pub(crate) bus: DomainEventBus,
    pub(crate) telemetry: Telemetry,
}

impl Fixture {
    /// With this configuration, and whatever the variables of the developer's shell say.
    pub(crate) fn new(config: TelemetryConfig) -> Self {
        Self::in_environment(TelemetryConfig { read_environment: false, ..config })
    }

    /// With this configuration and what the environment adds to it.
    pub(crate) fn in_environment(config: TelemetryConfig) -> Self {
        let bus = DomainEventBus::new();
        let telemetry = Telemetry::start(&bus, config).expect("telemetry starts");
        Self { bus, telemetry }
    }

    /// Publishes, and waits until it is counted.
    pub(crate) fn publish(&self, events: impl IntoIterator<Item = Event>) {
        for event in events {
            self.bus.publish(event);
        }
        assert!(self.telemetry.flush(PATIENCE), "events are not handled");
    }

    /// A scrape in the older format.
    pub(crate) fn scrape(&self) -> Exposition {
        let (content_type, body) = self.telemetry.render(None);
        assert_eq!(content_type, "text/plain; version=0.0.4; charset=utf-8");
        Exposition::parse_text(std::str::from_utf8(&body).expect("UTF-8"))
    }

    /// A scrape in the older format as it comes, for messages.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.telemetry.render(None).1).into_owned()
    }

    /// A scrape in the newer format.
    pub(crate) fn scrape_open_metrics(&self) -> Exposition {
        let (content_type, body) = self.telemetry.render(Some("application/openmetrics-text;version=1.0.0"));
        assert_eq!(content_type, "application/openmetrics-text; version=1.0.0; charset=utf-8");
        Exposition::parse_open_metrics(std::str::from_utf8(&body).expect("UTF-8"))
    }
}

/// Counters of a machine with `harts` harts.
pub(crate) fn counters(vm_id: VmId, name: &str, harts: usize) -> VmCounters {
    VmCounters {
        vm_id,
        name: name.into(),
        engine_name: "tiered",
        memory_bytes: 1 << 28,
        harts: (0..harts).map(|_| Arc::default()).collect(),
        engine: Arc::default(),
    }
}

pub(crate) fn created(vm_id: VmId, name: &str) -> Event {
    VmEvent::Created { vm_id, name: name.into(), engine: "tiered", vcpus: 2, memory_bytes: 1 << 28 }.into()
}

pub(crate) fn state(vm_id: VmId, from: VmState, to: VmState) -> Event {
    VmEvent::StateChanged { vm_id, from, to }.into()
}

pub(crate) fn phase(vm_id: VmId, phase: BootPhase, start_ns: u64, end_ns: u64) -> Event {
    VmEvent::BootPhaseCompleted { vm_id, phase, start_ns, end_ns }.into()
}

pub(crate) fn exited(vm_id: VmId, reason: ExitReason, code: i32) -> Event {
    VmEvent::Exited { vm_id, reason, code }.into()
}

/// Where the tests' guests have their virtual addresses.
fn phys_of(pc: u64) -> u64 {
    0x8000_0000 + (pc & 0xffff_ffff)
}

pub(crate) fn hotspot(vm_id: VmId, pc: u64) -> Event {
    hotspot_at(vm_id, pc, phys_of(pc))
}

pub(crate) fn hotspot_at(vm_id: VmId, pc: u64, phys: u64) -> Event {
    let (from, to) = (Tier::Interpreter, Tier::Baseline);
    ExecutionEvent::HotspotDetected { vm_id, vcpu: 1, pc, phys, execution_count: 32, from, to }.into()
}

pub(crate) fn compiled(vm_id: VmId, pc: u64, compile_ns: u64) -> Event {
    compiled_at(vm_id, pc, phys_of(pc), compile_ns)
}

pub(crate) fn compiled_at(vm_id: VmId, pc: u64, phys: u64, compile_ns: u64) -> Event {
    let event = ExecutionEvent::CodeBlockCompiled {
        vm_id,
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
    event.into()
}

pub(crate) fn failed(vm_id: VmId, pc: u64, reason: CompileFailure) -> Event {
    ExecutionEvent::CompilationFailed { vm_id, pc, phys: phys_of(pc), tier: Tier::Baseline, reason }.into()
}

/// An event of each type.
pub(crate) fn event(kind: EventType, vm_id: VmId) -> Event {
    match kind {
        EventType::CodeBlockCompiled => compiled(vm_id, 0x8020_0000, 300_000),
        EventType::HotspotDetected => hotspot(vm_id, 0x8020_0000),
        EventType::CompilationFailed => failed(vm_id, 0x8020_0000, CompileFailure::Compiler),
        EventType::CodeBlocksInvalidated => {
            ExecutionEvent::CodeBlocksInvalidated { vm_id, blocks: 3, reason: InvalidationReason::FenceI }.into()
        }
        EventType::CodeCacheFlushed => {
            ExecutionEvent::CodeCacheFlushed { vm_id, blocks: 9, bytes: 4096, reason: FlushReason::Full }.into()
        }
        EventType::VmCreated => created(vm_id, "guest"),
        EventType::VmStateChanged => state(vm_id, VmState::Created, VmState::Booting),
        EventType::BootPhaseCompleted => phase(vm_id, BootPhase::Load, 1_000_000, 9_000_000),
        EventType::VmExited => exited(vm_id, ExitReason::Poweroff, 0),
        EventType::VmDeleted => VmEvent::Deleted { vm_id }.into(),
        EventType::DeviceFailed => DeviceEvent::Failed { vm_id, device: "virtio-blk", error: "read" }.into(),
    }
}
