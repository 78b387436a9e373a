//! The rule tests of Prometheus, evaluated in process.

use std::collections::BTreeSet;
use std::sync::Arc;

use riscope_telemetry::alert::{Alert, Evaluator, Labels, PROMETHEUS_ONLY, Rules, State};
use serde_json::Value;

use crate::notation::{milliseconds, series, values};
use crate::{files, yaml};

/// A test of `promtool`: series, and the times at which rules are evaluated.
pub(crate) struct Case {
    pub(crate) json: Value,
    /// Time between two evaluations in milliseconds.
    pub(crate) evaluation_ms: i64,
    interval_ms: i64,
    series: Vec<(Arc<str>, Labels, Vec<Option<f64>>)>,
    external_labels: Labels,
}

/// Alerts that are tested with `promtool`, or one of them in process.
pub(crate) fn array<'a>(json: &'a Value, key: &str) -> &'a [Value] {
    json[key].as_array().map_or(&[], Vec::as_slice)
}

pub(crate) fn labels(json: &Value) -> Labels {
    let pairs = json.as_object().into_iter().flatten();
    Labels::new(pairs.map(|(name, value)| (name.as_str(), value.as_str().expect("a text"))))
}

impl Case {
    pub(crate) fn new(json: &Value, evaluation_interval: &str) -> Self {
        let of_series = |json: &Value| {
            let (name, labels) = series(json["series"].as_str().expect("a series"));
            (name, labels, values(json["values"].as_str().expect("values")))
        };
        Self {
            evaluation_ms: milliseconds(evaluation_interval),
            interval_ms: milliseconds(json["interval"].as_str().expect("an interval")),
            series: array(json, "input_series").iter().map(of_series).collect(),
            external_labels: labels(&json["external_labels"]),
            json: json.clone(),
        }
    }

    pub(crate) fn name(&self) -> &str {
        self.json["name"].as_str().expect("a test has a name")
    }

    /// Names and labels of the series.
    pub(crate) fn names(&self) -> impl Iterator<Item = (&Arc<str>, &Labels)> {
        self.series.iter().map(|(name, labels, _)| (name, labels))
    }

    /// The last time at which something is expected, in milliseconds.
    pub(crate) fn end_ms(&self) -> i64 {
        let checks = array(&self.json, "alert_rule_test").iter().chain(array(&self.json, "promql_expr_test"));
        checks.map(|check| milliseconds(check["eval_time"].as_str().expect("a time"))).max().unwrap_or_default()
    }

    /// Evaluates rules as `promtool` does, from 0 to `end_ms`; calls `look` after each
    /// evaluation with its time.
    pub(crate) fn run(&self, rules: Rules, end_ms: i64, mut look: impl FnMut(i64, &Evaluator)) {
        let mut evaluator = Evaluator::new(rules, self.external_labels.clone());
        let mut next = 0;
        for time_ms in (0..).map(|step| step * self.evaluation_ms).take_while(|time_ms| *time_ms <= end_ms) {
            while i64::try_from(next).expect("few") * self.interval_ms <= time_ms {
                let sample_ms = i64::try_from(next).expect("few") * self.interval_ms;
                for (name, labels, values) in &self.series {
                    if let Some(Some(value)) = values.get(next) {
                        evaluator.append(name, labels.clone(), sample_ms, *value);
                    }
                }
                next += 1;
            }
            let outcome = evaluator.evaluate_all(time_ms);
            assert!(outcome.failures.is_empty(), "{}: {:?}", self.name(), outcome.failures);
            look(time_ms, &evaluator);
        }
    }
}

/// All tests of the rules, with the names of their files.
pub(crate) fn cases() -> Vec<(String, Case)> {
    let of_file = |path: &std::path::PathBuf| {
        let file = path.file_name().expect("a name").to_string_lossy().into_owned();
        let json = yaml(path);
        let interval = json["evaluation_interval"].as_str().expect("an interval").to_owned();
        let tests = array(&json, "tests").iter().map(|test| (file.clone(), Case::new(test, &interval)));
        tests.collect::<Vec<_>>()
    };
    files("deploy/prometheus/tests").iter().flat_map(of_file).collect()
}

/// Names of the alerts that only Prometheus evaluates.
pub(crate) fn prometheus_only() -> BTreeSet<String> {
    let groups = files("deploy/prometheus/rules")
        .iter()
        .flat_map(|path| array(&yaml(path), "groups").to_vec())
        .collect::<Vec<_>>();
    let outside = groups.iter().filter(|group| group["name"].as_str().is_some_and(|it| it.ends_with(PROMETHEUS_ONLY)));
    let rules = outside.flat_map(|group| array(group, "rules"));
    rules.filter_map(|rule| rule["alert"].as_str().map(str::to_owned)).collect()
}

/// Firing alerts of a rule: labels and annotations.
pub(crate) fn firing(evaluator: &Evaluator, name: &str) -> BTreeSet<(Labels, Labels)> {
    let is_meant = |alert: &&Alert| alert.state == State::Firing && alert.name() == name;
    evaluator.alerts().filter(is_meant).map(|alert| (alert.labels.clone(), alert.annotations.clone())).collect()
}

/// Alerts that a check expects.
fn expected(check: &Value, name: &str) -> BTreeSet<(Labels, Labels)> {
    let alert = |json: &Value| {
        let mut of_alert = labels(&json["exp_labels"]);
        of_alert.set("alertname", name);
        (of_alert, labels(&json["exp_annotations"]))
    };
    array(check, "exp_alerts").iter().map(alert).collect()
}

#[test]
fn every_rule_test_of_prometheus_passes_in_process() {
    let rules = Rules::shipped().expect("they are valid");
    let outside = prometheus_only();
    assert_eq!(outside, BTreeSet::from(["RiscopeDown", "RiscopeRestarting"].map(str::to_owned)));
    let mut checks = 0;
    for (file, case) in cases() {
        let mut wanted: Vec<_> = array(&case.json, "alert_rule_test").to_vec();
        wanted.retain(|check| !outside.contains(check["alertname"].as_str().expect("a name")));
        let mut seen = 0;
        case.run(rules.clone(), case.end_ms(), |time_ms, evaluator| {
            for check in &wanted {
                let due_ms = milliseconds(check["eval_time"].as_str().expect("a time"));
                if (time_ms..time_ms + case.evaluation_ms).contains(&due_ms) {
                    let name = check["alertname"].as_str().expect("a name");
                    let place = format!("{file}, {}, {name} at {}", case.name(), check["eval_time"]);
                    assert_eq!(firing(evaluator, name), expected(check, name), "{place}");
                    seen += 1;
                }
            }
        });
        assert_eq!(seen, wanted.len(), "{file}, {}", case.name());
        checks += seen;
    }
    assert!(checks > 100, "only {checks} checks");
}
