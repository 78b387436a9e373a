//! Algorithms, generic over the vector.
//!
//! All are `inline(always)` and become part of functions that are compiled for an
//! instruction set (see `arch`). They use no closures over vectors and no arrays of
//! vectors: neither is reliably inlined, and vectors passed to a call go through memory.
//!
//! Lengths below a few vectors are handled by vectors from both ends that may overlap in
//! the middle: no loop, and one branch per doubling of the length.

pub(crate) mod copy;
pub(crate) mod fill;
pub(crate) mod page;
pub(crate) mod scan;
pub(crate) mod word;
