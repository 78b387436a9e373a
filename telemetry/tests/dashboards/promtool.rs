//! Checks by `promtool`: configuration, rules, rule tests, and every query evaluated on
//! exported series.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::query::{Query, Selector};
use crate::rules::{self, Rules};
use crate::{exposition, files, grafana, tree};

/// Runs a program, which must succeed; returns its output.
fn run(program: &str, arguments: &[&str], files: &[&Path]) -> String {
    let output = Command::new(program).args(arguments).args(files).output();
    let output = output.unwrap_or_else(|error| panic!("{program} is required ({error}): `make tools` installs it"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{program} {}: {}\n{}{}",
        arguments.join(" "),
        output.status,
        text(&output.stdout),
        text(&output.stderr)
    );
    text(&output.stdout)
}

/// Runs `promtool`, which must succeed.
fn promtool(arguments: &[&str], files: &[&Path]) {
    run("promtool", arguments, files);
}

#[test]
fn the_configuration_is_valid() {
    promtool(&["check", "config", "--lint=all", "--lint-fatal"], &[&tree("deploy/prometheus/prometheus.yml")]);
}

#[test]
fn alerts_go_to_an_alertmanager_whose_configuration_is_valid() {
    let prometheus = rules::yaml(&tree("deploy/prometheus/prometheus.yml"));
    let targets = prometheus.pointer("/alerting/alertmanagers/0/static_configs/0/targets/0");
    assert_eq!(targets.and_then(Value::as_str), Some("127.0.0.1:9093"), "nobody is told");
    let file = tree("deploy/prometheus/alertmanager.yml");
    run("amtool", &["check-config"], &[&file]);
    for (severity, receiver) in [("critical", "pager"), ("warning", "mail"), ("info", "nobody")] {
        let file = format!("--config.file={}", file.display());
        let found = run("amtool", &["config", "routes", "test", &file, &format!("severity={severity}")], &[]);
        assert_eq!(found.trim(), receiver, "{severity}");
    }
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

/// Checks that each of these expressions has a result on a scrape of riscope.
fn assert_data(file: &str, expressions: impl Iterator<Item = String>) {
    let has_data = |expression| {
        json!({
            "expr": format!("clamp_max(count({expression}), 1)"),
            "eval_time": "10m",
            "exp_samples": [{"labels": "{}", "value": 1}],
        })
    };
    assert_queries(file, &exposition::busy_process(), expressions.map(has_data).collect());
}

/// Evaluates queries on series with `promtool`.
fn assert_queries(file: &str, series: &[Value], tests: Vec<Value>) {
    assert!(!tests.is_empty());
    // YAML contains JSON.
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(file);
    let test = json!({"interval": "15s", "input_series": series, "promql_expr_test": tests});
    let text = json!({"evaluation_interval": "15s", "tests": [test]}).to_string();
    std::fs::write(&file, text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    promtool(&["test", "rules"], &[&file]);
}

#[test]
fn every_query_of_a_dashboard_finds_data() {
    assert_data("dashboard_queries.yml", grafana::targets().into_iter().map(|target| target.expression()));
}

#[test]
fn no_query_of_a_dashboard_gives_something_that_is_not_a_number_while_processes_come_and_go() {
    // Selects values for which `x * 0` is not 0: NaN and infinity.
    let is_finite = |target: grafana::Target| json!({"expr": format!("count(({}) * 0 != 0)", target.expression()), "eval_time": "10m", "exp_samples": []});
    let tests = grafana::targets().into_iter().map(is_finite).collect();
    assert_queries("dashboard_restarts.yml", &exposition::fast_restarts(), tests);
}

#[test]
fn every_selector_of_a_rule_finds_a_series() {
    let rules = Rules::load();
    let recorded = |selector: &Selector| rules.all.iter().any(|rule| !rule.is_alert && rule.name == selector.name);
    let queries = rules.all.iter().map(|rule| Query::parse(&rule.expression).expect("checked by another test"));
    let selectors: Vec<_> = queries.flat_map(|query| query.selectors).filter(|selector| !recorded(selector)).collect();
    assert_data("rule_selectors.yml", selectors.iter().map(ToString::to_string));
}
