//! Host architecture: entry into and exit from generated code.

#[cfg(target_arch = "aarch64")]
mod aarch64;
mod cores;
#[cfg(target_arch = "x86_64")]
mod x86_64;

pub(crate) use cores::synchronise_cores;

#[cfg(target_arch = "aarch64")]
pub(crate) use aarch64::{LEAVE, abandon, enter, float, make_visible};
#[cfg(target_arch = "x86_64")]
pub(crate) use x86_64::{LEAVE, abandon, enter, float, make_visible};
