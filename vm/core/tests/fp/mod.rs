//! The parts of the floating-point oracle test: where operands come from, what
//! the right answer is, and the comparison.

pub(crate) mod check;
pub(crate) mod edge;
pub(crate) mod generate;
pub(crate) mod oracle;
pub(crate) mod random;
