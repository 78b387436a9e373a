//! Support shared by the end-to-end tests: processes of `riscope`, their output, and
//! guests.

#![allow(dead_code, reason = "each test program uses its own part of this")]

pub(crate) mod assembly;
pub(crate) mod guest;
pub(crate) mod http;
pub(crate) mod output;
pub(crate) mod process;
pub(crate) mod prometheus;
pub(crate) mod scratch;

use std::time::Duration;

/// Time limit for events that must happen eventually. Machines that share two cores with
/// others are slow, so it is far above what they need.
pub(crate) const PATIENCE: Duration = Duration::from_secs(400);
