//! riscope benchmarks: see `benches/`.
