//! Virtio memory balloon (specification, section 5.5), used only for free page reporting.

pub mod device;

pub use device::BalloonDevice;
