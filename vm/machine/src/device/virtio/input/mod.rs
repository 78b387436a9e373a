//! Virtio input device (specification 1.2, section 5.8): the machine's power button.

pub mod button;
pub mod device;

pub use button::PowerButton;
pub use device::{EVENT_QUEUE, InputDevice};
