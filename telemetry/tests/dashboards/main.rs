//! Tests that dashboards, rules and metrics are consistent: queries name exported metrics,
//! and every exported metric is used.
//!
//! - `catalogue`: the metric families and the labels they can carry;
//! - `exposition`: a real scrape of telemetry;
//! - `query`: PromQL expressions and what they refer to;
//! - `grafana`: the dashboards under `grafana/dashboards`, by the rules of Grafana's
//!   dashboard linter;
//! - `navigation`: links between them, and their annotations;
//! - `questions`: panels that answer the questions of `METRICS.md`;
//! - `rules`: recording and alert rules under `deploy/prometheus`, their tests and runbooks;
//! - `promtool`: checks of configuration, rules and dashboard queries by Prometheus.

#[cfg(test)]
mod catalogue;
#[cfg(test)]
mod exposition;
#[cfg(test)]
mod grafana;
#[cfg(test)]
mod navigation;
#[cfg(test)]
mod promtool;
#[cfg(test)]
mod query;
#[cfg(test)]
mod questions;
#[cfg(test)]
mod rules;

/// Path of a file or folder of the source tree.
#[cfg(test)]
fn tree(path: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// Files with this extension in a folder of the source tree, sorted; fails if there are
/// none.
#[cfg(test)]
fn files(folder: &str, extension: &str) -> Vec<std::path::PathBuf> {
    let folder = tree(folder);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = entries
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no *.{extension} in {}", folder.display());
    files
}

/// Contents of a file.
#[cfg(test)]
fn read(path: &std::path::Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Findings, collected so that one run reports all of them.
#[cfg(test)]
#[derive(Default)]
struct Complaints(Vec<String>);

#[cfg(test)]
impl Complaints {
    fn add(&mut self, place: &str, what: &str) {
        self.0.push(format!("{place}: {what}"));
    }

    fn expect(&mut self, place: &str, holds: bool, what: &str) {
        if !holds {
            self.add(place, what);
        }
    }

    fn assert_none(self) {
        assert!(self.0.is_empty(), "{} complaints:\n{}", self.0.len(), self.0.join("\n"));
    }
}
