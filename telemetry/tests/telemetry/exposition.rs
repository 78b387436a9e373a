//! Strict parser of the Prometheus text format 0.0.4 and OpenMetrics 1.0, independent of
//! the encoders.

use std::collections::{BTreeMap, BTreeSet};

/// Labels of a series, sorted.
pub(crate) type Labels = BTreeMap<String, String>;

/// Name and labels of a series.
pub(crate) type Series = (String, Labels);

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Family {
    pub(crate) kind: String,
    pub(crate) help: String,
    pub(crate) unit: Option<String>,
}

/// A scrape.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Exposition {
    /// Families by their name in the format.
    pub(crate) families: BTreeMap<String, Family>,
    pub(crate) samples: BTreeMap<Series, f64>,
}

#[derive(Clone, Copy, PartialEq)]
enum Format {
    Text,
    OpenMetrics,
}

impl Exposition {
    pub(crate) fn parse_text(text: &str) -> Self {
        Self::parse(text, Format::Text)
    }

    pub(crate) fn parse_open_metrics(text: &str) -> Self {
        let body = text.strip_suffix("# EOF\n").expect("`# EOF` at the end");
        Self::parse(body, Format::OpenMetrics)
    }

    fn parse(text: &str, format: Format) -> Self {
        let mut exposition = Self::default();
        let mut current = None;
        let mut finished = BTreeSet::new();
        assert!(text.is_empty() || text.ends_with('\n'), "the last line has no end");
        for line in text.lines() {
            let family = match line.strip_prefix("# ") {
                Some(comment) => exposition.comment(comment, format),
                None => exposition.sample(line, format),
            };
            if current.as_ref() != Some(&family) {
                assert!(finished.insert(family.clone()), "family {family} is in two pieces: {line}");
                current = Some(family);
            }
        }
        exposition.check_histograms();
        exposition
    }

    /// Parses `# HELP`, `# TYPE` or `# UNIT`; returns the family.
    fn comment(&mut self, comment: &str, format: Format) -> String {
        let mut words = comment.splitn(3, ' ');
        let mut word = || words.next().unwrap_or_else(|| panic!("cut off: # {comment}"));
        let (keyword, name, rest) = (word(), word(), word());
        check_name(name, true);
        assert!(!self.samples.keys().any(|(series, _)| series == name), "{keyword} of {name} behind its samples");
        let family = self.families.entry(name.to_owned()).or_default();
        let (field, value) = match keyword {
            "TYPE" => {
                assert!(["counter", "gauge", "histogram"].contains(&rest), "{rest}");
                (&mut family.kind, rest.to_owned())
            }
            "HELP" => (&mut family.help, unescape(rest, format == Format::OpenMetrics)),
            "UNIT" if format == Format::OpenMetrics => {
                assert!(name.ends_with(&format!("_{rest}")), "{name} does not end with its unit {rest}");
                assert_eq!(family.unit.replace(rest.to_owned()), None, "second unit of {name}");
                return name.to_owned();
            }
            other => panic!("# {other}"),
        };
        assert!(field.is_empty(), "second {keyword} of {name}");
        *field = value;
        name.to_owned()
    }

    /// Parses a sample; returns the family.
    fn sample(&mut self, line: &str, format: Format) -> String {
        let name_end = line.find(['{', ' ']).unwrap_or_else(|| panic!("no value: {line}"));
        let (name, rest) = line.split_at(name_end);
        check_name(name, true);
        let (labels, value) = match rest.strip_prefix('{') {
            Some(rest) => labels(rest),
            None => (Labels::new(), rest),
        };
        let value = value.strip_prefix(' ').unwrap_or_else(|| panic!("no space before the value: {line}"));
        assert!(value.trim() == value && !value.contains(' '), "{line}");
        let number = number(value);
        let family = self.family_of(name, &labels, format);
        let series = (name.to_owned(), labels);
        assert_eq!(self.samples.insert(series, number), None, "the series is there twice: {line}");
        family
    }

    /// The declared family that a sample belongs to.
    fn family_of(&self, name: &str, labels: &Labels, format: Format) -> String {
        let declared = |family: &str| self.families.get(family).map(|family| family.kind.as_str());
        for suffix in ["_bucket", "_sum", "_count"] {
            if let Some(family) = name.strip_suffix(suffix).filter(|family| declared(family) == Some("histogram")) {
                assert_eq!(labels.contains_key("le"), suffix == "_bucket", "{name}");
                if let (Some(bound), Format::OpenMetrics) = (labels.get("le"), format) {
                    assert!(bound == "+Inf" || bound.contains(['.', 'e']), "le={bound:?} is not canonical");
                }
                return family.to_owned();
            }
        }
        let family = match format {
            Format::OpenMetrics => name.strip_suffix("_total").filter(|family| declared(family) == Some("counter")),
            Format::Text => Some(name).filter(|family| declared(family) == Some("counter")),
        };
        let family = family.unwrap_or(name);
        let kind = declared(family).unwrap_or_else(|| panic!("{name} has no TYPE before it"));
        assert!(
            kind != "histogram"
                && (kind == "counter") == (family != name || format == Format::Text && kind == "counter"),
            "{name}"
        );
        assert!(!labels.contains_key("le"), "{name} has a bound and is no histogram");
        family.to_owned()
    }

    /// Checks that histogram buckets are cumulative and that the last equals the count.
    fn check_histograms(&self) {
        let mut buckets: BTreeMap<Series, Vec<(f64, f64)>> = BTreeMap::new();
        for ((name, labels), &value) in &self.samples {
            if let (Some(family), Some(bound)) = (name.strip_suffix("_bucket"), labels.get("le")) {
                let mut labels = labels.clone();
                labels.remove("le");
                buckets.entry((family.to_owned(), labels)).or_default().push((number(bound), value));
            }
        }
        for ((family, labels), mut buckets) in buckets {
            buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
            assert!(
                buckets.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1),
                "{family}{labels:?}"
            );
            let count = self.samples.get(&(format!("{family}_count"), labels.clone()));
            let last = buckets.last().copied();
            assert_eq!(last, count.map(|&count| (f64::INFINITY, count)), "{family}{labels:?}");
            assert!(self.samples.contains_key(&(format!("{family}_sum"), labels)), "{family} has no sum");
        }
    }

    /// The value of a series.
    pub(crate) fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let labels = labels.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        self.samples.get(&(name.to_owned(), labels)).copied()
    }

    /// Sum over the series of a name that carry these labels among others.
    pub(crate) fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let matching = self.samples.iter().filter(|((series, found), _)| {
            series == name && labels.iter().all(|&(label, value)| found.get(label).is_some_and(|it| it == value))
        });
        matching.map(|(_, value)| value).sum()
    }
}

/// Parses `a="b",c="d"} 1`, without the opening brace, into labels and rest.
fn labels(mut rest: &str) -> (Labels, &str) {
    let mut labels = Labels::new();
    loop {
        let (name, behind) = rest.split_once("=\"").unwrap_or_else(|| panic!("no label: {rest}"));
        check_name(name, false);
        let end = closing_quote(behind);
        let (value, behind) = (&behind[..end], &behind[end + 1..]);
        assert_eq!(labels.insert(name.to_owned(), unescape(value, true)), None, "label {name} is there twice");
        match behind.strip_prefix(',') {
            Some(next) => rest = next,
            None => {
                let behind = behind.strip_prefix('}').unwrap_or_else(|| panic!("labels do not end: {behind}"));
                return (labels, behind);
            }
        }
    }
}

fn closing_quote(text: &str) -> usize {
    let mut escaped = false;
    for (index, c) in text.char_indices() {
        match c {
            '"' if !escaped => return index,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    panic!("no closing quote: {text}");
}

fn unescape(text: &str, quotes: bool) -> String {
    let mut plain = String::new();
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        assert!(c != '"' || !quotes, "quote without backslash: {text}");
        if c != '\\' {
            plain.push(c);
            continue;
        }
        plain.push(match characters.next() {
            Some('\\') => '\\',
            Some('n') => '\n',
            Some('"') if quotes => '"',
            other => panic!("\\{other:?} in {text}"),
        });
    }
    plain
}

fn check_name(name: &str, of_metric: bool) {
    let is_valid = |c: char| c.is_ascii_alphanumeric() || c == '_' || of_metric && c == ':';
    let first = name.chars().next();
    assert!(first.is_some_and(|c| !c.is_ascii_digit()) && name.chars().all(is_valid), "{name:?} is no name");
}

fn number(text: &str) -> f64 {
    match text {
        "+Inf" => f64::INFINITY,
        "-Inf" => f64::NEG_INFINITY,
        "NaN" => f64::NAN,
        text => {
            let digits = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.e".contains(&byte));
            assert!(digits, "{text:?} is no number");
            text.parse().unwrap_or_else(|_| panic!("{text:?} is no number"))
        }
    }
}
