//! Board: specification of a machine and construction from it.

pub mod builder;
mod counters;
pub mod disk;
pub mod spec;

pub(crate) use builder::check_formats;
pub use builder::{Board, BuildError};
pub(crate) use counters::counters_of;
pub use disk::DiskSpec;
pub use spec::{MachineSpec, SpecError, TimeSource};
