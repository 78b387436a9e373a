//! Device side of a split virtqueue (specification, section 2.7).
//!
//! `virtio-queue` reads the rings and walks the chains; this wrapper reports every
//! violation by the driver as an error, where the library silently ends the chain.

use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};

use riscope_core::counters::QueuePage;
use riscope_core::mem::GuestMemory;
use virtio_queue::{Error, Queue, QueueOwnedT, QueueT};
use vm_memory::{Bytes, GuestAddress};

use super::buffers::Buffers;
use crate::exit::ExitLatch;

/// Maximum bytes in a chain, both directions together (section 2.7.5.2). Devices transfer
/// them in steps, so that a long request does not delay the end of the machine.
pub const MAX_CHAIN_BYTES: u64 = u32::MAX as u64;
/// Maximum descriptors in a chain: the size of the longest queue (section 2.7.5.3.1).
pub const MAX_CHAIN_DESCRIPTORS: usize = MAX_QUEUE_SIZE as usize;
/// Maximum queue size, as on QEMU's machine; drivers with a fixed size depend on it.
pub const MAX_QUEUE_SIZE: u16 = 1024;

/// `VIRTQ_AVAIL_F_NO_INTERRUPT`: the driver does not want interrupts.
const AVAIL_NO_INTERRUPT: u16 = 1;

/// Violations of the virtqueue protocol by the driver. The device stops until it is reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueueError {
    /// The rings are not in RAM, or the queue is not set up.
    #[error("the queue is not ready or its rings are outside RAM")]
    NotReady,
    /// The available index is ahead by more than the queue size.
    #[error("the available index is more than a queue length ahead")]
    AvailableIndex,
    /// The head or a `next` field is out of range, the chain has a cycle, an indirect table
    /// is malformed or nested, or a descriptor is not in RAM.
    #[error("a descriptor chain is broken")]
    BrokenChain,
    /// A buffer is not in RAM.
    #[error("a descriptor names memory outside RAM")]
    OutsideMemory,
    /// A device-readable buffer follows a device-writable one.
    #[error("a readable descriptor follows a writable one")]
    Order,
    /// The chain carries more than [`MAX_CHAIN_BYTES`] or has more than
    /// [`MAX_CHAIN_DESCRIPTORS`].
    #[error("a descriptor chain is larger than any request of the device")]
    TooLong,
    /// The chain lacks a mandatory part of the device's requests, such as the status.
    #[error("a descriptor chain has no room for the status of its request")]
    NoStatus,
}

/// Available descriptor chain.
#[derive(Debug)]
pub struct Chain<'m> {
    /// Index of its first descriptor, for [`VirtQueue::push_used`].
    pub head: u16,
    /// Device-readable part.
    pub readable: Buffers<'m>,
    /// Device-writable part.
    pub writable: Buffers<'m>,
}

/// Virtqueue with the ring addresses and size that the driver set.
#[derive(Debug)]
pub struct VirtQueue {
    ring: Queue,
    /// Whether the size last set by the driver is valid.
    size_is_valid: bool,
    exit: Arc<ExitLatch>,
    page: Arc<QueuePage>,
}

impl VirtQueue {
    /// An unconfigured queue of at most `max_size` entries, a power of two up to
    /// [`MAX_QUEUE_SIZE`]; `None` for other sizes. It yields no more chains once `exit`
    /// ends the machine.
    pub fn new(max_size: u16, exit: Arc<ExitLatch>) -> Option<Self> {
        let ring = Queue::new(max_size).ok().filter(|_| max_size <= MAX_QUEUE_SIZE)?;
        Some(Self { ring, size_is_valid: true, exit, page: Arc::default() })
    }

    /// Counts what it returns to the driver in `page`.
    #[must_use]
    pub(super) fn counting(self, page: Arc<QueuePage>) -> Self {
        Self { page, ..self }
    }

    /// Queue state of the library, for the transport to configure.
    pub(super) fn ring(&mut self) -> &mut Queue {
        &mut self.ring
    }

    /// Sets the queue size. After an invalid size (0, above the maximum, or not a power of
    /// two) the queue is unusable until a valid one is set, since the driver's ring has the
    /// size that it requested.
    pub(super) fn set_size(&mut self, size: u32) {
        let set = u16::try_from(size).ok().and_then(|size| self.ring.try_set_size(size).ok());
        self.size_is_valid = set.is_some();
    }

    /// Returns to the unconfigured state.
    pub(super) fn reset(&mut self) {
        self.ring.reset();
        self.size_is_valid = true;
    }

    /// Whether the machine ends, so that long requests should be abandoned.
    pub fn is_ending(&self) -> bool {
        self.exit.get().is_some()
    }

    /// Queue size set by the driver.
    pub fn size(&self) -> u16 {
        self.ring.size()
    }

    /// Whether the queue is ready and its rings are in RAM.
    pub fn is_usable(&self, memory: &GuestMemory) -> bool {
        // The library leaves addresses that were never set at 0.
        self.size_is_valid && self.ring.avail_ring() != 0 && self.ring.is_valid(memory)
    }

    /// Takes the next available chain, if any. Yields none when the machine ends, since a
    /// driver may offer work for minutes.
    ///
    /// # Errors
    /// [`QueueError`] for any violation by the driver.
    pub fn pop<'m>(&mut self, memory: &'m GuestMemory) -> Result<Option<Chain<'m>>, QueueError> {
        if self.is_ending() {
            return Ok(None);
        }
        let mut available = self.ring.iter(memory).map_err(|error| match error {
            Error::InvalidAvailRingIndex => QueueError::AvailableIndex,
            _ => QueueError::NotReady,
        })?;
        let Some(descriptors) = available.next() else { return Ok(None) };
        let mut chain =
            Chain { head: descriptors.head_index(), readable: Buffers::default(), writable: Buffers::default() };
        let mut total = 0;
        // Whether the last descriptor seen announced another one.
        let mut open = true;
        for (index, descriptor) in descriptors.enumerate() {
            open = descriptor.has_next();
            total += u64::from(descriptor.len());
            if total > MAX_CHAIN_BYTES || index >= MAX_CHAIN_DESCRIPTORS {
                return Err(QueueError::TooLong);
            }
            if !descriptor.is_write_only() && !chain.writable.is_empty() {
                return Err(QueueError::Order);
            }
            let side = if descriptor.is_write_only() { &mut chain.writable } else { &mut chain.readable };
            let len = usize::try_from(descriptor.len()).map_err(|_| QueueError::TooLong)?;
            side.push(memory, descriptor.addr(), len).ok_or(QueueError::OutsideMemory)?;
        }
        if open { Err(QueueError::BrokenChain) } else { Ok(Some(chain)) }
    }

    /// Returns the chain with this head to the driver, with `written` bytes in its writable
    /// part.
    ///
    /// # Errors
    /// [`QueueError::NotReady`] if the used ring is not in RAM.
    pub fn push_used(&mut self, memory: &GuestMemory, head: u16, written: usize) -> Result<(), QueueError> {
        // Fits: a chain has at most `MAX_CHAIN_BYTES`.
        let written = u32::try_from(written).unwrap_or(u32::MAX);
        self.ring.add_used(memory, head, written).map_err(|_| QueueError::NotReady)?;
        self.page.count_used();
        Ok(())
    }

    /// Whether the driver wants an interrupt for used buffers; true if the ring cannot be
    /// read, as the flag is a hint.
    pub fn wants_interrupt(&self, memory: &GuestMemory) -> bool {
        // The driver enables interrupts and then checks the used index again; here the
        // index is written and then the flags are read. Each side needs a full barrier, or
        // both may miss the other (section 2.7.10).
        fence(Ordering::SeqCst);
        let flags = memory.load::<u16>(GuestAddress(self.ring.avail_ring()), Ordering::Acquire);
        flags.map_or(true, |flags| u16::from_le(flags) & AVAIL_NO_INTERRUPT == 0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::device::virtio::testing::{Driver, INDIRECT, NEXT, WRITE, memory};
    use crate::exit::MachineExit;

    /// Result of taking one chain of a queue of 8 with these descriptors `(address offset,
    /// length, flags, next)`, from descriptor 0 on.
    fn pop_of(descriptors: &[(u64, u32, u16, u16)]) -> Result<Option<(usize, usize)>, QueueError> {
        let ram = memory();
        let mut driver = Driver::new(&ram, 8);
        for (index, &(offset, len, flags, next)) in (0..).zip(descriptors) {
            driver.describe(index, driver.buffer(offset), len, flags, next);
        }
        driver.offer(0);
        let mut queue = driver.queue();
        let chain = queue.pop(ram.memory())?;
        Ok(chain.map(|chain| (chain.readable.len(), chain.writable.len())))
    }

    #[test]
    fn readable_and_writable_parts_are_separated() {
        assert_eq!(pop_of(&[(0, 16, NEXT, 1), (16, 4, NEXT, 2), (64, 5, WRITE, 0)]), Ok(Some((20, 5))));
        assert_eq!(pop_of(&[(0, 0, NEXT, 1), (64, 0, WRITE, 0)]), Ok(Some((0, 0))));
    }

    #[test]
    fn broken_chains_are_errors() {
        assert_eq!(pop_of(&[(0, 1, NEXT, 8)]), Err(QueueError::BrokenChain), "next beyond the table");
        assert_eq!(pop_of(&[(0, 1, NEXT, 1), (0, 1, NEXT, 0)]), Err(QueueError::BrokenChain), "cycle");
        assert_eq!(pop_of(&[(0, 1, WRITE | NEXT, 1), (0, 1, 0, 0)]), Err(QueueError::Order));
        assert_eq!(pop_of(&[(1 << 40, 1, 0, 0)]), Err(QueueError::OutsideMemory));
        assert_eq!(pop_of(&[(0, u32::MAX, 0, 0)]), Err(QueueError::OutsideMemory));
        assert_eq!(pop_of(&[(0, 1, NEXT, 1), (0, u32::MAX, 0, 0)]), Err(QueueError::BrokenChain), "over 4 GiB");
        assert_eq!(pop_of(&[(0, 24, INDIRECT, 0)]), Err(QueueError::BrokenChain), "table of one and a half");
        assert_eq!(pop_of(&[(0, 0, INDIRECT, 0)]), Err(QueueError::BrokenChain), "empty table");
        assert_eq!(pop_of(&[(1 << 40, 16, INDIRECT, 0)]), Err(QueueError::BrokenChain), "table outside RAM");
    }

    #[test]
    fn aliased_buffers_count_as_often_as_they_appear() {
        let chain: Vec<_> = (1..=7).map(|next| (0, 10 << 20, NEXT, next)).collect();
        assert_eq!(pop_of(&chain), Err(QueueError::OutsideMemory), "larger than the test's RAM");
        let chain: Vec<_> = (1..=7).map(|next| (0, 0x8000, if next == 7 { 0 } else { NEXT }, next)).collect();
        assert_eq!(pop_of(&chain), Ok(Some((7 * 0x8000, 0))));
    }

    #[test]
    fn indirect_tables_are_followed_once() {
        let ram = memory();
        let mut driver = Driver::new(&ram, 8);
        let table = driver.buffer(0);
        driver.describe_at(table, 0, driver.buffer(256), 100, NEXT, 1);
        driver.describe_at(table, 1, driver.buffer(512), 50, WRITE, 0);
        driver.describe(0, table, 32, INDIRECT, 0);
        driver.offer(0);
        let mut queue = driver.queue();
        let chain = queue.pop(ram.memory()).unwrap().unwrap();
        assert_eq!((chain.readable.len(), chain.writable.len()), (100, 50));

        driver.describe_at(table, 1, table, 32, INDIRECT, 0);
        driver.offer(0);
        assert_eq!(queue.pop(ram.memory()).unwrap_err(), QueueError::BrokenChain, "nested");
    }

    #[test]
    fn an_indirect_table_has_at_most_as_many_descriptors_as_a_queue() {
        let ram = memory();
        for (count, expected) in [(1024, Ok(1024)), (1025, Err(QueueError::TooLong)), (65535, Err(QueueError::TooLong))]
        {
            let mut driver = Driver::new(&ram, 8);
            let table = 0x8000_0000;
            // The same descriptor repeated, each followed by the next index.
            for index in 0..count.min(2000) {
                let flags = if index + 1 == count { WRITE } else { WRITE | NEXT };
                driver.describe_at(table + 0x2_0000, index, driver.buffer(0), 1, flags, index + 1);
            }
            driver.describe(0, table + 0x2_0000, u32::from(count) * 16, INDIRECT, 0);
            driver.offer(0);
            let popped = driver.queue().pop(ram.memory()).map(|chain| chain.unwrap().writable.len());
            assert_eq!(popped, expected, "{count}");
        }
    }

    #[test]
    fn there_are_no_more_chains_when_the_machine_ends() {
        let ram = memory();
        let mut driver = Driver::new(&ram, 8);
        driver.describe(0, driver.buffer(0), 1, WRITE, 0);
        (0..2).for_each(|_| driver.offer(0));
        let mut queue = driver.queue();
        assert!(queue.pop(ram.memory()).unwrap().is_some());
        queue.exit.request(MachineExit::Stopped);
        assert!(queue.is_ending());
        assert!(queue.pop(ram.memory()).unwrap().is_none());
    }

    #[test]
    fn a_head_beyond_the_table_and_a_leaping_index_are_errors() {
        let ram = memory();
        let mut driver = Driver::new(&ram, 8);
        let mut queue = driver.queue();
        assert!(queue.pop(ram.memory()).unwrap().is_none());
        driver.offer(8);
        assert_eq!(queue.pop(ram.memory()).unwrap_err(), QueueError::BrokenChain);
        driver.set_available_index(100);
        assert_eq!(queue.pop(ram.memory()).unwrap_err(), QueueError::AvailableIndex);
    }

    #[test]
    fn used_chains_are_reported_in_order_with_their_length() {
        let ram = memory();
        let mut driver = Driver::new(&ram, 8);
        let mut queue = driver.queue();
        for head in [3, 5] {
            driver.describe(head, driver.buffer(0), 10, WRITE, 0);
            driver.offer(head);
            let chain = queue.pop(ram.memory()).unwrap().unwrap();
            queue.push_used(ram.memory(), chain.head, 7).unwrap();
        }
        assert_eq!(driver.used(), [(3, 7), (5, 7)]);
    }

    #[test]
    fn the_driver_can_ask_for_silence() {
        let ram = memory();
        let driver = Driver::new(&ram, 8);
        let queue = driver.queue();
        assert!(queue.wants_interrupt(ram.memory()));
        driver.set_available_flags(1);
        assert!(!queue.wants_interrupt(ram.memory()));
    }

    #[test]
    fn rings_outside_memory_make_a_queue_unusable() {
        let ram = memory();
        let driver = Driver::new(&ram, 8);
        let mut queue = driver.queue();
        assert!(queue.is_usable(ram.memory()));
        queue.ring().set_used_ring_address(Some(0xffff_fff0), None);
        assert!(!queue.is_usable(ram.memory()));
        assert!(!VirtQueue::new(8, Arc::default()).unwrap().is_usable(ram.memory()), "never configured");
    }

    /// A descriptor whose fields are often plausible.
    fn any_descriptor() -> impl Strategy<Value = (u64, u32, u16, u16)> {
        let address = prop_oneof![4 => 0x8000_0000u64..0x8010_0000, 1 => any::<u64>()];
        let len = prop_oneof![4 => (0u32..16).prop_map(|n| n * 16), 1 => any::<u32>()];
        let flags = prop_oneof![8 => 0u16..8, 1 => any::<u16>()];
        (address, len, flags, prop_oneof![8 => 0u16..8, 1 => any::<u16>()])
    }

    proptest! {
        /// Whatever the rings and tables contain, taking chains terminates, and every chain
        /// is within RAM and bounds.
        #[test]
        fn any_rings_are_survived(
            descriptors in prop::collection::vec(any_descriptor(), 8),
            tables in prop::collection::vec(any_descriptor(), 8),
            heads in prop::collection::vec(prop_oneof![8 => 0u16..8, 1 => any::<u16>()], 1..12),
        ) {
            let ram = memory();
            let mut driver = Driver::new(&ram, 8);
            for (index, (address, len, flags, next)) in (0..).zip(descriptors) {
                driver.describe(index, address, len, flags, next);
            }
            // Where indirect descriptors are likely to point.
            for (index, (address, len, flags, next)) in (0..).zip(tables) {
                driver.describe_at(0x8000_0000, index + 8, address, len, flags, next);
            }
            let mut queue = driver.queue();
            for head in heads {
                driver.offer(head);
                match queue.pop(ram.memory()) {
                    Ok(Some(chain)) => {
                        prop_assert!(chain.head < 8);
                        let bytes = chain.readable.len() + chain.writable.len();
                        prop_assert!(bytes as u64 <= MAX_CHAIN_BYTES);
                        prop_assert_eq!(chain.writable.copy_from(&vec![0; bytes]), chain.writable.len());
                        prop_assert!(queue.push_used(ram.memory(), chain.head, 1).is_ok());
                    }
                    Ok(None) => prop_assert!(false, "an offered chain is missing"),
                    // The device would stop here until reset.
                    Err(_) => break,
                }
            }
        }
    }
}
