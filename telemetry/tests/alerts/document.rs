//! `ALERTS.md`, which is made of the rule files, is current.

use std::fmt::Write as _;

use riscope_telemetry::alert::PROMETHEUS_ONLY;
use serde_json::Value;

use crate::case::array;
use crate::{files, tree, yaml};

const HEAD: &str = "\
# Alerts

The alert rules that riscope ships, made of `deploy/prometheus/rules`;
`BLESS=1 cargo test -p riscope-telemetry --test alerts document` writes this file.

Prometheus evaluates the rules from the files. riscope evaluates the same rules over the samples of its own registry, every 5 s or
as the group of a rule says, when `--listen`, `--alertmanager` or `--alert-rules` is given. The results agree, evaluation by
evaluation. An alert that begins or ceases to fire is

- an event on the bus, `alert.firing` or `alert.resolved`;
- a line on stderr;
- a series of `riscope_alerts` with the labels `alertname`, `alertstate`, `severity` and `vm_id`, like `ALERTS` of Prometheus;
- an entry of `/api/v1/alerts`, in the JSON of Prometheus;
- with `--alertmanager URL`, a notification by `POST /api/v2/alerts`, repeated each minute while it fires.

`--silence MATCHERS` excludes alerts from stderr and notifications, for example `--silence 'alertname=~\"RiscopeJit.*\",vm_id=\"..\"'`.

## Rules

| alert | severity | fires when | evaluated by |
|---|---|---|---|
";

const TAIL: &str = "
The rule files have the expressions, and the reasons of thresholds and windows. `/runbooks/NAME.md` of riscope is the runbook of an alert.

## Rules of your own

`--alert-rules FILE` replaces the rules, by a file in Prometheus's format. Groups whose name ends in `-prometheus-only` are left out.
What is not supported in process is an error at the start, which names the rule:

| | supported |
|---|---|
| selectors | the name of a metric with matchers, `offset`, ranges of up to a day, subqueries with a step |
| operators | arithmetic, comparisons with and without `bool`, `and`, `or`, `unless`, `on`, `ignoring`, `group_left`, `group_right` |
| aggregations | `sum`, `avg`, `min`, `max`, `count`, with `by` or `without` |
| functions | `rate`, `increase`, `delta`, `changes`, `resets`, `avg_over_time`, `min_over_time`, `max_over_time`, `sum_over_time`, `count_over_time`, `last_over_time`, `histogram_quantile`, `absent`, `abs`, `ceil`, `floor`, `clamp`, `clamp_min`, `clamp_max`, `scalar`, `vector`, `time` |
| templates | `$labels.NAME`, `$externalLabels.NAME`, `$value`, `.`, `with`, `if`, `else`, `end`, `humanize`, `humanize1024`, `humanizeDuration`, `humanizePercentage`, `printf` with `%.Nf`, `%v` or `%s` |

The samples have the labels `job=\"riscope\"` and `instance`, which is the address of the endpoint, or the name of the host without one.
They are kept for as long as the longest range of a rule needs, at most 1,048,576 of at most 20,000 series, in 16 MiB and what their
labels take; what does not fit is refused and counted.
";

/// The text of `ALERTS.md`.
fn markdown() -> String {
    let mut text = HEAD.to_owned();
    for group in files("deploy/prometheus/rules").iter().flat_map(|path| array(&yaml(path), "groups").to_vec()) {
        let is_outside = group["name"].as_str().is_some_and(|name| name.ends_with(PROMETHEUS_ONLY));
        for rule in array(&group, "rules").iter().filter(|rule| rule.get("alert").is_some()) {
            let field = |pointer: &str| rule.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
            let name = field("/alert");
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "| [{name}](../deploy/runbooks/{name}.md) | {} | {}{} | {} |",
                field("/labels/severity"),
                field("/annotations/summary").trim_end_matches('.'),
                match field("/for") {
                    "" => String::new(),
                    hold => format!(", for {hold}"),
                },
                if is_outside { "Prometheus" } else { "both" },
            );
        }
    }
    text.push_str(TAIL);
    text
}

#[test]
fn the_document_of_alerts_is_current() {
    let path = tree("telemetry/ALERTS.md");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, markdown()).expect("ALERTS.md can be written");
    }
    let current = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(current == markdown(), "ALERTS.md is out of date: run this test with BLESS=1");
}
