//! Exported series and their possible labels.

use std::collections::{BTreeMap, BTreeSet};

use riscope_telemetry::metric::catalog::FAMILIES;
use riscope_telemetry::metric::family::Kind;

use crate::query::Query;

/// Labels that Prometheus adds to every series of a target.
pub(crate) const TARGET_LABELS: [&str; 2] = ["job", "instance"];

/// Series that Prometheus records about every target.
pub(crate) const ABOUT_A_TARGET: [&str; 3] = ["up", "scrape_duration_seconds", "scrape_samples_scraped"];

type Labels = BTreeSet<String>;

/// Series that queries can select.
pub(crate) struct Catalogue {
    /// The series of each family that telemetry exports.
    families: BTreeMap<String, BTreeSet<String>>,
    /// The labels of each series, besides those of the target.
    series: BTreeMap<String, Labels>,
}

impl Catalogue {
    /// The series that telemetry exports, and those that Prometheus records about a target.
    pub(crate) fn new() -> Self {
        let mut catalogue = Self { families: BTreeMap::new(), series: BTreeMap::new() };
        for name in ABOUT_A_TARGET {
            catalogue.add(name, Labels::new());
        }
        for family in FAMILIES {
            let labels: Labels = family.labels.iter().map(|&label| label.to_owned()).collect();
            let suffixes: &[&str] = if family.kind == Kind::Histogram { &["_bucket", "_sum", "_count"] } else { &[""] };
            for suffix in suffixes {
                let name = format!("{}{suffix}", family.name);
                let mut labels = labels.clone();
                labels.extend((*suffix == "_bucket").then(|| "le".to_owned()));
                catalogue.add(&name, labels);
                catalogue.families.entry(family.name.to_owned()).or_default().insert(name);
            }
        }
        catalogue
    }

    /// Adds a series.
    pub(crate) fn add(&mut self, name: &str, labels: Labels) {
        assert!(self.series.insert(name.to_owned(), labels).is_none(), "{name} exists twice");
    }

    /// The exported families, each with the names of its series.
    pub(crate) fn families(&self) -> impl Iterator<Item = (&str, &BTreeSet<String>)> {
        self.families.iter().map(|(family, series)| (family.as_str(), series))
    }

    /// All labels that a series can carry, with those of the target.
    pub(crate) fn labels_of_series(&self, name: &str) -> Labels {
        let own = self.series.get(name).into_iter().flatten().cloned();
        own.chain(TARGET_LABELS.map(str::to_owned)).collect()
    }

    /// All labels that the series of a query can carry, with those of the target.
    pub(crate) fn labels_of(&self, query: &Query) -> Labels {
        let of_series = query.selectors.iter().filter_map(|selector| self.series.get(&selector.name)).flatten();
        of_series.cloned().chain(TARGET_LABELS.map(str::to_owned)).collect()
    }

    /// Series and labels of a query that do not exist.
    pub(crate) fn complaints(&self, query: &Query) -> Vec<String> {
        let mut complaints = Vec::new();
        for selector in &query.selectors {
            match self.series.get(&selector.name) {
                None => complaints.push(format!("there is no series {:?}", selector.name)),
                Some(labels) => {
                    let unknown = selector
                        .matchers
                        .iter()
                        .filter(|matcher| !labels.contains(&matcher.0) && !TARGET_LABELS.contains(&matcher.0.as_str()));
                    complaints.extend(unknown.map(|matcher| format!("{} has no label {}", selector.name, matcher.0)));
                }
            }
        }
        let labels = self.labels_of(query);
        let unknown = query.labels.iter().filter(|label| !labels.contains(*label));
        complaints.extend(unknown.map(|label| format!("none of its series has the label {label}")));
        complaints
    }
}

#[test]
fn unknown_series_and_labels_are_found() {
    let catalogue = Catalogue::new();
    let complaints = |text: &str| catalogue.complaints(&Query::parse(text).expect("valid PromQL"));
    assert_eq!(complaints(r#"sum by (job, le) (riscope_jit_block_guest_bytes_bucket{tier="baseline"})"#), [""; 0]);
    assert_eq!(complaints("riscope_jit_block_guest_bytes"), [r#"there is no series "riscope_jit_block_guest_bytes""#]);
    assert_eq!(complaints(r#"up{tier="baseline"}"#), ["up has no label tier"]);
    assert_eq!(complaints("sum by (pc) (up)"), ["none of its series has the label pc"]);
}
