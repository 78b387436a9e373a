//! What the benchmarks in `benches/` share.

pub mod guest;
pub mod promise;
