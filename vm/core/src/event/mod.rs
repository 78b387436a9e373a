//! Domain events: what happened, in the vocabulary of the product.
//!
//! One family per file. Whoever knows of a fact publishes it on the
//! [`DomainEventBus`]; what it means for a metric, a span or a log line is decided
//! by subscribers. Facts that happen millions of times a second are counters
//! ([`crate::counters`]), not events.
//!
//! | file | holds |
//! |---|---|
//! | `execution.rs` | what the engine does with guest code |
//! | `vm.rs` | the life of a machine |
//! | `device.rs` | trouble of devices |
//! | `bus/` | how events reach subscribers |
//! | `time.rs` | their clocks |
//!
//! To add an event: a variant in its family and a row of [`EventType`]; the
//! compiler then points at every subscriber that has to decide about it.

mod bus;
mod device;
mod execution;
mod time;
mod vm;

use std::fmt;

use crate::label::labels;

pub use bus::{BusStats, DomainEventBus, Filter, Received, SubscriberStats, Subscription};
pub use device::DeviceEvent;
pub use execution::{CompileFailure, ExecutionEvent, FlushReason, InvalidationReason, Tier, Trigger};
pub use time::{monotonic_ns, wall_ns};
pub use vm::{BootPhase, ExitReason, VmEvent, VmState};

/// Identity of a machine within one process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VmId(pub u64);

impl fmt::Display for VmId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

labels! {
    /// Families of events; filters select by them.
    pub enum Family {
        /// The engine: compilation and hotspots.
        Execution "execution",
        /// Machine lifecycle.
        Vm "vm",
        /// Devices.
        Device "device",
    }
}

labels! {
    /// Every type of event.
    pub enum EventType {
        /// [`ExecutionEvent::CodeBlockCompiled`]
        CodeBlockCompiled "execution.code_block_compiled",
        /// [`ExecutionEvent::HotspotDetected`]
        HotspotDetected "execution.hotspot_detected",
        /// [`ExecutionEvent::CompilationFailed`]
        CompilationFailed "execution.compilation_failed",
        /// [`ExecutionEvent::CodeBlocksInvalidated`]
        CodeBlocksInvalidated "execution.code_blocks_invalidated",
        /// [`ExecutionEvent::CodeCacheFlushed`]
        CodeCacheFlushed "execution.code_cache_flushed",
        /// [`VmEvent::Created`]
        VmCreated "vm.created",
        /// [`VmEvent::StateChanged`]
        VmStateChanged "vm.state_changed",
        /// [`VmEvent::BootPhaseCompleted`]
        BootPhaseCompleted "vm.boot_phase_completed",
        /// [`VmEvent::Exited`]
        VmExited "vm.exited",
        /// [`VmEvent::Deleted`]
        VmDeleted "vm.deleted",
        /// [`DeviceEvent::Failed`]
        DeviceFailed "device.failed",
    }
}

impl EventType {
    /// The family of events of this type.
    pub const fn family(self) -> Family {
        match self {
            Self::CodeBlockCompiled
            | Self::HotspotDetected
            | Self::CompilationFailed
            | Self::CodeBlocksInvalidated
            | Self::CodeCacheFlushed => Family::Execution,
            Self::VmCreated | Self::VmStateChanged | Self::BootPhaseCompleted | Self::VmExited | Self::VmDeleted => {
                Family::Vm
            }
            Self::DeviceFailed => Family::Device,
        }
    }
}

/// Anything that can happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// In the engine.
    Execution(ExecutionEvent),
    /// In a machine's life.
    Vm(VmEvent),
    /// In a device.
    Device(DeviceEvent),
}

impl Event {
    /// Every [`Event::event_type`], in the order of [`EventType::ALL`].
    pub const TYPES: [&'static str; EventType::ALL.len()] = EventType::NAMES;

    /// Which event it is.
    pub const fn kind(&self) -> EventType {
        match self {
            Self::Execution(event) => event.kind(),
            Self::Vm(event) => event.kind(),
            Self::Device(event) => event.kind(),
        }
    }

    /// The family it belongs to.
    pub const fn family(&self) -> Family {
        match self {
            Self::Execution(_) => Family::Execution,
            Self::Vm(_) => Family::Vm,
            Self::Device(_) => Family::Device,
        }
    }

    /// Stable name, `family.what_happened`.
    pub const fn event_type(&self) -> &'static str {
        self.kind().as_str()
    }

    /// The machine it happened in.
    pub const fn vm_id(&self) -> VmId {
        match self {
            Self::Execution(event) => event.vm_id(),
            Self::Vm(event) => event.vm_id(),
            Self::Device(event) => event.vm_id(),
        }
    }
}

impl From<ExecutionEvent> for Event {
    fn from(event: ExecutionEvent) -> Self {
        Self::Execution(event)
    }
}

impl From<VmEvent> for Event {
    fn from(event: VmEvent) -> Self {
        Self::Vm(event)
    }
}

impl From<DeviceEvent> for Event {
    fn from(event: DeviceEvent) -> Self {
        Self::Device(event)
    }
}

/// An event with the circumstances of its publication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Position among all events published on the bus, from 0; what a subscriber
    /// does not see leaves gaps.
    pub sequence: u64,
    /// Nanoseconds on the clock of [`monotonic_ns`].
    pub monotonic_ns: u64,
    /// Nanoseconds since the Unix epoch.
    pub wall_ns: u64,
    /// What happened.
    pub event: Event,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_event_types_begin_with_their_family() {
        for kind in EventType::ALL {
            let (family, name) = kind.as_str().split_once('.').expect("a dot after the family");
            assert_eq!(family, kind.family().as_str());
            assert!(name.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{name}");
        }
    }

    #[test]
    fn events_know_their_type_family_and_machine() {
        let event = Event::from(ExecutionEvent::CodeBlockCompiled {
            vm_id: VmId(7),
            pc: 0x8000_0000,
            phys: 0x8000_0000,
            block_size: 64,
            instructions: 16,
            host_size: 256,
            tier: Tier::Baseline,
            trigger: Trigger::Hot,
            queue_wait_ns: 1,
            compile_ns: 2,
        });
        assert_eq!(event.event_type(), "execution.code_block_compiled");
        assert_eq!(event.family(), Family::Execution);
        assert_eq!(event.vm_id(), VmId(7));
        assert_eq!(event.vm_id().to_string(), "7");
        let event = Event::from(DeviceEvent::Failed { vm_id: VmId(8), device: "virtio-blk", error: "read" });
        assert_eq!((event.event_type(), event.family(), event.vm_id()), ("device.failed", Family::Device, VmId(8)));
        let event = Event::from(VmEvent::Deleted { vm_id: VmId(9) });
        assert_eq!((event.event_type(), event.family(), event.vm_id()), ("vm.deleted", Family::Vm, VmId(9)));
    }

    #[test]
    fn an_envelope_fits_two_cache_lines() {
        assert!(size_of::<Envelope>() <= 128, "{} bytes", size_of::<Envelope>());
    }
}
