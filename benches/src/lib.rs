//! Support shared by the benchmarks in `benches/`, and the comparison with peers.

pub mod console;
pub mod guest;
pub mod interval;
pub mod peers;
pub mod promise;
pub mod spread;
