//! What a machine keeps when its guest resets it: identity, counters, number of boots.
//!
//! A reset makes a new [`Machine`](crate::Machine) (memory, board and harts) of the same
//! lineage. For subscribers of the event bus and for telemetry it is the same machine:
//!
//! ```text
//!  Created ─► boot 1 ─► Reset { boots: 2 } ─► boot 2 ─► ··· ─► Exited ─► Deleted
//!             Machine::new                    Machine::reset             last handle dropped
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use riscope_core::counters::{CounterPage, DeviceInfo, EngineCounters, VmCounters};
use riscope_core::event::{ExitReason, Publisher, VmEvent, VmState};

use crate::board::MachineSpec;
use crate::device::virtio::block;
use crate::exit::MachineExit;

/// Handle to a lineage; clones share it. `Deleted` is published when the last is dropped.
#[derive(Clone, Debug)]
pub struct Lineage(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    events: Publisher,
    counters: VmCounters,
    boots: AtomicU64,
    announced: AtomicBool,
}

impl Lineage {
    /// A machine that has not booted.
    pub(crate) fn new(spec: &MachineSpec) -> Self {
        Self(Arc::new(Inner {
            events: Publisher::new(spec.vm_id, spec.bus.clone()),
            counters: counters_of(spec),
            boots: AtomicU64::new(0),
            announced: AtomicBool::new(false),
        }))
    }

    /// Publishes events of the machine.
    pub(crate) fn events(&self) -> &Publisher {
        &self.0.events
    }

    /// What telemetry reads. Counts go on over resets.
    pub fn counters(&self) -> &VmCounters {
        &self.0.counters
    }

    /// How often the machine has booted.
    pub fn boots(&self) -> u64 {
        self.0.boots.load(Ordering::Relaxed)
    }

    /// Publishes that the machine exists, or at a later boot that it was reset.
    pub(crate) fn announce_boot(&self, spec: &MachineSpec) {
        let boots = self.0.boots.fetch_add(1, Ordering::Relaxed) + 1;
        if boots > 1 {
            self.0.events.publish(VmEvent::Reset { boots });
            let (from, to) = (VmState::Stopping, VmState::Creating);
            self.0.events.publish(VmEvent::StateChanged { from, to });
            return;
        }
        self.0.announced.store(true, Ordering::Relaxed);
        self.0.events.publish(VmEvent::Created {
            name: Arc::clone(&spec.name),
            engine: spec.engine.name(),
            vcpus: u32::try_from(spec.harts).unwrap_or(u32::MAX),
            memory_bytes: spec.memory,
        });
    }

    /// A reset could not be served: the machine ends.
    pub(crate) fn reset_failed(&self) {
        let (from, to) = (VmState::Stopping, VmState::Failed);
        let code = MachineExit::Crashed.status().into();
        self.0.events.publish(VmEvent::Exited { reason: ExitReason::Error, code });
        self.0.events.publish(VmEvent::StateChanged { from, to });
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if *self.announced.get_mut() {
            self.events.publish(VmEvent::Deleted {});
        }
    }
}

fn counters_of(spec: &MachineSpec) -> VmCounters {
    VmCounters {
        vm_id: spec.vm_id,
        name: Arc::clone(&spec.name),
        engine_name: spec.engine.name(),
        memory_bytes: spec.memory,
        devices: spec.disk_names().into_iter().map(disk).collect(),
        harts: (0..spec.harts).map(|_| Arc::<CounterPage>::default()).collect(),
        engine: Arc::<EngineCounters>::default(),
    }
}

fn disk(name: Arc<str>) -> DeviceInfo {
    DeviceInfo { device: block::KIND, name, errors: &block::HostFault::NAMES }
}
