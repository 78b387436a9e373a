//! Power button, pressed by the host.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex};

use crate::sync::lock;

/// Event type of keys (Linux `input-event-codes.h`, whose codes virtio uses).
pub const EV_KEY: u16 = 1;
/// Event type that ends a report.
const EV_SYN: u16 = 0;
/// Key code of the power key.
pub const KEY_POWER: u16 = 116;

/// Input event in device order (`struct virtio_input_event`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct InputEvent {
    kind: u16,
    code: u16,
    value: u32,
}

impl InputEvent {
    /// Size of an event in bytes.
    pub(super) const SIZE: usize = 8;

    /// Encoding in guest memory.
    pub(super) fn bytes(self) -> [u8; Self::SIZE] {
        let [kind, code, value] = [u32::from(self.kind), u32::from(self.code), self.value].map(u32::to_le_bytes);
        [kind[0], kind[1], code[0], code[1], value[0], value[1], value[2], value[3]]
    }
}

/// Press and release, each in its own report.
const PRESS: [InputEvent; 4] = [
    InputEvent { kind: EV_KEY, code: KEY_POWER, value: 1 },
    InputEvent { kind: EV_SYN, code: 0, value: 0 },
    InputEvent { kind: EV_KEY, code: KEY_POWER, value: 0 },
    InputEvent { kind: EV_SYN, code: 0, value: 0 },
];

#[derive(Debug, Default)]
struct State {
    /// Whether the guest's driver has initialised the device.
    driven: bool,
    events: VecDeque<InputEvent>,
}

/// Callback for new events, called on the thread that presses.
type Listener = Box<dyn Fn() + Send + Sync>;

/// Power button: the device presents it to the guest, the host presses it.
#[derive(Default)]
pub struct PowerButton {
    state: Mutex<State>,
    listener: Mutex<Option<Arc<Listener>>>,
}

impl PowerButton {
    /// Presses and releases the button. Returns false, without effect, if the guest has no
    /// driver for it. A press that the driver has not taken yet is not repeated.
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

    /// Sets the callback for presses, replacing any previous one.
    pub(crate) fn set_listener(&self, listener: impl Fn() + Send + Sync + 'static) {
        *lock(&self.listener) = Some(Arc::new(Box::new(listener)));
    }

    /// Records that the guest's driver has initialised or reset the device.
    pub(super) fn set_driven(&self, driven: bool) {
        *lock(&self.state) = State { driven, events: VecDeque::new() };
    }

    /// Whether events are queued.
    pub(super) fn has_events(&self) -> bool {
        !lock(&self.state).events.is_empty()
    }

    /// Takes the oldest queued event.
    pub(super) fn take_event(&self) -> Option<InputEvent> {
        lock(&self.state).events.pop_front()
    }
}

impl fmt::Debug for PowerButton {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PowerButton").field("state", &self.state).finish_non_exhaustive()
    }
}
