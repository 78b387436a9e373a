//! The board: what a machine is to be made of, and how it is put together.

pub mod builder;
pub mod spec;

pub use builder::{Board, BuildError};
pub(crate) use spec::disk_name;
pub use spec::{DiskSpec, MachineSpec, SpecError, TimeSource};
