//! Figures as text: all of them as CSV, the important ones as Markdown.

use std::fmt::Write;

use super::common::arena::{Alignment, STATES, Temperature};
use super::common::contender::{AGAIN, Task};
use super::measure::Point;

/// Reference of a task.
fn reference(task: Task) -> &'static str {
    match task {
        Task::Copy | Task::CopyNontemporal | Task::Fill => "libc",
        Task::IsZero | Task::FirstDifference | Task::ZeroPages | Task::DiffPages => "plain read",
    }
}

/// Speed of a contender relative to the reference.
fn ratio(point: &Point, contender: &str) -> Option<f64> {
    Some(point.time(reference(point.task))? / point.time(contender)?)
}

/// Formats a length.
pub(crate) fn length(len: usize) -> String {
    match len {
        0..=1023 => format!("{len} B"),
        1024..=0xf_ffff => format!("{} KiB", len >> 10),
        _ => format!("{} MiB", len >> 20),
    }
}

/// Name of a state.
pub(crate) fn state_name((alignment, temperature): (Alignment, Temperature)) -> String {
    format!("{alignment:?}, {temperature:?}").to_lowercase()
}

/// One line for each figure.
pub(crate) fn csv(points: &[Point]) -> String {
    let mut text = String::from("task,alignment,temperature,bytes,contender,nanoseconds\n");
    for point in points {
        for (name, time) in &point.times {
            let (alignment, temperature) = point.state;
            let task = point.task.name();
            _ = writeln!(text, "{task},{alignment:?},{temperature:?},{},{name},{time:.2}", point.len);
        }
    }
    text
}

/// The report.
pub(crate) fn document(host: &str, points: &[Point]) -> String {
    let mut text = String::from(
        "# simd-mem on one host\n\nWritten by `make bench-simd`. Times are the best of the rounds, in which all contenders had their turns; \
         all of them are in [figures.csv](figures.csv). `simd-mem` is the crate's function as a caller gets it, the \
         other names are single implementations. Throughput counts the bytes of one side. Cold bytes are in no \
         cache when a call begins.\n\n",
    );
    text += host;
    text += "\n## Summary\n\nTimes as fast as the reference: geometric mean over the powers of two, and the worst \
             of them.\n\n";
    summary(&mut text, points, "simd-mem");
    text += "\n## Noise\n\nThe same for the reference itself, which takes part twice: smaller differences mean \
             nothing.\n\n";
    summary(&mut text, points, AGAIN);
    for task in Task::ALL {
        _ = writeln!(text, "\n## {}\n\n![throughput by length]({0}.svg)\n", task.name());
        section(&mut text, task, points);
    }
    text
}

/// Geometric mean and worst of the ratios of `points`.
fn mean_and_worst<'a>(points: impl Iterator<Item = &'a Point>, contender: &str) -> Option<(f64, f64, usize)> {
    let ratios: Vec<(f64, usize)> = points.filter_map(|point| Some((ratio(point, contender)?, point.len))).collect();
    let worst = ratios.iter().copied().min_by(|a, b| a.0.total_cmp(&b.0))?;
    #[expect(clippy::cast_precision_loss, reason = "a few dozen ratios")]
    let mean = (ratios.iter().map(|(ratio, _)| ratio.ln()).sum::<f64>() / ratios.len() as f64).exp();
    Some((mean, worst.0, worst.1))
}

/// A contender's ratios by task, state and range of lengths.
fn summary(text: &mut String, points: &[Point], contender: &str) {
    const RANGES: [(&str, usize, usize); 4] = [
        ("under 64 B", 1, 63),
        ("64 B to 64 KiB", 64, 64 << 10),
        ("128 KiB to 32 MiB", 128 << 10, 32 << 20),
        ("64 MiB and more", 64 << 20, usize::MAX),
    ];
    *text += "| task | reference | state |";
    for (name, ..) in RANGES {
        _ = write!(text, " {name} |");
    }
    *text += "\n|---|---|---|---|---|---|---|\n";
    for task in Task::ALL {
        for state in STATES {
            _ = write!(text, "| {} | {} | {} |", task.name(), reference(task), state_name(state));
            for (_, shortest, longest) in RANGES {
                let within = |point: &&Point| {
                    point.task == task && point.state == state && (shortest..=longest).contains(&point.len)
                };
                match mean_and_worst(points.iter().filter(within), contender) {
                    Some((mean, worst, len)) => _ = write!(text, " {mean:.2} ({worst:.2} at {}) |", length(len)),
                    None => *text += " |",
                }
            }
            *text += "\n";
        }
    }
}

/// A row for each length, with the reference's throughput and the ratio in each state.
fn section(text: &mut String, task: Task, points: &[Point]) {
    let reference = reference(task);
    *text += "| length |";
    for state in STATES {
        _ = write!(text, " {}: {reference}, GB/s | simd-mem |", state_name(state));
    }
    *text += "\n|---|---|---|---|---|---|---|---|---|\n";
    let mut lengths: Vec<usize> = points.iter().filter(|point| point.task == task).map(|point| point.len).collect();
    lengths.sort_unstable();
    lengths.dedup();
    for len in lengths {
        _ = write!(text, "| {} |", length(len));
        for state in STATES {
            let found = points.iter().find(|point| (point.task, point.state, point.len) == (task, state, len));
            match found.and_then(|point| Some((point.throughput(reference)?, ratio(point, "simd-mem")?))) {
                Some((throughput, ratio)) => _ = write!(text, " {throughput:.1} | {ratio:.2} |"),
                None => *text += " | |",
            }
        }
        *text += "\n";
    }
}
