//! Tests that the catalogue follows Prometheus's naming rules and that `METRICS.md` is
//! current.

use std::collections::BTreeSet;
use std::path::Path;

use riscope_telemetry::metric::catalog::FAMILIES;
use riscope_telemetry::metric::document::markdown;
use riscope_telemetry::metric::family::{Family, Kind, Unit};

/// Panics unless `check` holds for every family.
fn all(check: impl Fn(&Family) -> bool) {
    let bad: Vec<_> = FAMILIES.iter().filter(|family| !check(family)).map(|family| family.name).collect();
    assert!(bad.is_empty(), "{bad:?}");
}

fn is_snake_case(name: &str) -> bool {
    !name.is_empty()
        && name
            .split('_')
            .all(|word| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()))
        && !name.starts_with(|c: char| c.is_ascii_digit())
}

#[test]
fn names_are_unique_and_have_a_known_prefix() {
    let names: BTreeSet<_> = FAMILIES.iter().map(|family| family.name).collect();
    assert_eq!(names.len(), FAMILIES.len());
    all(|family| is_snake_case(family.name));
    all(|family| ["riscope_", "process_", "otel_sdk_"].iter().any(|prefix| family.name.starts_with(prefix)));
}

#[test]
fn counters_and_nothing_else_end_in_total() {
    all(|family| family.name.ends_with("_total") == (family.kind == Kind::Counter));
}

#[test]
fn names_end_with_the_unit_and_no_others_contain_one() {
    all(|family| {
        let name = family.name.strip_suffix("_total").unwrap_or(family.name);
        match family.unit {
            Unit::None => !name.ends_with("_seconds") && !name.ends_with("_bytes"),
            unit => name.ends_with(&format!("_{}", unit.as_str())),
        }
    });
    all(|family| !["_ms", "_millis", "_nanoseconds", "_kb", "_ns"].iter().any(|unit| family.name.contains(unit)));
}

#[test]
fn no_name_ends_like_a_part_of_a_histogram() {
    all(|family| {
        !["_bucket", "_sum", "_count", "_created", "_info_total"].iter().any(|end| family.name.ends_with(end))
    });
}

#[test]
fn labels_are_few_of_closed_sets_and_not_in_the_name() {
    // Information has one series.
    all(|family| family.labels.len() <= 4 || family.name.ends_with("_info"));
    all(|family| {
        family
            .labels
            .iter()
            .all(|label| is_snake_case(label) && !["le", "quantile", "pc", "job", "instance"].contains(label))
    });
    all(|family| family.labels.iter().collect::<BTreeSet<_>>().len() == family.labels.len());
    all(|family| !family.labels.iter().any(|label| family.name.contains(&format!("_by_{label}"))));
}

#[test]
fn no_histogram_has_the_machine_as_a_label() {
    all(|family| family.kind != Kind::Histogram || !family.labels.contains(&"vm_id"));
}

#[test]
fn a_harts_series_are_a_machines_series() {
    all(|family| !family.labels.contains(&"vcpu") || family.labels.contains(&"vm_id"));
}

#[test]
fn histograms_have_growing_finite_buckets_and_others_have_none() {
    all(|family| family.buckets.is_empty() == (family.kind != Kind::Histogram));
    all(|family| family.buckets.windows(2).all(|pair| pair[0] < pair[1]));
    all(|family| family.buckets.iter().all(|bound| bound.is_finite()));
}

#[test]
fn help_is_a_sentence() {
    all(|family| family.help.ends_with('.') && family.help.starts_with(|c: char| c.is_ascii_uppercase()));
    all(|family| !family.help.contains(['\n', '|']));
}

#[test]
fn opentelemetry_names_are_dotted_unique_and_without_total() {
    let names: Vec<_> = FAMILIES.iter().filter_map(|family| family.otel_name).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    for name in names {
        assert!(name.contains('.') && name.split('.').all(is_snake_case) && !name.ends_with("total"), "{name}");
    }
}

#[test]
fn the_document_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("METRICS.md");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, markdown()).expect("METRICS.md can be written");
    }
    let current = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(current == markdown(), "METRICS.md is out of date: run this test with BLESS=1");
}
