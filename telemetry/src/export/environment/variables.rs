//! Environment variables of a process with the prefix `OTEL_`, and those that carry a trace context (specification,
//! "Environment Variables as Context Propagation Carriers").

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

/// Variables that carry a trace context.
pub(super) const CARRIERS: [&str; 2] = ["TRACEPARENT", "TRACESTATE"];

/// Variables, those read so far, and warnings about them.
#[derive(Debug)]
pub(super) struct Variables {
    values: BTreeMap<String, String>,
    read: BTreeSet<&'static str>,
    /// Messages for users, one sentence each.
    pub(super) warnings: Vec<String>,
}

impl Variables {
    /// Takes those of `process` that have a value; an empty one counts as unset.
    pub(super) fn new(process: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let mut variables = Self { values: BTreeMap::new(), read: BTreeSet::new(), warnings: Vec::new() };
        for (name, value) in process {
            let concerns = |name: &&str| name.starts_with("OTEL_") || CARRIERS.contains(name);
            let Some(name) = name.to_str().filter(concerns) else { continue };
            match value.to_str().map(str::trim) {
                Some("") => {}
                Some(value) => {
                    variables.values.insert(name.to_owned(), value.to_owned());
                }
                None => variables.warn(name, "it is not UTF-8 and is ignored"),
            }
        }
        variables
    }

    /// The value of a variable.
    pub(super) fn get(&mut self, name: &'static str) -> Option<String> {
        self.read.insert(name);
        self.values.get(name).cloned()
    }

    /// The first of these variables that is set, with its value.
    pub(super) fn first(&mut self, names: [&'static str; 2]) -> Option<(&'static str, String)> {
        let found = names.map(|name| self.get(name).map(|value| (name, value)));
        found.into_iter().flatten().next()
    }

    /// A case-insensitive value out of a set, in lower case.
    pub(super) fn choice(&mut self, names: [&'static str; 2]) -> Option<(&'static str, String)> {
        self.first(names).map(|(name, value)| (name, value.to_ascii_lowercase()))
    }

    /// A Boolean: only `true` is true; other values than `false` cause a warning.
    pub(super) fn flag(&mut self, name: &'static str) -> bool {
        let Some(value) = self.get(name) else { return false };
        let is_true = value.eq_ignore_ascii_case("true");
        if !is_true && !value.eq_ignore_ascii_case("false") {
            self.warn(name, format_args!("{value:?} is neither true nor false and counts as false"));
        }
        is_true
    }

    /// A number; one that cannot be parsed counts as unset.
    pub(super) fn number<T: FromStr>(&mut self, name: &'static str) -> Option<T> {
        let text = self.get(name)?;
        let number = text.parse().ok();
        if number.is_none() {
            self.warn(name, format_args!("{text:?} is not a number that can be used and is ignored"));
        }
        number
    }

    /// A positive number.
    pub(super) fn positive(&mut self, name: &'static str) -> Option<usize> {
        let number = self.number(name)?;
        if number == 0 {
            self.warn(name, "0 is not allowed and is ignored");
        }
        (number > 0).then_some(number)
    }

    /// A duration in milliseconds.
    pub(super) fn milliseconds(&mut self, name: &'static str) -> Option<Duration> {
        self.number(name).map(Duration::from_millis)
    }

    /// Adds a warning about a variable, unless another signal has led to the same.
    pub(super) fn warn(&mut self, variable: &str, problem: impl Display) {
        let warning = format!("{variable}: {problem}");
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    /// Variables of OpenTelemetry that are set and have been read.
    pub(super) fn used(&self) -> Vec<&str> {
        let read = |name: &&str| self.read.contains(name) && !CARRIERS.contains(name);
        self.values.keys().map(String::as_str).filter(read).collect()
    }

    /// Variables that are set and have not been read, with their values.
    pub(super) fn unread(&self) -> Vec<(String, String)> {
        let unread = self.values.iter().filter(|(name, _)| !self.read.contains(name.as_str()));
        unread.map(|(name, value)| (name.clone(), value.clone())).collect()
    }
}
