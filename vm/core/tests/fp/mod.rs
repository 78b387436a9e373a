//! Parts of the floating-point oracle test: operands, oracle and comparison.

pub(crate) mod check;
pub(crate) mod edge;
pub(crate) mod generate;
pub(crate) mod oracle;
pub(crate) mod random;
