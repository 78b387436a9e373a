//! Tests of recording and alert rules: complete, tested firing and silent, with a runbook
//! each.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use riscope_telemetry::{runbook, runbook_names};
use serde_json::Value;

use crate::catalogue::Catalogue;
use crate::query::Query;
use crate::{Complaints, files, grafana, read};

/// A recording or an alert rule.
#[derive(Debug)]
pub(crate) struct Rule {
    /// The name of the series or of the alert.
    pub(crate) name: String,
    /// Whether it is an alert.
    pub(crate) is_alert: bool,
    /// Its PromQL.
    pub(crate) expression: String,
    json: Value,
}

/// All rules that `deploy/prometheus` loads.
#[derive(Debug)]
pub(crate) struct Rules {
    /// Rules in file order.
    pub(crate) all: Vec<Rule>,
}

/// Parses a YAML file.
pub(crate) fn yaml(path: &Path) -> Value {
    serde_saphyr::from_str(&read(path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The names of riscope's alerts in a text.
pub(crate) fn alert_names(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric());
    words.filter(|word| word.starts_with("Riscope") && word.len() > "Riscope".len()).map(str::to_owned).collect()
}

fn array<'a>(json: &'a Value, key: &str) -> &'a [Value] {
    json[key].as_array().map_or(&[], Vec::as_slice)
}

impl Rules {
    /// Reads all rule files.
    pub(crate) fn load() -> Self {
        let mut all = Vec::new();
        for file in files("deploy/prometheus/rules", "yml") {
            for json in array(&yaml(&file), "groups").iter().flat_map(|group| array(group, "rules")) {
                let text = |key: &str| json[key].as_str().map(str::to_owned);
                all.push(Rule {
                    is_alert: json.get("alert").is_some(),
                    name: text("alert").or_else(|| text("record")).expect("a rule has a name"),
                    expression: text("expr").expect("a rule has an expression"),
                    json: json.clone(),
                });
            }
        }
        Self { all }
    }

    fn alerts(&self) -> impl Iterator<Item = &Rule> {
        self.all.iter().filter(|rule| rule.is_alert)
    }

    /// The alert with this name.
    pub(crate) fn alert(&self, name: &str) -> Option<&Rule> {
        self.alerts().find(|rule| rule.name == name)
    }

    /// Adds the recorded series, with the labels of their expressions.
    pub(crate) fn add_recorded_to(&self, catalogue: &mut Catalogue) {
        for rule in self.all.iter().filter(|rule| !rule.is_alert) {
            let query = Query::parse(&rule.expression).unwrap_or_else(|error| panic!("{}: {error}", rule.name));
            catalogue.add(&rule.name, catalogue.labels_of(&query));
        }
    }
}

#[test]
fn rules_select_the_job_and_name_only_what_is_exported() {
    let rules = Rules::load();
    let mut known = Catalogue::new();
    rules.add_recorded_to(&mut known);
    let mut complaints = Complaints::default();
    for rule in &rules.all {
        let query = Query::parse(&rule.expression).unwrap_or_else(|error| panic!("{}: {error}", rule.name));
        for what in known.complaints(&query) {
            complaints.add(&rule.name, &what);
        }
        for selector in &query.selectors {
            let selected = selector.has("job", "=", "riscope");
            complaints.expect(&rule.name, selected, &format!("{} without job=\"riscope\"", selector.name));
        }
    }
    complaints.assert_none();
}

#[test]
fn recorded_series_are_named_by_level_metric_operation_and_used() {
    let rules = Rules::load();
    let of_rules = rules.all.iter().map(|rule| rule.expression.clone());
    let expressions: Vec<_> = of_rules.chain(grafana::targets().iter().map(grafana::Target::expression)).collect();
    let mut complaints = Complaints::default();
    for rule in rules.all.iter().filter(|rule| !rule.is_alert) {
        let parts = rule.name.split(':').filter(|part| !part.is_empty()).count();
        complaints.expect(&rule.name, parts == 3, "not level:metric:operations");
        let used = expressions.iter().any(|expression| expression.contains(&rule.name));
        complaints.expect(&rule.name, used, "recorded for nobody");
    }
    complaints.assert_none();
}

#[test]
fn every_alert_has_severity_summary_description_and_runbook() {
    let rules = Rules::load();
    let mut known = Catalogue::new();
    rules.add_recorded_to(&mut known);
    let mut complaints = Complaints::default();
    let mut names = BTreeSet::new();
    for rule in rules.alerts() {
        let mut expect = |holds: bool, what: &str| complaints.expect(&rule.name, holds, what);
        let annotation = |key: &str| rule.json["annotations"][key].as_str().unwrap_or_default();
        expect(names.insert(&rule.name) && rule.name.starts_with("Riscope"), "name taken, or without Riscope");
        let severity = rule.json["labels"]["severity"].as_str().unwrap_or_default();
        expect(["critical", "warning", "info"].contains(&severity), "severity is none of critical, warning, info");
        let summary = annotation("summary");
        expect(summary.ends_with('.') && !summary.contains("{{"), "summary is not one fixed sentence");
        expect(annotation("description").contains("{{"), "description names no instance and no value");

        let file = format!("/{}.md", rule.name);
        let url = annotation("runbook_url");
        let base = url.trim_end_matches("{{ end }}").strip_suffix(&file);
        let is_external =
            base.is_some_and(|base| base.starts_with("{{ with $externalLabels.riscope_runbooks }}{{ . }}"));
        expect(is_external, "runbook_url is not its runbook where the external label says");
        let own = if rule.name == "RiscopeDown" {
            // A process that cannot be scraped may serve no runbook; one that can be comes first.
            r#"{{ else }}{{ with query "up{job='riscope'} == 1" }}http://"#
        } else {
            "{{ else }}http://{{ $labels.instance }}/runbooks{{ end }}/"
        };
        expect(url.contains(own), "without the label, runbook_url does not lead to riscope");
        let text = runbook(&rule.name).unwrap_or_default();
        expect(text.starts_with(&format!("# {}\n", rule.name)), "its runbook is missing or has another title");

        let selects = |label: &str| rule.json["expr"].as_str().is_some_and(|text| text.contains(label));
        let shows = |label: &str| annotation("description").contains(&format!("{{{{ $labels.{label} }}}}"));
        // The joined labels include the machine's identity.
        let is_of_vm = selects("group_left (name)");
        expect(!is_of_vm || shows("name") && shows("vm_id"), "it is about a machine and does not show its name");
        let query = Query::parse(&rule.expression).expect("checked by another test");
        expect(
            !known.labels_of(&query).contains("vm_id") || is_of_vm,
            "it is about a machine and not joined with its name",
        );
    }
    assert!(names.len() > 1);
    let mut in_folder = Vec::new();
    for path in files("deploy/runbooks", "md") {
        for mentioned in alert_names(&read(&path)) {
            let exists = rules.alert(&mentioned).is_some();
            complaints.expect(&path.to_string_lossy(), exists, &format!("there is no alert {mentioned}"));
        }
        in_folder.push(path.file_stem().expect("a name").to_string_lossy().into_owned());
    }
    complaints.assert_none();
    assert_eq!(runbook_names().collect::<Vec<_>>(), in_folder, "telemetry/src/runbooks.rs lists other files");
    assert_eq!(runbook("RiscopeDown.md"), runbook("RiscopeDown"));
    assert_eq!(runbook("../Makefile"), None);
}

#[test]
fn every_alert_is_tested_firing_and_silent() {
    // For each alert: cases that expect it, and cases that expect silence.
    let mut cases: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for file in files("deploy/prometheus/tests", "yml") {
        for case in array(&yaml(&file), "tests").iter().flat_map(|test| array(test, "alert_rule_test")) {
            let name = case["alertname"].as_str().expect("a case names its alert");
            let (firing, silent) = cases.entry(name.to_owned()).or_default();
            *if array(case, "exp_alerts").is_empty() { silent } else { firing } += 1;
        }
    }
    let rules = Rules::load();
    for alert in rules.alerts() {
        let found = cases.remove(&alert.name);
        assert!(matches!(found, Some((1.., 1..))), "{}: cases (firing, silent) are {found:?}", alert.name);
    }
    assert!(cases.is_empty(), "tests of alerts that do not exist: {cases:?}");
}
