//! Entropy device: fills buffers with random bytes.

use riscope_core::mem::GuestMemory;

use crate::device::virtio::{MAX_QUEUE_SIZE, QueueError, VirtQueue, VirtioDevice};
use crate::entropy::Entropy;

const DEVICE_ID: u32 = 4;

/// Maximum bytes per buffer. Short responses are legal, and a notification costs the host
/// at most 8 MiB of random bytes.
const MAX_BYTES: usize = 8192;

/// Virtio entropy device.
#[derive(Debug)]
pub struct RngDevice {
    entropy: Entropy,
}

impl RngDevice {
    /// A device that returns bytes of `entropy`.
    pub fn new(entropy: Entropy) -> Self {
        Self { entropy }
    }
}

impl VirtioDevice for RngDevice {
    fn device_id(&self) -> u32 {
        DEVICE_ID
    }

    fn features(&self) -> u64 {
        0
    }

    fn queue_sizes(&self) -> &'static [u16] {
        &[MAX_QUEUE_SIZE]
    }

    fn activate(&mut self, _features: u64) {}

    fn process(&mut self, _index: usize, queue: &mut VirtQueue, memory: &GuestMemory) -> Result<bool, QueueError> {
        let mut used = false;
        for _ in 0..queue.size() {
            let Some(chain) = queue.pop(memory)? else { break };
            let mut bytes = vec![0; chain.writable.len().min(MAX_BYTES)];
            self.entropy.fill(&mut bytes);
            let written = chain.writable.copy_from(&bytes);
            queue.push_used(memory, chain.head, written)?;
            used = true;
        }
        Ok(used)
    }

    fn reset(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::virtio::testing::{Driver, WRITE, memory};

    #[test]
    fn buffers_are_filled_up_to_the_limit() {
        let ram = memory();
        let mut device = RngDevice::new(Entropy::seeded(1));
        let mut driver = Driver::new(&ram, 8);
        driver.describe(0, driver.buffer(0), 100, WRITE, 0);
        driver.describe(1, driver.buffer(0x1000), 100_000, WRITE, 0);
        driver.describe(2, driver.buffer(0x1000), 100, 0, 0);
        (0..3).for_each(|head| driver.offer(head));
        assert_eq!(device.process(0, &mut driver.queue(), ram.memory()), Ok(true));
        assert_eq!(driver.used(), [(0, 100), (1, 8192), (2, 0)]);
        let mut expected = vec![0; 100];
        Entropy::seeded(1).fill(&mut expected);
        assert_eq!(driver.read(driver.buffer(0), 101), [expected, vec![0]].concat());
    }
}
