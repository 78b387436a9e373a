//! What Prometheus itself says: `promtool` checks the configuration and the rules, runs the rule tests, and
//! evaluates every query on what telemetry exports.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::query::{Query, Selector};
use crate::rules::Rules;
use crate::{exposition, files, grafana, tree};

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

/// Fails unless each of these expressions has a result on a scrape of riscope.
fn assert_data(file: &str, expressions: impl Iterator<Item = String>) {
    let tests: Vec<Value> = expressions
        .map(|expression| {
            json!({
                "expr": format!("clamp_max(count({expression}), 1)"),
                "eval_time": "10m",
                "exp_samples": [{"labels": "{}", "value": 1}],
            })
        })
        .collect();
    assert!(!tests.is_empty());
    // YAML contains JSON.
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(file);
    let test = json!({"interval": "15s", "input_series": exposition::input_series(), "promql_expr_test": tests});
    let text = json!({"evaluation_interval": "15s", "tests": [test]}).to_string();
    std::fs::write(&file, text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    promtool(&["test", "rules"], &[&file]);
}

#[test]
fn every_query_of_a_dashboard_finds_data() {
    assert_data("dashboard_queries.yml", grafana::targets().into_iter().map(|target| target.expression()));
}

#[test]
fn every_selector_of_a_rule_finds_a_series() {
    let rules = Rules::load();
    let recorded = |selector: &Selector| rules.all.iter().any(|rule| !rule.is_alert && rule.name == selector.name);
    let queries = rules.all.iter().map(|rule| Query::parse(&rule.expression).expect("checked by another test"));
    let selectors: Vec<_> = queries.flat_map(|query| query.selectors).filter(|selector| !recorded(selector)).collect();
    assert_data("rule_selectors.yml", selectors.iter().map(ToString::to_string));
}
