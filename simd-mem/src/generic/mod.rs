//! One algorithm for each task, over any vector.
//!
//! All of them are `inline(always)`: they become part of functions that are compiled
//! for an instruction set (see `arch`). No closure that sees vectors and no array of
//! them in here: neither is sure to be inlined, and vectors that pass through a call
//! go through memory.
//!
//! What is shorter than a few vectors is done by vectors from both ends that may
//! overlap in the middle: no loop, and one branch for each doubling of the length.

pub(crate) mod copy;
pub(crate) mod fill;
pub(crate) mod page;
pub(crate) mod scan;
pub(crate) mod word;
