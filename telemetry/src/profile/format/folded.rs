//! Folded stacks: `outermost;..;innermost COUNT`, a line each.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::sync::Arc;

use super::super::model::{Frame, Labels, Profile, Stack};
use crate::profile::shown::shown;

/// Greatest number of functions of a stack that is read.
const MAX_DEPTH: usize = 1024;

/// Samples of each stack, as its functions separated by semicolons.
fn folded(profile: &Profile) -> BTreeMap<String, u64> {
    let mut lines = BTreeMap::new();
    for (stack, count) in &profile.stacks {
        let names: Vec<String> = profile.names(stack).map(cleaned).collect();
        *lines.entry(names.join(";")).or_default() += count;
    }
    lines
}

/// `name` without what separates names, stacks and counts.
fn cleaned(name: &str) -> String {
    name.replace([';', '\n', '\r'], ":")
}

/// A line per stack.
pub(super) fn encode(profile: &Profile) -> String {
    folded(profile).iter().fold(String::new(), |mut text, (stack, count)| {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{stack} {count}");
        text
    })
}

/// A line per stack with its counts in both profiles, as `difffolded.pl` writes them.
pub(super) fn encode_difference(before: &Profile, after: &Profile) -> String {
    let mut lines: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for (stack, count) in folded(before) {
        lines.entry(stack).or_default().0 = count;
    }
    for (stack, count) in folded(after) {
        lines.entry(stack).or_default().1 = count;
    }
    lines.iter().fold(String::new(), |mut text, (stack, (old, new))| {
        let _ = writeln!(text, "{stack} {old} {new}");
        text
    })
}

/// Reads folded stacks; `None` if a line is none.
pub(super) fn decode(bytes: &[u8]) -> Option<Profile> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut profile = Profile { period_ns: 1, ..Profile::default() };
    let mut known = HashMap::<&str, usize>::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        let (stack, count) = line.rsplit_once(' ')?;
        let mut frames = Vec::new();
        for name in stack.split(';').rev().take(MAX_DEPTH) {
            let index = *known.entry(name).or_insert_with(|| {
                let module = Arc::from("");
                profile.frames.push(Frame { name: shown(name.as_bytes()).into(), module, address: 0, is_named: true });
                profile.frames.len() - 1
            });
            frames.push(index);
        }
        profile.stacks.push((Stack { frames, labels: Labels::default() }, count.parse().ok()?));
    }
    (!profile.stacks.is_empty()).then_some(profile)
}

#[cfg(test)]
mod tests {
    use super::super::super::model::testing::profile;
    use super::*;

    #[test]
    fn stacks_are_lines_and_can_be_read() {
        let profile = profile(&[("main;f x;g", 3), ("main", 2), ("main;f x;g", 1)]);
        let text = encode(&profile);
        assert_eq!(text, "main 2\nmain;f x;g 4\n");
        let read = decode(text.as_bytes()).expect("folded stacks");
        assert_eq!((encode(&read), read.samples()), (text, 6));
    }

    #[test]
    fn a_difference_has_the_counts_of_both() {
        let difference = encode_difference(&profile(&[("a;b", 1), ("c", 2)]), &profile(&[("a;b", 3), ("d", 4)]));
        assert_eq!(difference, "a;b 1 3\nc 2 0\nd 0 4\n");
    }
}
