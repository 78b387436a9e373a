//! What Prometheus itself says: `promtool` checks the configuration and the rules and runs the rule tests.

use std::path::Path;
use std::process::Command;

use crate::{files, tree};

/// Runs `promtool`, which has to succeed.
fn promtool(arguments: &[&str], files: &[&Path]) {
    let output = Command::new("promtool").args(arguments).args(files).output().unwrap_or_else(|error| {
        panic!("promtool is required ({error}): install Debian's package `prometheus` or a release of Prometheus 2.42 or newer")
    });
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "promtool {}: {}\n{}{}",
        arguments.join(" "),
        output.status,
        text(&output.stdout),
        text(&output.stderr)
    );
}

#[test]
fn the_configuration_is_valid() {
    promtool(&["check", "config", "--lint=all", "--lint-fatal"], &[&tree("deploy/prometheus/prometheus.yml")]);
}

#[test]
fn the_rules_are_valid() {
    let rules = files("deploy/prometheus/rules", "yml");
    let rules: Vec<_> = rules.iter().map(|path| path.as_path()).collect();
    promtool(&["check", "rules", "--lint=all", "--lint-fatal"], &rules);
}

#[test]
fn the_rules_pass_their_tests() {
    let tests = files("deploy/prometheus/tests", "yml");
    let tests: Vec<_> = tests.iter().map(|path| path.as_path()).collect();
    promtool(&["test", "rules"], &tests);
}
