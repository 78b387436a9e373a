//! Difference of two profiles, by function.
//!
//! Profiles of different length are compared by the shares of their samples.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::model::Profile;

/// Share of a function in two profiles, in parts of all samples: 0 to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Change<'a> {
    /// Name of the function.
    pub name: &'a str,
    /// Share of the samples in itself, before and after.
    pub flat: (f64, f64),
    /// Share with what it calls, before and after.
    pub total: (f64, f64),
}

impl Change<'_> {
    /// Difference of the shares in itself.
    fn by(&self) -> f64 {
        self.flat.1 - self.flat.0
    }
}

/// Functions of both profiles, those that have changed most first; of those that have changed alike, the hottest.
#[must_use]
pub fn compare<'a>(before: &'a Profile, after: &'a Profile) -> Vec<Change<'a>> {
    let (old, new) = (before.totals(), after.totals());
    let names: BTreeSet<&str> = old.keys().chain(new.keys()).copied().collect();
    let (all_old, all_new) = (before.samples(), after.samples());
    let mut changes: Vec<Change<'_>> = names
        .into_iter()
        .map(|name| {
            let (flat_old, total_old) = old.get(name).copied().unwrap_or_default();
            let (flat_new, total_new) = new.get(name).copied().unwrap_or_default();
            let flat = (share(flat_old, all_old), share(flat_new, all_new));
            Change { name, flat, total: (share(total_old, all_old), share(total_new, all_new)) }
        })
        .collect();
    let order = |change: &Change<'_>| (change.by().abs(), change.flat.1);
    changes.sort_by(|a, b| {
        let ((by, share), (other_by, other_share)) = (order(a), order(b));
        other_by.total_cmp(&by).then(other_share.total_cmp(&share))
    });
    changes
}

/// Table of the `limit` functions that have changed most.
#[must_use]
pub fn compare_text(before: &Profile, after: &Profile, limit: usize) -> String {
    let mut text = format!("{} samples before, {} after; shares in percent\n", before.samples(), after.samples());
    text.push_str("  before    after   change  function\n");
    for change in compare(before, after).iter().take(limit) {
        let (old, new) = change.flat;
        // Writing to a string does not fail.
        let _ = writeln!(text, "{:8.2} {:8.2} {:+8.2}  {}", 100.0 * old, 100.0 * new, 100.0 * change.by(), change.name);
    }
    text
}

#[expect(clippy::cast_precision_loss, reason = "a share needs few digits")]
pub(super) fn share(part: u64, all: u64) -> f64 {
    if all == 0 { 0.0 } else { part as f64 / all as f64 }
}

#[cfg(test)]
mod tests {
    use super::super::model::testing::profile;
    use super::*;

    #[test]
    fn functions_are_ordered_by_how_much_their_shares_have_changed() {
        let (before, after) = (profile(&[("main;a", 50), ("main;b", 50)]), profile(&[("main;a", 1), ("main;c", 3)]));
        let changes = compare(&before, &after);
        let names: Vec<_> = changes.iter().map(|change| change.name).collect();
        assert_eq!(names, ["c", "b", "a", "main"]);
        assert_eq!(changes[2].flat, (0.5, 0.25));
        assert_eq!(changes[3].total, (1.0, 1.0));
        let text = compare_text(&before, &after, 2);
        assert!(text.contains("0.00    75.00   +75.00  c") && !text.contains("main"), "{text}");
    }

    #[test]
    fn an_empty_profile_has_no_shares() {
        assert!(compare(&Profile::default(), &Profile::default()).is_empty());
        assert_eq!(compare(&Profile::default(), &profile(&[("a", 1)]))[0].flat, (0.0, 1.0));
    }
}
