//! The power button as its host sees it.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex};

use crate::sync::lock;

/// Type of a key's event (Linux, `input-event-codes.h`, whose codes virtio uses).
pub const EV_KEY: u16 = 1;
/// Type of the event that ends a report.
const EV_SYN: u16 = 0;
/// Code of the power key.
pub const KEY_POWER: u16 = 116;

/// One event as the device passes it on (`struct virtio_input_event`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct InputEvent {
    kind: u16,
    code: u16,
    value: u32,
}

impl InputEvent {
    /// Bytes of one event.
    pub(super) const SIZE: usize = 8;

    /// What goes into guest memory.
    pub(super) fn bytes(self) -> [u8; Self::SIZE] {
        let [kind, code, value] = [u32::from(self.kind), u32::from(self.code), self.value].map(u32::to_le_bytes);
        [kind[0], kind[1], code[0], code[1], value[0], value[1], value[2], value[3]]
    }
}

/// The key goes down and up, each a report of its own.
const PRESS: [InputEvent; 4] = [
    InputEvent { kind: EV_KEY, code: KEY_POWER, value: 1 },
    InputEvent { kind: EV_SYN, code: 0, value: 0 },
    InputEvent { kind: EV_KEY, code: KEY_POWER, value: 0 },
    InputEvent { kind: EV_SYN, code: 0, value: 0 },
];

#[derive(Debug, Default)]
struct State {
    /// Whether the guest's driver has set the device up.
    driven: bool,
    events: VecDeque<InputEvent>,
}

/// Called when events are there, from the thread that pressed.
type Listener = Box<dyn Fn() + Send + Sync>;

/// A power button: the device shows it to the guest, the host presses it.
#[derive(Default)]
pub struct PowerButton {
    state: Mutex<State>,
    listener: Mutex<Option<Arc<Listener>>>,
}

impl PowerButton {
    /// Presses and releases the button. False, and nothing happens, if the guest has no
    /// driver that would notice. A press that the driver has not taken yet is not
    /// doubled.
    pub fn press(&self) -> bool {
        {
            let mut state = lock(&self.state);
            if !state.driven {
                return false;
            }
            if state.events.is_empty() {
                state.events.extend(PRESS);
            }
        }
        // Called without the lock, because the listener takes the events.
        let listener = lock(&self.listener).clone();
        if let Some(listener) = listener {
            listener();
        }
        true
    }

    /// Names who wants to know of a press; the last one wins.
    pub(crate) fn set_listener(&self, listener: impl Fn() + Send + Sync + 'static) {
        *lock(&self.listener) = Some(Arc::new(Box::new(listener)));
    }

    /// The guest's driver has set the device up, or has reset it.
    pub(super) fn set_driven(&self, driven: bool) {
        *lock(&self.state) = State { driven, events: VecDeque::new() };
    }

    /// Whether events wait for the guest.
    pub(super) fn has_events(&self) -> bool {
        !lock(&self.state).events.is_empty()
    }

    /// Takes the oldest event that waits.
    pub(super) fn take_event(&self) -> Option<InputEvent> {
        lock(&self.state).events.pop_front()
    }
}

impl fmt::Debug for PowerButton {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PowerButton").field("state", &self.state).finish_non_exhaustive()
    }
}
