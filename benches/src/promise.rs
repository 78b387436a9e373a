//! Guarantees of `SPECIFICATION.md` that benchmarks check.
#![expect(clippy::print_stdout, reason = "it says what came of each promise")]

use std::time::{Duration, Instant};

/// Required bound of a figure.
#[derive(Clone, Copy, Debug)]
pub enum Bound {
    /// This or more.
    AtLeast(f64),
    /// This or less.
    AtMost(f64),
}

/// Prints whether a guarantee holds; returns the result.
#[must_use]
pub fn is_kept(what: &str, measured: f64, bound: Bound, unit: &str) -> bool {
    let (kept, words, limit) = match bound {
        Bound::AtLeast(limit) => (measured >= limit, "at least", limit),
        Bound::AtMost(limit) => (measured <= limit, "at most", limit),
    };
    let verdict = if kept { "kept" } else { "BROKEN" };
    println!("promise {verdict}: {what}: {measured:.4} {unit}, promised {words} {limit} {unit}");
    kept
}

/// The shortest of `runs` runs of `f`, which is the least disturbed by the host.
pub fn best_of(runs: u32, mut f: impl FnMut()) -> Duration {
    let timed = |_| {
        let start = Instant::now();
        f();
        start.elapsed()
    };
    (0..runs).map(timed).min().unwrap_or_default()
}
