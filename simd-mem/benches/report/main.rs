//! Report of a host: interleaves all contenders and writes a table, all figures as CSV, and
//! a plot per task.
//!
//! `cargo bench -p simd-mem --bench report -- DIRECTORY` writes into a subdirectory of
//! DIRECTORY named after the CPU. Without a directory it runs only a few rounds and keeps
//! nothing, as a check. Criterion measures one contender after the other, so that other
//! load on the host in those seconds appears as a difference between them; here each round
//! measures all of them, and the best round of each counts.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::{env, fs};

#[path = "../common/mod.rs"]
mod common;
mod host;
mod measure;
mod plot;
mod table;

use common::arena::{Arena, STATES};
use common::contender::Task;
use measure::Point;

/// Exponents of two, from 1 B to 256 MiB.
const LENGTHS: std::ops::RangeInclusive<u32> = 0..=28;

/// Number of repetitions of all measurements.
const PASSES: usize = 8;

fn main() -> io::Result<()> {
    // Cargo adds `--bench`.
    let directory = env::args().skip(1).find(|argument| !argument.starts_with("--")).map(PathBuf::from);
    let thorough = directory.is_some();
    let longest = if thorough { *LENGTHS.end() } else { 16 };
    let arena = Arena::new(1 << longest);
    let mut points = Vec::new();
    for task in Task::ALL {
        for state in STATES {
            let lengths = (*LENGTHS.start()..=longest).map(|exponent| 1 << exponent);
            points.extend(lengths.filter(|len| *len >= task.shortest()).map(|len| Point::new(task, state, len)));
        }
    }
    // Disturbances of a pass do not affect the others.
    for pass in 0..if thorough { PASSES } else { 1 } {
        writeln!(io::stderr(), "pass {pass}")?;
        for point in &mut points {
            point.improve(&arena, pass, thorough);
        }
    }
    let directory = directory.unwrap_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")));
    write(&directory.join(host::name()), &points)
}

fn write(directory: &Path, points: &[Point]) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    fs::write(directory.join("figures.csv"), table::csv(points))?;
    fs::write(directory.join("README.md"), table::document(&host::describe(), points))?;
    for task in Task::ALL {
        let path = directory.join(format!("{}.svg", task.name()));
        plot::draw(&path, task, points).map_err(|error| io::Error::other(error.to_string()))?;
    }
    Ok(())
}
