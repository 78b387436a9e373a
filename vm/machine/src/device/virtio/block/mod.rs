//! Virtio block device (specification, section 5.2).
//!
//! [`request`] parses requests, [`backend`] executes them on the host, [`device`] connects
//! the two; `status.rs` maps host errors to guest-visible status, and `format.rs` detects
//! images that are not raw.

pub mod backend;
pub mod device;
mod format;
pub mod request;
mod status;

pub use backend::{BlockBackend, BlockError, RawDisk};
pub use device::BlockDevice;
pub use format::ForeignFormat;
pub use status::HostFault;

/// Kind of device, in events and metrics.
pub const KIND: &str = "virtio-blk";

/// Size of the GET_ID response in bytes (section 5.2.6); it is the disk's name.
pub const ID_BYTES: usize = 20;
/// Bytes per sector, the unit of addresses and capacities.
pub const SECTOR_SIZE: u64 = 512;
