//! The results as JSON, with each single time.

use std::path::Path;

use serde_json::{Value, json};

use super::class::Class;
use super::error::PeersError;
use super::options::Options;
use super::results::Results;
use super::subject::Subject;
use super::summary::{ClassMean, Row, Summary};
use crate::spread::Spread;

/// Writes the file at `path`. `load` is the load of the host before the first round.
pub(super) fn write(
    path: &Path,
    options: &Options,
    subjects: &[Subject],
    results: &Results,
    summary: &Summary,
    load: Option<f64>,
) -> Result<(), PeersError> {
    let described = subjects.iter().map(|subject| json!({ "name": subject.name, "version": subject.version() }));
    let document = json!({
        "host": { "cpu": processor(), "cores": std::thread::available_parallelism().map_or(0, usize::from), "load": load },
        "settings": {
            "rounds": options.rounds,
            "mmu": options.mmu.name(),
            "harts": options.harts,
            "pin": options.pin,
        },
        "subjects": described.collect::<Vec<_>>(),
        "reference": summary.subjects[summary.reference],
        "cases": summary.rows.iter().map(|row| case(row, options, results, summary)).collect::<Vec<_>>(),
        "classes": summary.means.iter().map(|mean| class(mean, summary)).collect::<Vec<_>>(),
        "scaling": summary.scaling.iter().map(|(subject, factor)| scaling(*subject, *factor, summary)).collect::<Vec<_>>(),
        "failures": results.failures,
    });
    let text = format!("{document:#}\n");
    std::fs::write(path, text).map_err(PeersError::at(path))
}

fn case(row: &Row, options: &Options, results: &Results, summary: &Summary) -> Value {
    let found = results.cases.iter().find(|case| case.class == row.class && case.name == row.name);
    let times = |subject: usize| -> Vec<Option<f64>> {
        (0..results.rounds()).map(|round| found.and_then(|case| case.seconds(subject, round))).collect()
    };
    let subjects = row.cells.iter().enumerate().filter_map(|(subject, cell)| {
        let cell = cell.as_ref()?;
        let value = json!({ "seconds": times(subject), "median": cell.seconds, "ratio": cell.ratio.map(spread) });
        Some((summary.subjects[subject].clone(), value))
    });
    json!({
        "class": row.class.name(),
        "task": row.name,
        "harts": options.harts.unwrap_or_else(|| row.class.harts()),
        "pinned": options.pin || row.class == Class::Pinned,
        "subjects": subjects.collect::<serde_json::Map<_, _>>(),
    })
}

fn class(mean: &ClassMean, summary: &Summary) -> Value {
    let target = mean.class.target();
    json!({
        "class": mean.class.name(),
        "subject": summary.subjects[mean.subject],
        "cases": mean.cases,
        "geometric_mean": mean.mean,
        "slowest": { "task": mean.slowest.0, "ratio": mean.slowest.1 },
        "target": {
            "geometric_mean": target.mean,
            "each": target.each,
            "aim": target.aim,
            "task": target.task.map(|(name, least)| json!({ "task": name, "ratio": least })),
        },
        "reached": mean.reached,
    })
}

fn scaling(subject: usize, factor: Spread, summary: &Summary) -> Value {
    json!({ "subject": summary.subjects[subject], "factor": spread(factor), "target": Class::SCALING })
}

fn spread(spread: Spread) -> Value {
    json!({ "median": spread.median, "min": spread.min, "max": spread.max })
}

/// The host's processor.
fn processor() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::peers::protocol::Measured;

    #[test]
    fn every_time_is_in_the_file() {
        let options = Options::parse_from(["bench-peers", "--no-native"]);
        let subjects = Subject::all(&options);
        let mut results = Results::new(subjects.iter().map(|subject| subject.name.clone()).collect(), 2);
        for (subject, round, seconds) in [(0, 0, 1.0), (0, 1, 2.0), (1, 0, 3.0), (1, 1, 8.0)] {
            let measured = Measured { name: "gcc".to_owned(), seconds, status: 0, result: "same".to_owned() };
            results.record(Class::Pinned, subject, round, &measured);
        }
        let summary = Summary::of(&results, 1, |_, subject| subject == 0);
        let path = std::env::temp_dir().join(format!("bench-peers-{}.json", std::process::id()));
        write(&path, &options, &subjects, &results, &summary, Some(0.5)).expect("the file is written");
        let text = std::fs::read_to_string(&path).expect("the file is there");
        std::fs::remove_file(path).expect("it can be removed");
        let document: Value = serde_json::from_str(&text).expect("it is JSON");
        assert_eq!(document["reference"], "qemu");
        let case = &document["cases"][0];
        assert_eq!((&case["class"], &case["pinned"]), (&json!("pinned"), &json!(true)));
        assert_eq!(case["subjects"]["riscope"]["seconds"], json!([1.0, 2.0]));
        assert_eq!(case["subjects"]["riscope"]["ratio"], json!({ "median": 3.5, "min": 3.0, "max": 4.0 }));
        assert_eq!(document["classes"][0]["reached"], json!(true));
        assert_eq!(document["failures"], json!([]));
    }
}
