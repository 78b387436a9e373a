//! Silences: alerts about which nobody is told.
//!
//! The syntax is that of Alertmanager's matchers: `alertname="RiscopeHartStalled"`,
//! `{alertname=~"RiscopeJit.*", vm_id!="1"}`. Values without special characters need no
//! quotes; regular expressions match whole values.

use std::str::FromStr;

use regex::Regex;

use super::labels::Labels;

/// Longest text of a silence in bytes.
const MAX_LENGTH: usize = 1024;

/// Conditions on labels, all of which a silenced alert meets.
#[derive(Clone, Debug)]
pub struct Silence(Vec<Matcher>);

/// A condition on a label.
#[derive(Clone, Debug)]
struct Matcher {
    name: String,
    /// Whether the value must match, or must not.
    wanted: bool,
    pattern: Pattern,
}

#[derive(Clone, Debug)]
enum Pattern {
    Text(String),
    Regex(Regex),
}

impl Silence {
    /// Whether an alert with these labels is silenced.
    pub fn matches(&self, labels: &Labels) -> bool {
        self.0.iter().all(|matcher| matcher.matches(labels.get(&matcher.name)))
    }
}

impl Matcher {
    fn matches(&self, value: &str) -> bool {
        let is_match = match &self.pattern {
            Pattern::Text(text) => text == value,
            Pattern::Regex(regex) => regex.is_match(value),
        };
        is_match == self.wanted
    }

    fn new(name: &str, operator: &str, value: &str) -> Result<Self, String> {
        let (wanted, is_regex) = match operator {
            "=" => (true, false),
            "!=" => (false, false),
            "=~" => (true, true),
            _ => (false, true),
        };
        let pattern = if is_regex {
            let regex = Regex::new(&format!("^(?:{value})$"));
            Pattern::Regex(regex.map_err(|_| format!("{value:?} is not a regular expression"))?)
        } else {
            Pattern::Text(value.to_owned())
        };
        Ok(Self { name: name.to_owned(), wanted, pattern })
    }
}

impl FromStr for Silence {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.len() > MAX_LENGTH {
            return Err(format!("longer than {MAX_LENGTH} bytes"));
        }
        let text = text.trim();
        let inner = match text.strip_prefix('{') {
            Some(inner) => inner.strip_suffix('}').ok_or("{ without }")?,
            None => text,
        };
        let mut rest = inner.trim();
        let mut matchers = Vec::new();
        while !rest.is_empty() {
            let (matcher, behind) = first(rest)?;
            matchers.push(matcher);
            rest = match behind.trim_start().strip_prefix(',') {
                Some(behind) => behind.trim_start(),
                None if behind.trim().is_empty() => "",
                None => return Err(format!("a comma is missing before {:?}", behind.trim())),
            };
        }
        if matchers.is_empty() {
            return Err("it matches everything; give a matcher such as alertname=\"RiscopeHartStalled\"".to_owned());
        }
        Ok(Self(matchers))
    }
}

/// The first matcher of a list, and what follows it.
fn first(text: &str) -> Result<(Matcher, &str), String> {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(format!("a label is missing in {text:?}"));
    }
    let rest = rest.trim_start();
    let operator = ["=~", "!=", "!~", "="].into_iter().find(|operator| rest.starts_with(operator));
    let operator = operator.ok_or_else(|| format!("one of =, !=, =~, !~ is missing after {name}"))?;
    let (value, behind) = value(rest[operator.len()..].trim_start())?;
    Ok((Matcher::new(name, operator, &value)?, behind))
}

/// The value at the beginning of a text, and what follows it.
fn value(text: &str) -> Result<(String, &str), String> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(|c: char| c == ',' || c.is_whitespace()).unwrap_or(text.len());
        let (value, behind) = text.split_at(end);
        let is_plain = !value.contains(['"', '{', '}', '=', '~']);
        return is_plain.then(|| (value.to_owned(), behind)).ok_or_else(|| format!("{value:?} needs quotes"));
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((index, character)) = characters.next() {
        match character {
            '"' => return Ok((value, &quoted[index + 1..])),
            '\\' => match characters.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, escaped @ ('"' | '\\'))) => value.push(escaped),
                // Of a regular expression.
                Some((_, other)) => value.extend(['\\', other]),
                None => break,
            },
            _ => value.push(character),
        }
    }
    Err("a quote is missing at the end".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels() -> Labels {
        Labels::new([("alertname", "RiscopeHartStalled"), ("vm_id", "1"), ("name", "a, b")])
    }

    #[test]
    fn alerts_are_matched_as_alertmanager_matches_them() {
        let matches =
            |text: &str| text.parse::<Silence>().unwrap_or_else(|error| panic!("{text}: {error}")).matches(&labels());
        for text in [
            "alertname=RiscopeHartStalled",
            "{ alertname = \"RiscopeHartStalled\" , vm_id=~\"1|2\", }",
            "alertname=~Riscope.+,gone=\"\"",
            "name=\"a, b\"",
            "vm_id!=2,vm_id!~\"[2-9]\"",
            r#"vm_id=~"\d""#,
        ] {
            assert!(matches(text), "{text}");
        }
        for text in ["alertname=Riscope", "alertname=~Riscope", "vm_id!~\"1|2\"", "vm_id=1,gone!=\"\""] {
            assert!(!matches(text), "{text}");
        }
    }

    #[test]
    fn what_is_no_matcher_is_an_error() {
        for text in ["", "{}", "{a=b", "a", "a b", "=b", "a=\"b", "a=b c=d", "a=~\"(\"", "1a=b", "a=b\"c\"", "a==b"] {
            assert!(text.parse::<Silence>().is_err(), "{text}");
        }
        assert!(format!("a={}", "b".repeat(MAX_LENGTH)).parse::<Silence>().is_err());
    }
}
