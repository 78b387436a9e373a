//! Support shared by the benchmarks in `benches/`.

pub mod guest;
pub mod interval;
pub mod promise;
