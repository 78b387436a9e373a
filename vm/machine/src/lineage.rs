//! Identity, counters and boot count of a machine, which survive guest resets.
//!
//! A reset creates a new [`Machine`](crate::Machine) (memory, board and harts) of the same
//! lineage. Subscribers and telemetry see a single machine:
//!
//! ```text
//!  Created ─► boot 1 ─► Reset { boots: 2 } ─► boot 2 ─► ··· ─► Exited ─► Deleted
//!             Machine::new                    Machine::reset             last handle dropped
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use riscope_core::counters::VmCounters;
use riscope_core::event::{ExitReason, Publisher, VmEvent, VmState};

use crate::board::{MachineSpec, counters_of};
use crate::exit::MachineExit;

/// Handle to a lineage; clones share it. Dropping the last one publishes `Deleted`.
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
    /// The lineage of a machine that has not booted.
    pub(crate) fn new(spec: &MachineSpec) -> Self {
        Self(Arc::new(Inner {
            events: Publisher::new(spec.vm_id, spec.bus.clone()),
            counters: counters_of(spec),
            boots: AtomicU64::new(0),
            announced: AtomicBool::new(false),
        }))
    }

    /// Publisher of the machine's events.
    pub(crate) fn events(&self) -> &Publisher {
        &self.0.events
    }

    /// Counters of the machine, which continue over resets.
    pub fn counters(&self) -> &VmCounters {
        &self.0.counters
    }

    /// Number of boots.
    pub fn boots(&self) -> u64 {
        self.0.boots.load(Ordering::Relaxed)
    }

    /// Publishes the creation of the machine or, for later boots, its reset.
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

    /// Publishes the end of a machine whose reset could not be served.
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
