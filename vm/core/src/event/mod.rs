//! Domain events: what happened, in the vocabulary of the product.
//!
//! One family per file. Whoever knows of a fact publishes it on the
//! [`DomainEventBus`]; what it means for a metric, a span or a log line is decided
//! by subscribers. Facts that happen millions of times a second are counters
//! ([`crate::counters`]), not events.

mod bus;
mod device;
mod execution;
mod label;
mod vm;

use std::fmt;

pub use bus::{BusStats, DomainEventBus, Filter, SubscriberStats, Subscription};
pub use device::DeviceEvent;
pub use execution::{CompileFailure, ExecutionEvent, FlushReason, InvalidationReason, Tier, Trigger};
pub(crate) use label::labels;
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
    /// Every [`Event::event_type`], in the order of [`Event::type_index`].
    pub const TYPES: [&'static str; 11] = [
        "execution.code_block_compiled",
        "execution.hotspot_detected",
        "execution.compilation_failed",
        "execution.code_blocks_invalidated",
        "execution.code_cache_flushed",
        "vm.created",
        "vm.state_changed",
        "vm.boot_phase_completed",
        "vm.exited",
        "vm.deleted",
        "device.failed",
    ];

    /// The family it belongs to.
    pub fn family(&self) -> Family {
        match self {
            Self::Execution(_) => Family::Execution,
            Self::Vm(_) => Family::Vm,
            Self::Device(_) => Family::Device,
        }
    }

    /// Stable name, `family.what_happened`.
    pub fn event_type(&self) -> &'static str {
        Self::TYPES[self.type_index()]
    }

    /// Position of [`Event::event_type`] in [`Event::TYPES`].
    pub fn type_index(&self) -> usize {
        match self {
            Self::Execution(event) => event.type_index(),
            Self::Vm(event) => event.type_index(),
            Self::Device(event) => event.type_index(),
        }
    }

    /// The machine it happened in.
    pub fn vm_id(&self) -> VmId {
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
    /// Position among all events published on the bus, from 0.
    pub sequence: u64,
    /// Nanoseconds on the process's monotonic clock, see [`monotonic_ns`].
    pub monotonic_ns: u64,
    /// Nanoseconds since the Unix epoch.
    pub wall_ns: u64,
    /// What happened.
    pub event: Event,
}

/// Nanoseconds since the first call in this process; the clock of event times.
pub fn monotonic_ns() -> u64 {
    static ORIGIN: std::sync::LazyLock<std::time::Instant> = std::sync::LazyLock::new(std::time::Instant::now);
    u64::try_from(ORIGIN.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
