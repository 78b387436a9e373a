//! What the tests of this crate share: random numbers and a small assembler.

pub(crate) mod assembler;
pub(crate) mod encode;
pub(crate) mod random;
