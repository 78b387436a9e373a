//! Console device: `hvc0` of a Linux guest.
//!
//! Input is delivered when it arrives or when the driver offers buffers, whichever is
//! later.

use std::sync::Arc;

use riscope_core::mem::GuestMemory;

use crate::console::Console;
use crate::device::virtio::{Buffers, MAX_QUEUE_SIZE, QueueError, VirtQueue, VirtioDevice};

const DEVICE_ID: u32 = 3;

/// `VIRTIO_CONSOLE_F_SIZE`: the configuration space contains the terminal size.
const FEATURE_SIZE: u64 = 1;

/// Index of the receive queue, which carries input to the guest.
pub const RECEIVE_QUEUE: usize = 0;

/// Bytes copied out of guest memory at a time.
const PIECE: usize = 4096;
/// Longest output chain in bytes.
const MAX_OUTPUT: usize = 1 << 20;

/// Virtio console device.
#[derive(Debug)]
pub struct ConsoleDevice {
    console: Arc<Console>,
}

impl ConsoleDevice {
    /// A device on `console`. Its owner must process [`RECEIVE_QUEUE`] when input arrives,
    /// and notify the driver when the console's size changes.
    pub fn new(console: Arc<Console>) -> Self {
        Self { console }
    }

    fn receive(&self, queue: &mut VirtQueue, memory: &GuestMemory) -> Result<bool, QueueError> {
        let mut used = false;
        for _ in 0..queue.size() {
            if !self.console.has_input() {
                break;
            }
            let Some(chain) = queue.pop(memory)? else { break };
            let input = self.console.take_input(chain.writable.len());
            let written = chain.writable.copy_from(&input);
            queue.push_used(memory, chain.head, written)?;
            used = true;
        }
        Ok(used)
    }

    fn transmit(&self, queue: &mut VirtQueue, memory: &GuestMemory) -> Result<bool, QueueError> {
        let mut used = false;
        for _ in 0..queue.size() {
            let Some(chain) = queue.pop(memory)? else { break };
            if chain.readable.len() > MAX_OUTPUT {
                return Err(QueueError::TooLong);
            }
            self.output(chain.readable);
            queue.push_used(memory, chain.head, 0)?;
            used = true;
        }
        Ok(used)
    }

    fn output(&self, mut data: Buffers<'_>) {
        let mut piece = [0; PIECE];
        while let Some(part) = data.split_front(PIECE.min(data.len())).filter(|part| !part.is_empty()) {
            let len = part.copy_to(&mut piece);
            self.console.output(&piece[..len]);
        }
    }
}

impl VirtioDevice for ConsoleDevice {
    fn device_id(&self) -> u32 {
        DEVICE_ID
    }

    /// One port, with its size.
    fn features(&self) -> u64 {
        FEATURE_SIZE
    }

    fn queue_sizes(&self) -> &'static [u16] {
        &[MAX_QUEUE_SIZE, MAX_QUEUE_SIZE]
    }

    /// `struct virtio_console_config`: columns and rows; the other fields belong to
    /// features that are not offered.
    fn config(&self) -> Vec<u8> {
        let size = self.console.size();
        let mut config = [size.columns.to_le_bytes(), size.rows.to_le_bytes()].concat();
        config.resize(12, 0);
        config
    }

    fn activate(&mut self, _features: u64) {}

    fn process(&mut self, index: usize, queue: &mut VirtQueue, memory: &GuestMemory) -> Result<bool, QueueError> {
        if index == RECEIVE_QUEUE { self.receive(queue, memory) } else { self.transmit(queue, memory) }
    }

    fn reset(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::{CaptureBackend, TerminalSize};
    use crate::device::virtio::testing::{Driver, NEXT, WRITE, memory};

    fn device() -> (ConsoleDevice, Arc<CaptureBackend>) {
        let capture = Arc::new(CaptureBackend::default());
        (ConsoleDevice::new(Console::new(Arc::clone(&capture) as _)), capture)
    }

    #[test]
    fn output_of_any_framing_arrives_in_order() {
        let ram = memory();
        let (mut device, capture) = device();
        let mut driver = Driver::new(&ram, 8);
        let text: String = ('a'..='z').cycle().take(10_000).collect();
        driver.write(driver.buffer(0), text.as_bytes());
        driver.describe(0, driver.buffer(0), 9_000, NEXT, 1);
        driver.describe(1, driver.buffer(9_000), 1_000, 0, 0);
        driver.offer(0);
        assert_eq!(device.process(1, &mut driver.queue(), ram.memory()), Ok(true));
        assert_eq!(capture.text(), text);
        assert_eq!(driver.used(), [(0, 0)]);
    }

    #[test]
    fn input_waits_for_buffers_and_buffers_wait_for_input() {
        let ram = memory();
        let (mut device, _) = device();
        let mut driver = Driver::new(&ram, 8);
        let mut queue = driver.queue();
        device.console.push_input(b"hello");
        assert_eq!(device.process(RECEIVE_QUEUE, &mut queue, ram.memory()), Ok(false), "no buffer");
        for (head, offset) in [(0, 0), (1, 0x100)] {
            driver.describe(head, driver.buffer(offset), 4, WRITE, 0);
            driver.offer(head);
        }
        assert_eq!(device.process(RECEIVE_QUEUE, &mut queue, ram.memory()), Ok(true));
        assert_eq!(driver.used(), [(0, 4), (1, 1)]);
        assert_eq!(driver.read(driver.buffer(0), 4), b"hell");
        assert_eq!(driver.read(driver.buffer(0x100), 1), b"o");
        driver.offer(0);
        assert_eq!(device.process(RECEIVE_QUEUE, &mut queue, ram.memory()), Ok(false), "no input");
        device.console.push_input(b"!");
        assert_eq!(device.process(RECEIVE_QUEUE, &mut queue, ram.memory()), Ok(true));
        assert_eq!(driver.used(), [(0, 1)]);
    }

    #[test]
    fn the_configuration_space_has_the_size_of_the_terminal() {
        let (device, _) = device();
        assert_eq!((device.features(), device.config()), (1, vec![0; 12]));
        device.console.set_size(TerminalSize { columns: 0x0102, rows: 0x0304 });
        assert_eq!(device.config(), [2, 1, 4, 3, 0, 0, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn absurdly_long_output_stops_the_queue() {
        let ram = memory();
        let (mut device, capture) = device();
        let mut driver = Driver::new(&ram, 32);
        for index in 0..20 {
            driver.describe(index, driver.buffer(0), 0xe000, if index < 19 { NEXT } else { 0 }, index + 1);
        }
        driver.offer(0);
        assert_eq!(device.process(1, &mut driver.queue(), ram.memory()), Err(QueueError::TooLong));
        assert_eq!(capture.text(), "");
    }
}
