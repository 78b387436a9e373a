//! Generator of `METRICS.md` from the catalogue.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::catalog::FAMILIES;
use super::family::{Family, Kind};
use super::question::QUESTIONS;

const HEAD: &str = "\
# Metrics

Everything that `/metrics` exports, and that goes to receivers [by OTLP](OTLP.md) under the same names. This file is
made of the catalogue, `src/metric/catalog.rs`, and of `src/metric/question.rs`;
`BLESS=1 cargo test -p riscope-telemetry --test telemetry catalog` writes it.

Series with a `vm_id` exist as long as the machine does. Series of closed label sets exist, with 0, before
anything happens. The OpenTelemetry name is what the same thing is called by OpenTelemetry's conventions.

| metric | type | labels | help | OpenTelemetry | buckets |
|---|---|---|---|---|---|
";

const QUESTIONS_HEAD: &str = "
## Questions

What someone on call asks, and the query that answers it. `vm/service/tests/questions.rs` asks each of real
machines. Replace `[5m]` by the range to look at.

| question | query | answer |
|---|---|---|
";

const VALUES: &str = "
## Values of labels

Of those that have a closed set of them.

| label | values | of |
|---|---|---|
";

/// The text of `METRICS.md`.
pub fn markdown() -> String {
    let mut text = HEAD.to_owned();
    for family in FAMILIES {
        let otel = family.otel_name.map_or_else(|| "–".to_owned(), |name| format!("`{name}`"));
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {} | {} | {} |",
            family.name,
            family.kind.as_str(),
            listed(family.labels),
            family.help,
            otel,
            buckets(family),
        );
    }
    text.push_str(QUESTIONS_HEAD);
    for question in QUESTIONS {
        let _ = writeln!(text, "| {} | `{}` | {} |", question.asked, question.query, question.answer);
    }
    text.push_str(VALUES);
    for ((label, values), families) in closed_sets() {
        let of: Vec<_> = families.iter().map(|name| format!("`{name}`")).collect();
        let _ = writeln!(text, "| {label} | {} | {} |", listed(&values), of.join(", "));
    }
    text
}

/// Closed label sets with their values, and the families that use them.
fn closed_sets() -> BTreeMap<(&'static str, Vec<&'static str>), Vec<&'static str>> {
    let mut sets: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for family in FAMILIES {
        for (label, values) in family.closed_sets() {
            let named: Vec<_> = values.iter().copied().filter(|value| !value.is_empty()).collect();
            sets.entry((label, named)).or_default().push(family.name);
        }
    }
    sets
}

fn listed(labels: &[&str]) -> String {
    if labels.is_empty() { "–".to_owned() } else { labels.join(", ") }
}

fn buckets(family: &Family) -> String {
    if family.kind != Kind::Histogram {
        return "–".to_owned();
    }
    family.buckets.iter().map(f64::to_string).collect::<Vec<_>>().join(", ")
}
