//! Ways between the dashboards, and what is drawn on all of their panels: links and annotations.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::Complaints;
use crate::catalogue::Catalogue;
use crate::grafana::{Dashboard, list, text, without_variables};
use crate::query::Query;

/// Names within `${..}` of a text that begin with a prefix, such as `__field.labels.`.
fn placeholders<'a>(url: &'a str, prefix: &'a str) -> impl Iterator<Item = &'a str> {
    url.split("${").skip(1).filter_map(move |rest| rest.split('}').next()?.strip_prefix(prefix))
}

/// Links of a panel: those of all its fields, and of single ones.
fn links(panel: &Value) -> Vec<&Value> {
    let overrides = list(panel, "/fieldConfig/overrides").iter().flat_map(|it| list(it, "/properties"));
    let of_single = overrides.filter(|property| property["id"] == "links").flat_map(|it| list(it, "/value"));
    list(panel, "/fieldConfig/defaults/links").iter().chain(of_single).collect()
}

/// Names that the fields of a table have.
fn columns(panel: &Value) -> BTreeSet<&str> {
    let renamed = list(panel, "/transformations").iter().filter_map(|it| it.pointer("/options/renameByName"));
    renamed.filter_map(Value::as_object).flat_map(|it| it.values()).filter_map(Value::as_str).collect()
}

#[test]
fn every_dashboard_leads_to_all_others() {
    let mut complaints = Complaints::default();
    for Dashboard { file, json } in Dashboard::all() {
        let found = list(&json, "/links").iter().any(|link| {
            let by_tag = link["type"] == "dashboards" && list(link, "/tags").contains(&Value::from("riscope"));
            by_tag && link["includeVars"] == true && link["keepTime"] == true
        });
        complaints.expect(&file, found, "no links to the dashboards with the tag riscope, with variables and time");
    }
    complaints.assert_none();
}

#[test]
fn a_panels_links_lead_to_a_dashboard_and_carry_what_they_were_followed_from() {
    let catalogue = Catalogue::new();
    let dashboards = Dashboard::all();
    let mut complaints = Complaints::default();
    let mut followed = BTreeSet::new();
    for dashboard in &dashboards {
        for panel in dashboard.panels() {
            let place = dashboard.place(panel);
            let queries = list(panel, "/targets").iter().map(|target| without_variables(text(target, "/expr")));
            let queries: Vec<_> = queries.map(|text| Query::parse(&text).expect("checked by another test")).collect();
            for link in links(panel) {
                let mut expect = |holds: bool, what: &str| complaints.expect(&place, holds, what);
                let url = text(link, "/url");
                let to = url.strip_prefix("/d/").and_then(|rest| rest.split('?').next()).unwrap_or_default();
                let leads_to = dashboards.iter().find(|it| it.json["uid"] == to && it.file != dashboard.file);
                expect(leads_to.is_some(), "a link leads to no other dashboard");
                expect(!text(link, "/title").is_empty(), "a link has no title");
                for part in ["var-instance=", "${datasource:queryparam}", "${job:queryparam}", "${__url_time_range}"] {
                    expect(url.contains(part), &format!("a link does not carry {part}"));
                }
                let variables = leads_to.map_or(&[][..], |it| list(&it.json, "/templating/list"));
                for variable in url.split("var-").skip(1).filter_map(|rest| rest.split('=').next()) {
                    let exists = variables.iter().any(|it| it["name"] == variable);
                    expect(exists, &format!("a link sets {variable}, which its dashboard does not have"));
                }
                for label in placeholders(url, "__field.labels.") {
                    let has_label = queries.iter().all(|query| catalogue.labels_of(query).contains(label));
                    expect(has_label, &format!("a link takes the label {label}, which a series lacks"));
                }
                let columns = columns(panel);
                for field in placeholders(url, "__data.fields.") {
                    expect(columns.contains(field), &format!("a link takes the field {field}, which the table lacks"));
                }
                followed.insert(to.to_owned());
            }
        }
    }
    complaints.assert_none();
    assert!(followed.len() > 1, "links of panels lead to {followed:?} only");
}

#[test]
fn annotations_name_only_what_is_exported_and_show_resets_and_states() {
    let mut catalogue = Catalogue::new();
    catalogue.add("ALERTS", ["alertname", "alertstate"].map(str::to_owned).into());
    let mut complaints = Complaints::default();
    for Dashboard { file, json } in Dashboard::all() {
        let mut series = BTreeSet::new();
        for annotation in list(&json, "/annotations/list") {
            let place = format!("{file}, annotation {:?}", text(annotation, "/name"));
            let expression = without_variables(text(annotation, "/target/expr"));
            match Query::parse(&expression) {
                Err(error) => complaints.add(&place, &format!("{error}: {expression}")),
                Ok(query) => {
                    for what in catalogue.complaints(&query) {
                        complaints.add(&place, &what);
                    }
                    for selector in query.selectors {
                        complaints.expect(&place, selector.has("job", "=~", ".+"), "a series of any job");
                        series.insert(selector.name);
                    }
                }
            }
        }
        for name in ["riscope_vm_resets_total", "riscope_vm_state"] {
            complaints.expect(&file, series.contains(name), &format!("{name} is not annotated"));
        }
    }
    complaints.assert_none();
}
