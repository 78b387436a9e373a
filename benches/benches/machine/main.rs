//! Benchmark of whole machines: both engines and QEMU, interleaved on the same guests.
//!
//! The speed of a host varies over time. Each round therefore runs every subject once, and
//! the result is the median over the rounds of the ratio within a round. Times are the
//! guest's own, read from its console, so that the start of the host process does not
//! count.
//!
//! ```text
//! cargo bench -p riscope-benches --bench machine -- --rounds 9 --only boot
//! cargo bench -p riscope-benches --bench machine -- --pairs 500 --only telemetry
//! ```

mod report;
mod run;
mod telemetry;
mod workload;

use std::process::ExitCode;

use clap::Parser;

use run::Subject;
use workload::Workload;

/// Pairs of seconds with and without telemetry, unless options say otherwise.
const PAIRS: u32 = 200;

/// Compares riscope's engines and QEMU on whole machines.
#[derive(Debug, Parser)]
struct Options {
    /// Rounds; each runs every subject once
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Pairs of seconds with and without telemetry
    #[arg(long, default_value_t = PAIRS, value_parser = clap::value_parser!(u32).range(6..=1000))]
    pairs: u32,
    /// Only this: integer, float, memory, boot or telemetry
    #[arg(long)]
    only: Option<String>,
    /// What `cargo bench` passes to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let wanted = |name: &str| options.only.as_deref().is_none_or(|only| only == name);
    let mut kept = true;
    for workload in Workload::ALL.into_iter().filter(|workload| wanted(workload.name())) {
        let rounds: Vec<report::Round> = (0..options.rounds).map(|_| round(workload)).collect();
        report::comparison(workload, &rounds);
        kept &= workload != Workload::Boot || report::boot_is_fast(&rounds);
    }
    if wanted("telemetry") {
        kept &= report::overhead_is_small(&telemetry::pairs(options.pairs));
    }
    if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn round(workload: Workload) -> report::Round {
    Subject::ALL.map(|subject| run::run(subject, workload))
}
