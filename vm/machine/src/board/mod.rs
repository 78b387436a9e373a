//! The board: memory map, what a machine is to be made of, and how it is put together.

pub mod layout;
