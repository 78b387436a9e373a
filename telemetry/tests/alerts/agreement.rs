//! Agreement with Prometheus, evaluation by evaluation: what fires in process is what
//! `promtool` is told to expect.

use std::collections::BTreeSet;

use riscope_telemetry::alert::{Labels, Rules};
use serde_json::{Value, json};

use crate::case::{Case, array, cases, firing, prometheus_only};
use crate::{files, promtool_passes, yaml};

/// Most evaluations of a case whose alerts are compared; more are thinned out.
const MAX_COMPARED: i64 = 240;

fn object(labels: &Labels, without: &str) -> Value {
    let pairs = labels.iter().filter(|(name, _)| *name != without);
    pairs.map(|(name, value)| (name.to_owned(), Value::from(value))).collect::<serde_json::Map<_, _>>().into()
}

/// All rules in one file whose groups have different names, so that `promtool` evaluates them
/// in their order; returns these names. Otherwise it may evaluate an alert before what is
/// recorded for it.
fn ordered_rules() -> (Value, Vec<String>) {
    let mut groups = Vec::new();
    for file in files("deploy/prometheus/rules") {
        for mut group in array(&yaml(&file), "groups").to_vec() {
            let recorded = array(&group, "rules").iter().all(|rule| rule.get("record").is_some());
            let (order, name) = (if recorded { 0 } else { 1 }, group["name"].as_str().expect("a name"));
            let name = format!("{order}-{name}");
            group["name"] = name.clone().into();
            groups.push((name, group));
        }
    }
    groups.sort_by(|a, b| a.0.cmp(&b.0));
    let (names, groups): (Vec<_>, Vec<_>) = groups.into_iter().unzip();
    (json!({ "groups": groups }), names)
}

/// The case with the alerts that fire in process at its evaluations as expectation, and the
/// number of alerts among them.
fn with_expectations(case: &Case, rules: &Rules, names: &BTreeSet<String>) -> (Value, usize) {
    // A window longer than the last expectation, so that alerts resolve.
    let end_ms = case.end_ms() + 10 * case.evaluation_ms;
    let step = (end_ms / case.evaluation_ms / MAX_COMPARED).max(1);
    let (mut checks, mut alerts) = (Vec::new(), 0);
    case.run(rules.clone(), end_ms, |time_ms, evaluator| {
        if time_ms / case.evaluation_ms % step != 0 {
            return;
        }
        for name in names {
            let firing = firing(evaluator, name);
            let expected: Vec<_> = firing
                .iter()
                .map(|(labels, annotations)| {
                    json!({"exp_labels": object(labels, "alertname"), "exp_annotations": object(annotations, "")})
                })
                .collect();
            alerts += expected.len();
            checks.push(json!({"eval_time": format!("{time_ms}ms"), "alertname": name, "exp_alerts": expected}));
        }
    });
    let mut json = case.json.clone();
    json["alert_rule_test"] = checks.into();
    json["promql_expr_test"] = json!([]);
    (json, alerts)
}

#[test]
fn the_same_alerts_fire_as_in_prometheus_at_every_evaluation() {
    let rules = Rules::shipped().expect("they are valid");
    let (ordered, order) = ordered_rules();
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    std::fs::write(folder.join("ordered.rules.yml"), ordered.to_string()).expect("a file");
    let outside = prometheus_only();
    let all: BTreeSet<_> = rules.alert_names().map(str::to_owned).filter(|name| !outside.contains(name)).collect();
    let mut compared = 0;
    let mut by_interval: std::collections::BTreeMap<i64, Vec<Value>> = std::collections::BTreeMap::new();
    for (_, case) in cases() {
        let (json, alerts) = with_expectations(&case, &rules, &all);
        by_interval.entry(case.evaluation_ms).or_default().push(json);
        compared += alerts;
    }
    for (interval, tests) in by_interval {
        let text = json!({
            "rule_files": ["ordered.rules.yml"],
            "evaluation_interval": format!("{interval}ms"),
            "group_eval_order": order,
            "tests": tests,
        });
        promtool_passes(&format!("agreement-{interval}.yml"), &text.to_string());
    }
    assert!(compared > 500, "only {compared} firing alerts");
}
