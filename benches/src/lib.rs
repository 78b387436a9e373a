//! What the benchmarks in `benches/` share.

pub mod guest;
pub mod interval;
pub mod promise;
