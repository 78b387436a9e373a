//! Virtio entropy device (specification, section 5.4).

pub mod device;

pub use device::RngDevice;
