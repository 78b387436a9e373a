//! Publication of the events of one machine.

use super::{DomainEventBus, Event, VmId};

/// Publishes the events of one machine; does nothing without a bus.
#[derive(Clone, Debug, Default)]
pub struct Publisher {
    vm_id: VmId,
    bus: Option<DomainEventBus>,
}

impl Publisher {
    /// A publisher for `vm_id` on `bus`, if there is one.
    #[must_use]
    pub fn new(vm_id: VmId, bus: Option<DomainEventBus>) -> Self {
        Self { vm_id, bus }
    }

    /// Identity of the machine.
    pub fn vm_id(&self) -> VmId {
        self.vm_id
    }

    /// Publishes `event`; see [`DomainEventBus::publish`].
    #[inline]
    pub fn publish(&self, event: impl Into<Event>) {
        if let Some(bus) = &self.bus {
            bus.publish(self.vm_id, event);
        }
    }
}
