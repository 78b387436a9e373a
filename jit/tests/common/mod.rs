//! Support shared by the tests of this crate: random numbers and a small assembler.

pub(crate) mod assembler;
pub(crate) mod encode;
pub(crate) mod random;
