//! Rule files: the YAML of Prometheus, of which the same files are loaded there and here.
//!
//! A group whose name ends in [`PROMETHEUS_ONLY`] is not evaluated in process: its rules need
//! what exists only outside of the process, such as `up`.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use promql_parser::util::parse_duration;
use serde::Deserialize;

use super::promql::{self, Expr};
use super::template::Template;

/// End of the names of groups that only Prometheus evaluates.
pub const PROMETHEUS_ONLY: &str = "-prometheus-only";
/// Interval of groups that give none.
pub const DEFAULT_INTERVAL: Duration = Duration::from_secs(5);
/// Shortest interval of a group.
const MIN_INTERVAL: Duration = Duration::from_millis(100);
/// Longest duration in a file.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 60 * 60);
/// Most rules of all files together.
const MAX_RULES: usize = 1_000;

/// The rules that riscope ships: the files of `deploy/prometheus/rules`.
const SHIPPED: [(&str, &str); 3] = [
    ("recording.yml", include_str!("../../../deploy/prometheus/rules/recording.yml")),
    ("alerts.yml", include_str!("../../../deploy/prometheus/rules/alerts.yml")),
    ("machine.yml", include_str!("../../../deploy/prometheus/rules/machine.yml")),
];

/// Why rules cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// The file is not what Prometheus takes as a rule file.
    #[error("{file}: {reason}")]
    File {
        /// Name of the file.
        file: String,
        /// Reason.
        reason: String,
    },
    /// A rule cannot be evaluated in process.
    #[error("{file}: rule {rule}: {reason}")]
    Rule {
        /// Name of the file.
        file: String,
        /// Name of the rule.
        rule: String,
        /// Reason.
        reason: String,
    },
}

/// A rule that records the result of an expression as a series.
#[derive(Clone, Debug)]
pub(super) struct Recording {
    pub(super) name: Arc<str>,
    pub(super) expr: Expr,
    pub(super) labels: Vec<(Arc<str>, Arc<str>)>,
}

/// A rule with alerts.
#[derive(Clone, Debug)]
pub(super) struct AlertRule {
    pub(super) name: Arc<str>,
    pub(super) expr: Expr,
    /// How long the condition holds before an alert fires.
    pub(super) hold: Duration,
    /// How long an alert goes on after its condition has ceased to hold.
    pub(super) keep_firing: Duration,
    pub(super) labels: Vec<(Arc<str>, Template)>,
    pub(super) annotations: Vec<(Arc<str>, Template)>,
}

/// Rules that are evaluated together, recordings before alerts of any group.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) interval: Duration,
    pub(super) recordings: Vec<Recording>,
    pub(super) alerts: Vec<AlertRule>,
}

/// Alert and recording rules.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    pub(super) groups: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    groups: Vec<RawGroup>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawGroup {
    name: String,
    interval: Option<String>,
    rules: Vec<RawRule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRule {
    alert: Option<String>,
    record: Option<String>,
    expr: String,
    #[serde(rename = "for")]
    hold: Option<String>,
    keep_firing_for: Option<String>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

impl Rules {
    /// The rules that riscope ships.
    ///
    /// # Errors
    /// If one of them cannot be evaluated in process, which a test excludes.
    pub fn shipped() -> Result<Self, RuleError> {
        let mut rules = Self::default();
        SHIPPED.iter().try_for_each(|(file, text)| rules.add(file, text))?;
        Ok(rules)
    }

    /// Adds the rules of a file with this name and text.
    ///
    /// # Errors
    /// If the file is wrong, or one of its rules cannot be evaluated in process.
    pub fn add(&mut self, file: &str, text: &str) -> Result<(), RuleError> {
        let wrong = |reason: String| RuleError::File { file: file.to_owned(), reason };
        let raw: RawFile = serde_saphyr::from_str(text).map_err(|error| wrong(one_line(&error.to_string())))?;
        for group in raw.groups.into_iter().filter(|group| !group.name.ends_with(PROMETHEUS_ONLY)) {
            let interval = duration(group.interval.as_deref()).map_err(&wrong)?.unwrap_or(DEFAULT_INTERVAL);
            let interval = interval.max(MIN_INTERVAL);
            let mut compiled = Group { interval, recordings: Vec::new(), alerts: Vec::new() };
            for rule in group.rules {
                let name = rule.alert.clone().or_else(|| rule.record.clone()).unwrap_or_default();
                let failed = |reason| RuleError::Rule { file: file.to_owned(), rule: name.clone(), reason };
                compiled.add(rule).map_err(failed)?;
            }
            self.groups.push(compiled);
        }
        let number = self.groups.iter().map(|group| group.recordings.len() + group.alerts.len()).sum::<usize>();
        if number > MAX_RULES { Err(wrong(format!("more than {MAX_RULES} rules"))) } else { Ok(()) }
    }

    /// Names of the alerts, in the order of the files.
    pub fn alert_names(&self) -> impl Iterator<Item = &str> {
        self.groups.iter().flat_map(|group| &group.alerts).map(|rule| &*rule.name)
    }

    /// Shortest interval of a group.
    pub fn interval(&self) -> Duration {
        self.groups.iter().map(|group| group.interval).min().unwrap_or(DEFAULT_INTERVAL)
    }

    /// Metrics that the rules refer to, with the age in milliseconds up to which their
    /// samples are needed.
    pub(super) fn needs(&self) -> HashMap<Arc<str>, i64> {
        let mut needs: HashMap<Arc<str>, i64> = HashMap::new();
        let recordings = self.groups.iter().flat_map(|group| group.recordings.iter().map(|rule| &rule.expr));
        let alerts = self.groups.iter().flat_map(|group| group.alerts.iter().map(|rule| &rule.expr));
        for (name, age) in recordings.chain(alerts).flat_map(Expr::needs) {
            let needed = needs.entry(name).or_insert(age);
            *needed = age.max(*needed);
        }
        needs
    }
}

impl Group {
    fn add(&mut self, rule: RawRule) -> Result<(), String> {
        let expr = promql::compile(&rule.expr)?;
        match (rule.alert, rule.record) {
            (Some(name), None) => {
                self.alerts.push(AlertRule {
                    name: name.into(),
                    expr,
                    hold: duration(rule.hold.as_deref())?.unwrap_or_default(),
                    keep_firing: duration(rule.keep_firing_for.as_deref())?.unwrap_or_default(),
                    labels: templates(&rule.labels)?,
                    annotations: templates(&rule.annotations)?,
                });
                Ok(())
            }
            (None, Some(name)) => {
                let labels = rule.labels.iter().map(|(name, value)| (name.as_str().into(), value.as_str().into()));
                self.recordings.push(Recording { name: name.into(), expr, labels: labels.collect() });
                Ok(())
            }
            _ => Err("either `alert` or `record` is needed".to_owned()),
        }
    }
}

fn duration(text: Option<&str>) -> Result<Option<Duration>, String> {
    match text {
        None | Some("0" | "0s" | "0m") => Ok(None),
        // The parser takes seconds without a unit, which Prometheus does not, and any number of them.
        Some(text) if text.parse::<f64>().is_ok() => Err(format!("{text} has no unit; give a duration such as 5m")),
        Some(text) => match parse_duration(text)? {
            duration if duration <= LONGEST => Ok(Some(duration)),
            _ => Err(format!("{text} is longer than a year")),
        },
    }
}

fn templates(texts: &BTreeMap<String, String>) -> Result<Vec<(Arc<str>, Template)>, String> {
    let parse = |(name, text): (&String, &String)| {
        let template = Template::parse(text).map_err(|reason| format!("{name}: {reason}"))?;
        Ok((name.as_str().into(), template))
    };
    texts.iter().map(parse).collect()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_rule_can_be_evaluated_in_process() {
        let rules = Rules::shipped().unwrap_or_else(|error| panic!("{error}"));
        assert!(rules.alert_names().count() > 10);
        assert_eq!(rules.interval(), DEFAULT_INTERVAL);
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/prometheus/rules");
        let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|it| it.unwrap().file_name()).collect();
        let mut included = SHIPPED.map(|(file, _)| std::ffi::OsString::from(file)).to_vec();
        files.sort();
        included.sort();
        assert_eq!(files, included);
    }

    #[test]
    fn a_wrong_file_is_an_error_in_one_line_that_names_the_rule() {
        let error = |text: &str| Rules::default().add("x.yml", text).expect_err(text).to_string();
        let rule = |rule: &str| error(&format!("groups:\n  - name: g\n    rules:\n      - {rule}\n"));
        assert!(rule("{alert: A, expr: 'topk(1, a)'}").starts_with("x.yml: rule A: "));
        assert!(rule("{alert: A, expr: a, annotations: {x: '{{ query }}'}}").contains("rule A: x: "));
        assert!(rule("{alert: A, record: B, expr: a}").contains("either"));
        for duration in ["5", "-5", "nan", "inf", "1e30"] {
            let told = rule(&format!("{{alert: A, expr: a, for: '{duration}'}}"));
            assert!(told.contains("has no unit"), "{told}");
        }
        assert!(rule("{alert: A, expr: a, for: 9999d}").contains("longer than a year"));
        for text in ["", "groups: 3", "groups:\n  - name: g\n    rules: []\n    limit: 3\n", "groups: [*a]"] {
            let told = error(text);
            assert!(told.starts_with("x.yml: ") && !told.contains('\n'), "{told}");
        }
        let none =
            Rules::default().add("x.yml", "groups:\n  - {name: g-prometheus-only, rules: [{alert: A, expr: '('}]}\n");
        assert_eq!(none, Ok(()));
    }
}
