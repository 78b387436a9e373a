//! Input device with the single key `KEY_POWER`.
//!
//! Drivers query its properties by writing `select` and `subsel` in the configuration space
//! and reading `size` and that many bytes (section 5.8.4).

use std::sync::Arc;

use riscope_core::mem::GuestMemory;

use super::button::{EV_KEY, InputEvent, KEY_POWER, PowerButton};
use crate::device::virtio::{QueueError, VirtQueue, VirtioDevice};

const DEVICE_ID: u32 = 18;

/// Index of the event queue, which carries events to the guest.
pub const EVENT_QUEUE: usize = 0;

/// Size of both queues, all of which Linux fills.
const QUEUE_SIZE: u16 = 64;

/// Device name, as guests show it.
const NAME: &[u8] = b"riscope power button";
/// `struct virtio_input_devids`: virtual bus, no vendor, product or version.
const DEVICE_IDS: [u8; 8] = [6, 0, 0, 0, 0, 0, 0, 0];

/// Values of `select`.
mod select {
    pub(super) const ID_NAME: u8 = 1;
    pub(super) const ID_DEVIDS: u8 = 3;
    pub(super) const EV_BITS: u8 = 0x11;
}

/// Offsets in the configuration space.
const SELECT: u64 = 0;
const SUBSEL: u64 = 1;
/// `select`, `subsel`, `size` and five reserved bytes.
const HEAD: usize = 8;

/// Virtio input device.
#[derive(Debug)]
pub struct InputDevice {
    button: Arc<PowerButton>,
    select: u8,
    subsel: u8,
}

impl InputDevice {
    /// A device that presents `button`. Its owner must process [`EVENT_QUEUE`] when the
    /// button is pressed.
    pub fn new(button: Arc<PowerButton>) -> Self {
        Self { button, select: 0, subsel: 0 }
    }

    /// Response to the query in `select` and `subsel`; empty if there is none.
    fn answer(&self) -> Vec<u8> {
        match (self.select, self.subsel) {
            (select::ID_NAME, 0) => NAME.to_vec(),
            (select::ID_DEVIDS, 0) => DEVICE_IDS.to_vec(),
            (select::EV_BITS, kind) if u16::from(kind) == EV_KEY => {
                let (byte, bit) = (usize::from(KEY_POWER / 8), KEY_POWER % 8);
                let mut bitmap = vec![0; byte + 1];
                bitmap[byte] = 1 << bit;
                bitmap
            }
            _ => Vec::new(),
        }
    }

    fn pass_events(&self, queue: &mut VirtQueue, memory: &GuestMemory) -> Result<bool, QueueError> {
        let mut used = false;
        for _ in 0..queue.size() {
            if !self.button.has_events() {
                break;
            }
            let Some(chain) = queue.pop(memory)? else { break };
            // A buffer too small for an event is returned empty.
            let event = (chain.writable.len() >= InputEvent::SIZE).then(|| self.button.take_event()).flatten();
            let written = event.map_or(0, |event| chain.writable.copy_from(&event.bytes()));
            queue.push_used(memory, chain.head, written)?;
            used = true;
        }
        Ok(used)
    }
}

impl VirtioDevice for InputDevice {
    fn device_id(&self) -> u32 {
        DEVICE_ID
    }

    fn features(&self) -> u64 {
        0
    }

    fn queue_sizes(&self) -> &'static [u16] {
        &[QUEUE_SIZE, QUEUE_SIZE]
    }

    fn config(&self) -> Vec<u8> {
        let answer = self.answer();
        let mut config = vec![0; HEAD];
        config[0] = self.select;
        config[1] = self.subsel;
        // Responses are shorter than the 128 bytes available.
        config[2] = u8::try_from(answer.len()).unwrap_or(u8::MAX);
        config.extend(answer);
        config
    }

    fn write_config(&mut self, offset: u64, value: u8) {
        match offset {
            SELECT => self.select = value,
            SUBSEL => self.subsel = value,
            _ => {}
        }
    }

    fn activate(&mut self, _features: u64) {
        self.button.set_driven(true);
    }

    fn process(&mut self, index: usize, queue: &mut VirtQueue, memory: &GuestMemory) -> Result<bool, QueueError> {
        if index == EVENT_QUEUE {
            return self.pass_events(queue, memory);
        }
        // Status reports, such as keyboard LEDs, have no meaning for a button.
        let mut used = false;
        for _ in 0..queue.size() {
            let Some(chain) = queue.pop(memory)? else { break };
            queue.push_used(memory, chain.head, 0)?;
            used = true;
        }
        Ok(used)
    }

    fn reset(&mut self) {
        self.button.set_driven(false);
        (self.select, self.subsel) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::virtio::testing::{Driver, WRITE, memory};

    fn device() -> (InputDevice, Arc<PowerButton>) {
        let button = Arc::<PowerButton>::default();
        (InputDevice::new(Arc::clone(&button)), button)
    }

    /// Queries the device like a driver.
    fn ask(device: &mut InputDevice, select: u8, subsel: u8) -> Vec<u8> {
        device.write_config(SELECT, select);
        device.write_config(SUBSEL, subsel);
        let config = device.config();
        assert_eq!(config[..2], [select, subsel]);
        let size = usize::from(config[2]);
        config[HEAD..HEAD + size].to_vec()
    }

    #[test]
    fn a_driver_learns_of_one_key() {
        let (mut device, _) = device();
        assert_eq!(ask(&mut device, 1, 0), NAME);
        let keys = ask(&mut device, 0x11, 1);
        let pressed: Vec<usize> = (0..keys.len() * 8).filter(|bit| keys[bit / 8] >> (bit % 8) & 1 != 0).collect();
        assert_eq!(pressed, [116]);
        for (select, subsel) in [(0, 0), (2, 0), (0x10, 0), (0x11, 0), (0x11, 2), (0x12, 0), (0xff, 0xff)] {
            assert_eq!(ask(&mut device, select, subsel), [], "{select:#x} {subsel:#x}");
        }
    }

    #[test]
    fn a_press_is_four_events_in_as_many_buffers() {
        let ram = memory();
        let (mut device, button) = device();
        let mut driver = Driver::new(&ram, 8);
        let mut queue = driver.queue();
        device.activate(0);
        assert!(button.press());
        assert!(button.press(), "a press that waits is not doubled");
        let mut events = Vec::new();
        for _ in 0..3 {
            for head in [0, 1] {
                driver.describe(head, driver.buffer(u64::from(head) * 0x100), 8, WRITE, 0);
                driver.offer(head);
            }
            device.process(EVENT_QUEUE, &mut queue, ram.memory()).unwrap();
            for (head, written) in driver.used() {
                assert_eq!(written, 8);
                events.push(driver.read(driver.buffer(u64::from(head) * 0x100), 8));
            }
        }
        let (down, up, end) = ([1, 0, 116, 0, 1, 0, 0, 0], [1, 0, 116, 0, 0, 0, 0, 0], [0; 8]);
        assert_eq!(events, [down, end, up, end]);
    }

    #[test]
    fn a_button_without_a_driver_cannot_be_pressed() {
        let (mut device, button) = device();
        assert!(!button.press());
        device.activate(0);
        assert!(button.press());
        device.reset();
        assert!(!button.press());
        device.activate(0);
        assert!(!button.has_events(), "presses from before a reset are gone");
    }

    #[test]
    fn buffers_that_are_too_small_cost_no_event() {
        let ram = memory();
        let (mut device, button) = device();
        let mut driver = Driver::new(&ram, 8);
        let mut queue = driver.queue();
        device.activate(0);
        button.press();
        for (head, len) in [(0, 7), (1, 8)] {
            driver.describe(head, driver.buffer(u64::from(head) * 0x100), len, WRITE, 0);
            driver.offer(head);
        }
        assert_eq!(device.process(EVENT_QUEUE, &mut queue, ram.memory()), Ok(true));
        assert_eq!(driver.used(), [(0, 0), (1, 8)]);
        assert_eq!(driver.read(driver.buffer(0x100), 3), [1, 0, 116]);
    }
}
