//! Virtio block device (specification, section 5.2).
//!
//! [`request`] parses what the driver asks, [`backend`] does it on the host,
//! [`device`] connects the two; `status.rs` is the one place where a host error
//! becomes what the guest sees, and `format.rs` knows what is no raw image.

pub mod backend;
pub mod device;
mod format;
pub mod request;
mod status;

pub use backend::{BlockBackend, BlockError, RawDisk};
pub use device::BlockDevice;
pub use format::ForeignFormat;
pub use status::HostFault;

/// Kind of device, as events and metrics name it.
pub const KIND: &str = "virtio-blk";

/// Bytes of the answer to GET_ID (section 5.2.6), which is the disk's name.
pub const ID_BYTES: usize = 20;
/// Bytes in a sector, the unit of every address and capacity.
pub const SECTOR_SIZE: u64 = 512;
