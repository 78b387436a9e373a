//! Virtio devices (specification 1.2) on the MMIO transport.
//!
//! | file | holds |
//! |---|---|
//! | `transport_mmio.rs` | registers, status, feature negotiation, notification |
//! | `queue.rs` | one split virtqueue, with every index and address checked |
//! | `buffers.rs` | the readable or writable memory of one descriptor chain |
//! | `block/` `console/` `input/` `rng/` | the devices |
//!
//! Work happens on the thread of the hart that notifies. One notification takes at
//! most as many chains as the queue has entries: drivers notify again for what they
//! add later, because the device never suppresses notifications. When the machine ends,
//! [`VirtQueue`] has no more chains, and what takes long looks at it between its steps.
//! A malformed queue
//! is fatal for the device until the driver resets it (`DEVICE_NEEDS_RESET`); nothing
//! is retried.

pub mod block;
mod buffers;
pub mod console;
pub mod input;
mod queue;
pub mod rng;
mod transport_mmio;

#[cfg(test)]
mod testing;

use std::fmt::Debug;

use riscope_core::mem::GuestMemory;

pub use buffers::{Buffers, GuestSlice};
pub use queue::{Chain, MAX_CHAIN_BYTES, MAX_CHAIN_DESCRIPTORS, MAX_QUEUE_SIZE, QueueError, VirtQueue};
pub use transport_mmio::VirtioMmio;

/// `VIRTIO_F_VERSION_1`: the device follows the specification, not its drafts.
pub const FEATURE_VERSION_1: u64 = 1 << 32;
/// `VIRTIO_RING_F_INDIRECT_DESC`: a descriptor may refer to a table of descriptors.
pub const FEATURE_INDIRECT_DESC: u64 = 1 << 28;

/// What a virtio device adds to the transport.
pub trait VirtioDevice: Send + Debug {
    /// Device id (specification, section 5), 1 or more.
    fn device_id(&self) -> u32;

    /// Device-specific feature bits on offer, below bit 24. The transport adds its own.
    fn features(&self) -> u64;

    /// Largest size of each queue, a power of two up to [`MAX_QUEUE_SIZE`].
    fn queue_sizes(&self) -> &'static [u16];

    /// The whole configuration space; empty if there is none.
    fn config(&self) -> Vec<u8> {
        Vec::new()
    }

    /// The driver writes `value` to a byte of the configuration space. Devices without a
    /// field that drivers may write ignore it.
    fn write_config(&mut self, _offset: u64, _value: u8) {}

    /// The driver is ready: its features are a subset of the offered ones, and none if it
    /// did not ask for any to be confirmed.
    fn activate(&mut self, features: u64);

    /// Works on queue `index`, which is valid. Returns whether a buffer was used.
    ///
    /// # Errors
    /// [`QueueError`] when the driver broke the queue; the device then stands still
    /// until it is reset.
    fn process(&mut self, index: usize, queue: &mut VirtQueue, memory: &GuestMemory) -> Result<bool, QueueError>;

    /// The driver resets the device.
    fn reset(&mut self);
}
