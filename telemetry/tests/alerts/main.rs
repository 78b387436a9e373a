//! Tests that rules evaluated in process lead to the alerts of Prometheus.
//!
//! - `notation`: `promtool`'s notation of series;
//! - `case`: the rule tests under `deploy/prometheus/tests`, evaluated in process;
//! - `agreement`: the same alerts as `promtool`, at every evaluation;
//! - `expressions`: the same results as `promtool`, for expressions of all kinds;
//! - `delivery`: Alertmanager, in every mood;
//! - `cost`: what an evaluation takes;
//! - `document`: `ALERTS.md`, made of the rules.

#[cfg(test)]
mod agreement;
#[cfg(test)]
mod case;
#[cfg(test)]
mod cost;
#[cfg(test)]
mod delivery;
#[cfg(test)]
mod document;
#[cfg(test)]
mod expressions;
#[cfg(test)]
mod notation;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Path of a file or folder of the source tree.
#[cfg(test)]
fn tree(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// Contents of a YAML file.
#[cfg(test)]
fn yaml(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    // `0x60` is 0 sixty times more to promtool, and 96 to YAML.
    let quoted = |line: &str| match line.split_once("values: ") {
        Some((indent, values)) if !values.starts_with(['>', '"']) => format!("{indent}values: \"{values}\"\n"),
        _ => format!("{line}\n"),
    };
    let text: String = text.lines().map(quoted).collect();
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// YAML files of a folder of the source tree, sorted; fails if there are none.
#[cfg(test)]
fn files(folder: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(tree(folder)).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let mut files: Vec<_> = entries.map(|entry| entry.expect("a readable folder").path()).collect();
    files.retain(|path| path.extension().is_some_and(|found| found == "yml"));
    files.sort();
    assert!(!files.is_empty(), "no rules in {folder}");
    files
}

/// Writes `text` to a file of this name and has `promtool` run it as rule tests, which must
/// pass.
#[cfg(test)]
fn promtool_passes(file: &str, text: &str) {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(file);
    std::fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let output = Command::new("promtool").args(["test", "rules"]).arg(&path).output();
    let output = output.unwrap_or_else(|error| panic!("promtool is required ({error}): `make tools` installs it"));
    let told = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let told: String = told.chars().take(20_000).collect();
    assert!(output.status.success(), "promtool does not agree, see {}:\n{told}", path.display());
}
