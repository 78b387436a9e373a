//! Virtio memory balloon (specification, section 5.5), as far as the guest reports pages
//! that it does not use.

pub mod device;

pub use device::BalloonDevice;
