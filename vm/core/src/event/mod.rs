//! Domain events: what happened in a machine, in terms of the product.
//!
//! The code that knows a fact publishes it on the [`DomainEventBus`]; subscribers turn it
//! into metrics, spans and log records. Facts that occur millions of times a second are
//! counters instead ([`crate::counters`]).
//!
//! | file | holds |
//! |---|---|
//! | `execution.rs` | engine: compilation, hotspots, invalidation |
//! | `vm.rs` | lifecycle and health of a machine |
//! | `device.rs` | failures of devices |
//! | `alert.rs` | alerts that are evaluated in process |
//! | `family.rs` | the macro that declares a family |
//! | `id.rs` | identity of machines |
//! | `bus/` | delivery to subscribers |
//! | `limit.rs` | rate limit of publishers that have too much to tell |
//! | `publisher.rs` | publishing on behalf of one machine |
//! | `recorder.rs` | flight recorder: the last events of each machine |
//! | `time.rs` | clocks |
//!
//! To add an event, add a row to its family; the compiler then reports every subscriber
//! that must handle it. To add a family, add its file and a row in `families!` below.

mod alert;
mod bus;
mod device;
mod execution;
mod family;
mod id;
mod limit;
mod publisher;
mod recorder;
mod time;
mod vm;

use std::hash::{Hash, Hasher};

use rustc_hash::FxHasher;

use crate::field::Field;
pub use alert::{AlertEvent, AlertEventType};
pub use bus::{
    BusStats, DomainEventBus, EventStream, Filter, Iter, Queue, Received, SubscriberStats, Subscription, WhenFull,
};
pub use device::{DeviceEvent, DeviceEventType};
pub use execution::{
    CompileFailure, EvictionReason, ExecutionEvent, ExecutionEventType, InvalidationReason, Tier, Trigger,
};
pub use id::{ParseVmIdError, VmId};
pub use limit::RateLimit;
pub use publisher::Publisher;
pub use recorder::{FlightRecorder, Limits as RecorderLimits};
pub use time::{monotonic_ns, wall_ns};
pub use vm::{BootPhase, ExitReason, PanicSource, VmEvent, VmEventType, VmState};

/// Declares the families: label, event enum, event-type enum.
macro_rules! families {
    ($($(#[$doc:meta])* $family:ident $label:literal $event:ident $kind:ident,)*) => {
        crate::labels! {
            /// Families of events, by which filters select.
            pub enum Family {
                $($(#[$doc])* $family $label,)*
            }
        }

        /// An event of any family.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Event {
            $($(#[$doc])* $family($event),)*
        }

        /// Type of an event of any family.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum EventType {
            $($(#[$doc])* $family($kind),)*
        }

        impl EventType {
            const COUNT: usize = 0 $(+ $kind::ALL.len())*;

            /// All types, by family, in order of declaration.
            pub const ALL: [Self; Self::COUNT] = {
                let mut all = [Self::Execution(ExecutionEventType::ALL[0]); Self::COUNT];
                let mut next = 0;
                $(
                    let mut index = 0;
                    while index < $kind::ALL.len() {
                        all[next] = Self::$family($kind::ALL[index]);
                        next += 1;
                        index += 1;
                    }
                )*
                all
            };

            /// Family of events of this type.
            pub const fn family(self) -> Family {
                match self {
                    $(Self::$family(_) => Family::$family,)*
                }
            }

            /// Stable name, `family.what_happened`.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$family(kind) => kind.as_str(),)*
                }
            }

            /// Position in [`Self::ALL`].
            pub const fn index(self) -> usize {
                let mut before = 0;
                $(
                    if let Self::$family(kind) = self {
                        return before + kind.index();
                    }
                    before += $kind::ALL.len();
                )*
                before
            }
        }

        impl Event {
            /// Type of the event.
            pub const fn kind(&self) -> EventType {
                match self {
                    $(Self::$family(event) => EventType::$family(event.kind()),)*
                }
            }

            /// An event of this type with default fields: 0, an empty name, the first label
            /// of a set. For tests of subscribers, which must handle every type.
            pub fn blank(kind: EventType) -> Self {
                match kind {
                    $(EventType::$family(kind) => Self::$family($event::blank(kind)),)*
                }
            }

            /// Calls `visit` with the name and value of each field, in order of declaration.
            pub fn visit_fields(&self, visit: &mut dyn FnMut(&'static str, Field<'_>)) {
                match self {
                    $(Self::$family(event) => event.visit_fields(visit),)*
                }
            }

            /// Feeds what the event is coalesced by into `hasher`; false if it is not coalesced.
            fn hash_subject(&self, hasher: &mut impl Hasher) -> bool {
                match self {
                    $(Self::$family(event) => event.hash_subject(hasher),)*
                }
            }

            /// Whether the two may be coalesced.
            fn has_subject_of(&self, other: &Self) -> bool {
                match (self, other) {
                    $((Self::$family(event), Self::$family(other)) => event.has_subject_of(other),)*
                    _ => false,
                }
            }

            /// Makes the event stand also for `older`, which has the same subject.
            fn add(&mut self, older: &Self) {
                match (self, older) {
                    $((Self::$family(event), Self::$family(older)) => event.add(older),)*
                    _ => {}
                }
            }
        }

        $(
            impl From<$event> for Event {
                fn from(event: $event) -> Self {
                    Self::$family(event)
                }
            }

            impl From<$kind> for EventType {
                fn from(kind: $kind) -> Self {
                    Self::$family(kind)
                }
            }
        )*
    };
}

families! {
    /// Engine: compilation and hotspots.
    Execution "execution" ExecutionEvent ExecutionEventType,
    /// Lifecycle and health of machines.
    Vm "vm" VmEvent VmEventType,
    /// Devices.
    Device "device" DeviceEvent DeviceEventType,
    /// Alerts evaluated in process.
    Alert "alert" AlertEvent AlertEventType,
}

impl EventType {
    /// All names, in the order of [`Self::ALL`].
    pub const NAMES: [&'static str; Self::COUNT] = {
        let mut names = [""; Self::COUNT];
        let mut index = 0;
        while index < Self::COUNT {
            names[index] = Self::ALL[index].as_str();
            index += 1;
        }
        names
    };

    /// The type with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

impl Event {
    /// Family of the event.
    pub const fn family(&self) -> Family {
        self.kind().family()
    }

    /// Stable name, `family.what_happened`.
    pub const fn event_type(&self) -> &'static str {
        self.kind().as_str()
    }
}

/// An event with the circumstances of its publication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Position among all events published on the bus, from 0. Gaps are events that the
    /// subscriber did not receive.
    pub sequence: u64,
    /// Time on the clock of [`monotonic_ns`], in nanoseconds.
    pub monotonic_ns: u64,
    /// Time since the Unix epoch, in nanoseconds.
    pub wall_ns: u64,
    /// Machine that it concerns.
    pub vm_id: VmId,
    /// The event.
    pub event: Event,
    /// Number of events that it stands for: 1, unless the subscriber's queue coalesces events.
    /// The envelope is that of the newest one.
    pub count: u32,
}

impl bus::Coalesce for Envelope {
    fn subject(&self) -> Option<u64> {
        let mut hasher = FxHasher::default();
        self.vm_id.hash(&mut hasher);
        self.event.hash_subject(&mut hasher).then(|| hasher.finish())
    }

    fn has_subject_of(&self, other: &Self) -> bool {
        self.vm_id == other.vm_id && self.event.has_subject_of(&other.event)
    }

    fn add(&mut self, older: &Self) {
        self.count = self.count.saturating_add(older.count);
        self.event.add(&older.event);
    }

    fn place(&self) -> u64 {
        self.sequence
    }
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
    fn types_know_their_position_and_name() {
        for (position, kind) in EventType::ALL.into_iter().enumerate() {
            assert_eq!(kind.index(), position);
            assert_eq!(EventType::NAMES[position], kind.as_str());
            assert_eq!(EventType::from_name(kind.as_str()), Some(kind));
            assert_eq!(Event::blank(kind).kind(), kind);
        }
        assert_eq!(EventType::from_name("vm.vanished"), None);
    }

    #[test]
    fn events_know_their_type_and_family() {
        let event =
            Event::from(ExecutionEvent::CodeBlocksInvalidated { blocks: 1, reason: InvalidationReason::FenceI });
        assert_eq!((event.event_type(), event.family()), ("execution.code_blocks_invalidated", Family::Execution));
        let event = Event::from(DeviceEvent::Failed { device: "virtio-blk", name: "disk0".into(), error: "read" });
        assert_eq!((event.event_type(), event.family()), ("device.failed", Family::Device));
        let event = Event::from(VmEvent::Deleted {});
        assert_eq!((event.event_type(), event.family()), ("vm.deleted", Family::Vm));
    }

    #[test]
    fn an_envelope_fits_two_cache_lines() {
        assert!(size_of::<Envelope>() <= 128, "{} bytes", size_of::<Envelope>());
    }
}
