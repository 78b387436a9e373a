//! Virtio console with one port (specification, section 5.3).

pub mod device;

pub use device::{ConsoleDevice, RECEIVE_QUEUE};
