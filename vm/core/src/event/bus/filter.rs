//! Event filters of subscribers.

use crate::event::{Envelope, EventType, Family, VmId};

/// Selects the events that a subscriber receives; all of them by default.
///
/// Families and types are bit sets. Publishers do not test them: a table says for each type and
/// each machine who gets an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    families: Option<u32>,
    types: Option<u32>,
    vm: Option<VmId>,
}

impl Filter {
    /// Selects every event.
    pub fn all() -> Self {
        Self::default()
    }

    /// Restricts to these families.
    #[must_use]
    pub fn families(mut self, families: &[Family]) -> Self {
        self.families = Some(families.iter().fold(0, |mask, family| mask | 1 << family.index()));
        self
    }

    /// Restricts to these types. [`EventType::from_name`] converts names.
    #[must_use]
    pub fn types(mut self, types: &[EventType]) -> Self {
        self.types = Some(types.iter().fold(0, |mask, kind| mask | 1 << kind.index()));
        self
    }

    /// Restricts to events of this machine.
    #[must_use]
    pub fn vm(mut self, vm: VmId) -> Self {
        self.vm = Some(vm);
        self
    }

    /// Whether the filter selects the event in `envelope`.
    pub fn matches(&self, envelope: &Envelope) -> bool {
        self.selects(envelope.event.kind()) && self.vm.is_none_or(|vm| vm == envelope.vm_id)
    }

    /// Whether the filter selects events of this type, of the machine that it selects.
    pub(super) fn selects(&self, kind: EventType) -> bool {
        self.families.is_none_or(|mask| mask & 1 << kind.family().index() != 0)
            && self.types.is_none_or(|mask| mask & 1 << kind.index() != 0)
    }

    /// The machine, unless the filter selects all.
    pub(super) fn machine(&self) -> Option<VmId> {
        self.vm
    }
}

const _: () = assert!(EventType::ALL.len() <= u32::BITS as usize && Family::ALL.len() <= u32::BITS as usize);
