//! Tests of the dashboards: complete panels, queries of exported metrics only, and use of
//! every exported metric.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::catalogue::Catalogue;
use crate::query::Query;
use crate::rules::{self, Rules};
use crate::{Complaints, files, read, tree};

/// Maximum panels loaded when a dashboard is opened, for clarity.
const MAX_PANELS: usize = 40;

/// Grafana units that the dashboards use; `suffix:` defines one.
const UNITS: [&str; 8] = ["short", "percentunit", "bytes", "Bps", "s", "cps", "eps", "joule"];

/// Variables of Grafana in expressions, each with what it stands for if everything is selected.
const VARIABLES: [(&str, &str); 5] =
    [("$__rate_interval", "1m"), ("$__interval", "10s"), ("$job", ".+"), ("$instance", ".+"), ("$vm_id", ".+")];

/// Type of panels that list the alerts of Grafana's data sources and have no query.
const ALERT_LIST: &str = "alertlist";

/// A query of a panel.
#[derive(Debug)]
pub(crate) struct Target {
    /// Location for messages: dashboard and panel.
    pub(crate) place: String,
    /// Expression with Grafana's variables.
    pub(crate) template: String,
    /// Legend template.
    legend: String,
}

impl Target {
    /// The expression with Grafana's variables replaced as if everything were selected.
    pub(crate) fn expression(&self) -> String {
        without_variables(&self.template)
    }
}

/// An expression with its variables replaced as if everything were selected.
pub(crate) fn without_variables(template: &str) -> String {
    VARIABLES.iter().fold(template.to_owned(), |text, (variable, value)| text.replace(variable, value))
}

/// One dashboard.
pub(crate) struct Dashboard {
    /// Name of its file.
    pub(crate) file: String,
    /// Its contents.
    pub(crate) json: Value,
}

/// A text in JSON; empty if there is none.
pub(crate) fn text<'a>(json: &'a Value, pointer: &str) -> &'a str {
    json.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// A list in JSON; empty if there is none.
pub(crate) fn list<'a>(json: &'a Value, pointer: &str) -> &'a [Value] {
    json.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

impl Dashboard {
    /// All dashboards.
    pub(crate) fn all() -> Vec<Self> {
        files("grafana/dashboards", "json").iter().map(|path| Self::load(path)).collect()
    }

    fn load(path: &Path) -> Self {
        let file = path.file_name().expect("a file").to_string_lossy().into_owned();
        let json = serde_json::from_str(&read(path)).unwrap_or_else(|error| panic!("{file}: {error}"));
        Self { file, json }
    }

    /// Rows and panels, and the panels inside collapsed rows.
    fn elements(&self) -> Vec<&Value> {
        list(&self.json, "/panels")
            .iter()
            .flat_map(|element| std::iter::once(element).chain(list(element, "/panels")))
            .collect()
    }

    /// Panels, those inside collapsed rows too.
    pub(crate) fn panels(&self) -> Vec<&Value> {
        self.elements().into_iter().filter(|element| text(element, "/type") != "row").collect()
    }

    /// Location of a panel for messages.
    pub(crate) fn place(&self, panel: &Value) -> String {
        format!("{}, panel {:?}", self.file, text(panel, "/title"))
    }

    fn targets(&self) -> Vec<Target> {
        let target = |panel: &Value, target: &Value| Target {
            place: self.place(panel),
            template: text(target, "/expr").to_owned(),
            legend: text(target, "/legendFormat").to_owned(),
        };
        let panels = self.panels().into_iter();
        panels.flat_map(|panel| list(panel, "/targets").iter().map(move |found| target(panel, found))).collect()
    }
}

/// Every query of every panel.
pub(crate) fn targets() -> Vec<Target> {
    let targets: Vec<_> = Dashboard::all().iter().flat_map(Dashboard::targets).collect();
    assert!(!targets.is_empty());
    targets
}

/// Whether a panel, query, variable or annotation uses the selected data source.
fn follows_data_source(json: &Value) -> bool {
    text(json, "/datasource/uid") == "${datasource}"
}

#[test]
fn every_dashboard_can_be_found_and_pointed_at_any_data_source() {
    let mut complaints = Complaints::default();
    for Dashboard { file, json } in Dashboard::all() {
        let mut expect = |holds: bool, what: &str| complaints.expect(&file, holds, what);
        expect(json["schemaVersion"] == 42, "schemaVersion is not 42");
        expect(format!("{}.json", text(&json, "/uid")) == file, "uid is not the file's name");
        expect(text(&json, "/title").starts_with("riscope: "), "title does not start with \"riscope: \"");
        expect(!text(&json, "/description").is_empty(), "no description");
        expect(list(&json, "/tags").contains(&Value::from("riscope")), "no tag riscope");
        expect(json.get("id").is_none_or(Value::is_null), "an id of the instance it came from");

        let variables = list(&json, "/templating/list");
        let names: Vec<_> = variables.iter().map(|variable| text(variable, "/name")).collect();
        expect(names.starts_with(&["datasource", "job", "instance"]), "variables datasource, job, instance come first");
        for variable in variables {
            expect(text(variable, "/type") != "query" || follows_data_source(variable), "a variable's data source");
            expect(!text(variable, "/label").is_empty(), "a variable has no label");
        }
        let annotations = list(&json, "/annotations/list");
        let shows_alerts = |annotation: &Value| text(annotation, "/target/expr").starts_with("ALERTS{");
        expect(annotations.iter().any(shows_alerts), "alerts are not annotated");
        expect(annotations.iter().all(follows_data_source), "an annotation has a fixed data source");
    }
    complaints.assert_none();
}

#[test]
fn every_panel_says_what_it_shows_in_which_unit() {
    let mut complaints = Complaints::default();
    for dashboard in Dashboard::all() {
        let mut titles = BTreeSet::new();
        for panel in dashboard.panels() {
            let place = dashboard.place(panel);
            let mut expect = |holds: bool, what: &str| complaints.expect(&place, holds, what);
            let title = text(panel, "/title");
            expect(!title.is_empty() && titles.insert(title.to_owned()), "title missing or not unique");
            expect(text(panel, "/description").ends_with('.'), "description is not a sentence");
            expect(follows_data_source(panel), "fixed data source");
            if text(panel, "/type") == ALERT_LIST {
                let filter = text(panel, "/options/alertInstanceLabelFilter");
                expect(filter.contains(r#"job=~"${job:regex}""#), "alerts of other jobs");
                continue;
            }
            let unit = text(panel, "/fieldConfig/defaults/unit");
            expect(UNITS.contains(&unit) || unit.starts_with("suffix:"), "unknown unit");

            let targets = list(panel, "/targets");
            let mut refs = BTreeSet::new();
            expect(!targets.is_empty(), "no query");
            for target in targets {
                expect(refs.insert(text(target, "/refId").to_owned()), "refId missing or not unique");
                expect(follows_data_source(target), "a query has a fixed data source");
                let of_histogram = text(target, "/expr").contains("_bucket{");
                expect(!of_histogram || target["exemplar"] == true, "a histogram without its exemplars");
            }
        }
    }
    complaints.assert_none();
}

/// Position of a panel on the grid: x, y, width, height.
fn grid(panel: &Value) -> Option<[u64; 4]> {
    let field = |name: &str| panel.pointer("/gridPos")?.get(name)?.as_u64();
    Some([field("x")?, field("y")?, field("w")?, field("h")?])
}

fn overlap(a: [u64; 4], b: [u64; 4]) -> bool {
    a[0] < b[0] + b[2] && b[0] < a[0] + a[2] && a[1] < b[1] + b[3] && b[1] < a[1] + a[3]
}

#[test]
fn panels_have_ids_and_places_of_their_own() {
    let mut complaints = Complaints::default();
    for dashboard in Dashboard::all() {
        let mut ids = BTreeSet::new();
        for element in dashboard.elements() {
            let place = dashboard.place(element);
            let own_id = element["id"].as_u64().is_some_and(|id| ids.insert(id));
            complaints.expect(&place, own_id, "id missing or not unique");
            let fits = grid(element).is_some_and(|[x, _, width, height]| x + width <= 24 && width > 0 && height > 0);
            complaints.expect(&place, fits, "impossible gridPos");
        }
        let top = list(&dashboard.json, "/panels");
        let visible = top.iter().filter(|element| text(element, "/type") != "row").count();
        complaints.expect(&dashboard.file, visible <= MAX_PANELS, "too many panels");
        for level in std::iter::once(top).chain(top.iter().map(|row| list(row, "/panels"))) {
            for (i, panel) in level.iter().enumerate() {
                let overlaps = |other: &Value| grid(panel).zip(grid(other)).is_some_and(|(a, b)| overlap(a, b));
                complaints.expect(&dashboard.place(panel), !level[..i].iter().any(overlaps), "overlaps another");
            }
        }
    }
    complaints.assert_none();
}

#[test]
fn queries_select_by_job_and_instance_over_the_rate_interval() {
    let mut complaints = Complaints::default();
    for Target { place, template, .. } in targets() {
        for range in template.split('[').skip(1) {
            complaints.expect(&place, range.starts_with("$__rate_interval]"), "a range that is not $__rate_interval");
        }
        match Query::parse(&template.replace("$__rate_interval", "1m")) {
            Err(error) => complaints.add(&place, &format!("{error}: {template}")),
            Ok(query) => {
                for selector in query.selectors {
                    let selected = selector.has("job", "=~", "$job") && selector.has("instance", "=~", "$instance");
                    complaints.expect(&place, selected, &format!("{} without job and instance", selector.name));
                }
            }
        }
    }
    complaints.assert_none();
}

#[test]
fn queries_and_legends_name_only_what_is_exported() {
    let mut known = Catalogue::new();
    Rules::load().add_recorded_to(&mut known);
    let mut complaints = Complaints::default();
    for target in targets() {
        let query = Query::parse(&target.expression()).unwrap_or_else(|error| panic!("{}: {error}", target.place));
        for what in known.complaints(&query) {
            complaints.add(&target.place, &what);
        }
        let labels = known.labels_of(&query);
        for label in target.legend.split("{{").skip(1).map(|rest| rest.split("}}").next().unwrap_or(rest)) {
            complaints.expect(
                &target.place,
                labels.contains(label),
                &format!("no series has the legend's label {label}"),
            );
        }
    }
    complaints.assert_none();
}

#[test]
fn every_exported_family_is_shown_or_judged() {
    let mut used = BTreeSet::new();
    let dashboards = targets().into_iter().map(|target| target.expression());
    for expression in dashboards.chain(Rules::load().all.into_iter().map(|rule| rule.expression)) {
        let query = Query::parse(&expression).expect("checked by another test");
        used.extend(query.selectors.into_iter().map(|selector| selector.name));
    }
    let mut complaints = Complaints::default();
    for (family, series) in Catalogue::new().families() {
        complaints.expect(family, !series.is_disjoint(&used), "in no panel and in no rule");
    }
    complaints.assert_none();
}

#[test]
fn a_threshold_that_a_panel_draws_for_an_alert_is_the_alerts() {
    let rules = Rules::load();
    let mut drawn = 0;
    for dashboard in Dashboard::all() {
        for panel in dashboard.panels() {
            let place = dashboard.place(panel);
            for alert in rules::alert_names(text(panel, "/description")) {
                let rule = rules.alert(&alert).unwrap_or_else(|| panic!("{place}: there is no alert {alert}"));
                let numbers = Query::parse(&rule.expression).expect("checked by another test").numbers;
                let steps = list(panel, "/fieldConfig/defaults/thresholds/steps").iter();
                for step in steps.filter_map(|step| step["value"].as_f64()) {
                    assert!(numbers.contains(&step), "{place}: draws {step}, {alert} compares with {numbers:?}");
                    drawn += 1;
                }
            }
        }
    }
    assert!(drawn > 0, "no panel draws the threshold of an alert");
}

#[test]
fn provisioning_points_grafana_at_the_dashboards() {
    let read_yaml = |path: &str| -> Value { rules::yaml(&tree(path)) };
    let sources = read_yaml("grafana/provisioning/datasources/prometheus.yaml");
    assert_eq!(text(&sources, "/datasources/0/type"), "prometheus");
    let scrape = rules::yaml(&tree("deploy/prometheus/prometheus.yml"));
    assert_eq!(text(&sources, "/datasources/0/jsonData/timeInterval"), text(&scrape, "/global/scrape_interval"));
    let dashboards = read_yaml("grafana/provisioning/dashboards/riscope.yaml");
    assert_eq!(text(&dashboards, "/providers/0/type"), "file");
    assert!(!text(&dashboards, "/providers/0/options/path").is_empty());
}
