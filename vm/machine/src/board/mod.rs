//! The board: what a machine is to be made of, and how it is put together.

pub mod builder;
pub mod disk;
pub mod spec;

pub(crate) use builder::check_formats;
pub use builder::{Board, BuildError};
pub use disk::DiskSpec;
pub use spec::{MachineSpec, SpecError, TimeSource};
