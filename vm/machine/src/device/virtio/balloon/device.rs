//! Memory balloon device: returns the guest's free pages to the host.
//!
//! The requested balloon size (`num_pages`) is always 0, so the guest never has to give up
//! memory in use. A driver that negotiates `VIRTIO_BALLOON_F_REPORTING` reports free page
//! ranges; the host reclaims them until the guest writes to them again.

use riscope_core::mem::{GuestMemory, discard};

use crate::device::virtio::{MAX_QUEUE_SIZE, QueueError, VirtQueue, VirtioDevice};

const DEVICE_ID: u32 = 5;

/// `VIRTIO_BALLOON_F_REPORTING`: the driver reports free pages.
const FEATURE_REPORTING: u64 = 1 << 5;

/// Lowest index of the reporting queue. It is 4 in the specification, but drivers skip the
/// queues of features that are not offered, and use 2.
const FIRST_REPORTING_QUEUE: usize = 2;

/// Offset of `actual` in the configuration space: number of pages in the balloon, written by
/// the driver.
const ACTUAL: usize = 4;

/// A virtio memory balloon.
#[derive(Debug, Default)]
pub struct BalloonDevice {
    /// Whether the driver has negotiated reporting.
    reports: bool,
    actual: [u8; 4],
}

impl VirtioDevice for BalloonDevice {
    fn device_id(&self) -> u32 {
        DEVICE_ID
    }

    fn features(&self) -> u64 {
        FEATURE_REPORTING
    }

    fn queue_sizes(&self) -> &'static [u16] {
        &[MAX_QUEUE_SIZE; 5]
    }

    /// `num_pages`, which is 0, and `actual`.
    fn config(&self) -> Vec<u8> {
        [[0; ACTUAL], self.actual].concat()
    }

    fn write_config(&mut self, offset: u64, value: u8) {
        let index = usize::try_from(offset).ok().and_then(|offset| offset.checked_sub(ACTUAL));
        if let Some(byte) = index.and_then(|index| self.actual.get_mut(index)) {
            *byte = value;
        }
    }

    fn activate(&mut self, features: u64) {
        self.reports = features & FEATURE_REPORTING != 0;
    }

    /// The buffers of a report are the free pages. Inflate and deflate requests are completed
    /// without effect.
    fn process(&mut self, index: usize, queue: &mut VirtQueue, memory: &GuestMemory) -> Result<bool, QueueError> {
        let mut used = false;
        for _ in 0..queue.size() {
            let Some(chain) = queue.pop(memory)? else { break };
            if self.reports && index >= FIRST_REPORTING_QUEUE {
                for slice in chain.writable.slices() {
                    // Pages that the host does not reclaim keep their contents.
                    let _bytes = discard(slice);
                }
            }
            queue.push_used(memory, chain.head, 0)?;
            used = true;
        }
        Ok(used)
    }

    fn reset(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::virtio::testing::{Driver, NEXT, WRITE, memory};

    /// Distinct bytes left of two pages of ones after a report of them on queue `index`.
    fn reported(device: &mut BalloonDevice, index: usize, flags: u16) -> Vec<u8> {
        let ram = memory();
        let mut driver = Driver::new(&ram, 8);
        // Whole pages of any host.
        let (first, second) = (driver.buffer(0), driver.buffer(0x2_0000));
        driver.write(first, &[1; 0x1_0000]);
        driver.write(second, &[1; 0x1_0000]);
        driver.describe(0, first, 0x1_0000, flags | NEXT, 1);
        driver.describe(1, second, 0x1_0000, flags, 0);
        driver.offer(0);
        assert_eq!(device.process(index, &mut driver.queue(), ram.memory()), Ok(true));
        assert_eq!(driver.used(), [(0, 0)]);
        let mut left = [driver.read(first, 0x1_0000), driver.read(second, 0x1_0000)].concat();
        left.dedup();
        left
    }

    #[test]
    fn reported_pages_are_given_back_whichever_queue_the_driver_takes_for_it() {
        let mut device = BalloonDevice::default();
        device.activate(FEATURE_REPORTING);
        for index in 2..5 {
            assert_eq!(reported(&mut device, index, WRITE), [0], "queue {index}");
        }
    }

    #[test]
    fn nothing_else_takes_the_guests_memory() {
        let mut device = BalloonDevice::default();
        assert_eq!(reported(&mut device, 2, WRITE), [1], "reporting was not negotiated");
        device.activate(FEATURE_REPORTING);
        for index in 0..2 {
            assert_eq!(reported(&mut device, index, WRITE), [1], "queue {index} is the balloon's own");
        }
        assert_eq!(reported(&mut device, 2, 0), [1], "only buffers that the device may write are free");
        device.reset();
        assert_eq!(reported(&mut device, 2, WRITE), [1], "a reset ends the negotiation");
    }

    #[test]
    fn the_driver_may_say_how_many_pages_there_are_and_nothing_else() {
        let mut device = BalloonDevice::default();
        assert_eq!((device.device_id(), device.config()), (5, vec![0; 8]));
        for (offset, value) in (0..10).zip(1..) {
            device.write_config(offset, value);
        }
        device.write_config(u64::MAX, 9);
        assert_eq!(device.config(), [0, 0, 0, 0, 5, 6, 7, 8]);
        device.reset();
        assert_eq!(device.config(), [0; 8]);
    }
}
