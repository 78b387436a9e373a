//! Table of the hottest functions.

use std::fmt::Write;

use super::super::diff::share;
use super::super::model::Profile;

/// The `limit` functions with most samples in themselves.
pub(super) fn encode(profile: &Profile, limit: usize) -> String {
    let all = profile.samples();
    let mut rows: Vec<(&str, (u64, u64))> = profile.totals().into_iter().collect();
    rows.sort_by(|(name, counts), (other, others)| (others, name).cmp(&(counts, other)));
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = writeln!(text, "{all} samples in {:.1} s", share(profile.duration_ns, 1_000_000_000));
    for comment in &profile.comments {
        let _ = writeln!(text, "{comment}");
    }
    text.push_str("    flat   flat%      cum    cum%  function\n");
    for (name, (flat, total)) in rows.into_iter().take(limit) {
        let (flat_share, total_share) = (100.0 * share(flat, all), 100.0 * share(total, all));
        let _ = writeln!(text, "{flat:8} {flat_share:6.2}% {total:8} {total_share:6.2}%  {}", in_module(profile, name));
    }
    text
}

/// `name` with the module that it is in.
fn in_module(profile: &Profile, name: &str) -> String {
    let frame = profile.frames.iter().find(|frame| &*frame.name == name);
    let module = frame.map(|frame| &*frame.module).filter(|module| !module.is_empty() && !name.starts_with(module));
    module.map_or_else(|| name.to_owned(), |module| format!("{name}  {module}"))
}

#[cfg(test)]
mod tests {
    use super::super::super::model::testing::profile;
    use super::*;

    #[test]
    fn the_hottest_function_is_first() {
        let text = encode(&profile(&[("main;f", 3), ("main", 1)]), 10);
        let rows: Vec<_> = text.lines().skip(2).map(|line| line.split_whitespace().collect::<Vec<_>>()).collect();
        assert_eq!(
            rows,
            [["3", "75.00%", "3", "75.00%", "f", "[kernel]"], ["1", "25.00%", "4", "100.00%", "main", "[kernel]"]]
        );
        assert_eq!(encode(&Profile::default(), 10).lines().count(), 2);
    }
}
