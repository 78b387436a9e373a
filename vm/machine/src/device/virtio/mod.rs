//! Virtio devices (specification 1.2) on the MMIO transport.
//!
//! | file | holds |
//! |---|---|
//! | `transport_mmio.rs` | registers, status, feature negotiation, notification |
//! | `queue.rs` | split virtqueue with validation of every index and address |
//! | `buffers.rs` | readable or writable memory of a descriptor chain |
//! | `balloon/` `block/` `console/` `input/` `rng/` | the devices |
//!
//! Devices work on the thread of the hart that notifies. A notification processes at most
//! as many chains as the queue has entries; notifications are never suppressed, so drivers
//! notify again for chains added later. When the machine ends, [`VirtQueue`] yields no more
//! chains, and long requests check for it between steps. A malformed queue stops the device
//! until the driver resets it (`DEVICE_NEEDS_RESET`); nothing is retried.

pub mod balloon;
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

/// `VIRTIO_F_VERSION_1`: the device complies with the specification.
pub const FEATURE_VERSION_1: u64 = 1 << 32;
/// `VIRTIO_RING_F_INDIRECT_DESC`: descriptors may refer to indirect tables.
pub const FEATURE_INDIRECT_DESC: u64 = 1 << 28;

/// Device-specific part of a virtio device.
pub trait VirtioDevice: Send + Debug {
    /// Device ID (specification, section 5), 1 or more.
    fn device_id(&self) -> u32;

    /// Device-specific feature bits offered, below bit 24. The transport adds its own.
    fn features(&self) -> u64;

    /// Maximum size of each queue: powers of two up to [`MAX_QUEUE_SIZE`].
    fn queue_sizes(&self) -> &'static [u16];

    /// Configuration space; empty if the device has none.
    fn config(&self) -> Vec<u8> {
        Vec::new()
    }

    /// Writes `value` to a byte of the configuration space. Ignored by devices without
    /// writable fields.
    fn write_config(&mut self, _offset: u64, _value: u8) {}

    /// Starts the device with the negotiated features: a subset of those offered, empty if
    /// the driver confirmed none.
    fn activate(&mut self, features: u64);

    /// Processes queue `index`, which is valid. Returns whether a buffer was used.
    ///
    /// # Errors
    /// [`QueueError`] if the driver has corrupted the queue; the device then stops until it
    /// is reset.
    fn process(&mut self, index: usize, queue: &mut VirtQueue, memory: &GuestMemory) -> Result<bool, QueueError>;

    /// Resets the device.
    fn reset(&mut self);
}
