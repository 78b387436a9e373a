//! Test of Rust sources: module heads, file sizes, no disabled tests, named threads. Long functions and unfinished code
//! are lints, in Cargo.toml.

use crate::tree::Text;

/// Maximum lines of a file before its test module.
const FILE_BUDGET: usize = 400;
/// Maximum lines of a test file, whose tests are read one at a time.
const TEST_FILE_BUDGET: usize = 600;

/// Files that may be longer, each with the reason.
const LONG_FILES: &[(&str, &str)] = &[];

/// Forbidden texts, in halves so that this file does not contain them, with the
/// alternative.
const FORBIDDEN: &[(&str, &str, &str)] = &[
    ("#[ign", "ore", "a test runs always or is not there"),
    ("FIX", "ME", "fix it, or say in ARCHITECTURE.md what is absent"),
    ("XX", "X", "fix it, or say in ARCHITECTURE.md what is absent"),
];

/// Whether the file contains only tests.
fn is_test_file(path: &str) -> bool {
    path.contains("/tests/") || path.ends_with("/tests.rs") || path.ends_with("/testing.rs")
}

/// Describes a file without a head.
fn headless(text: &Text) -> Option<String> {
    let head = text.content.lines().next().unwrap_or_default();
    let says_something = head.strip_prefix("//!").is_some_and(|words| words.trim().len() > 10);
    (!says_something).then(|| format!("{}: begins with {head:?} instead of a `//!` head", text.path))
}

/// The number of lines of `content` before its test module.
fn production_lines(content: &str) -> usize {
    let lines: Vec<&str> = content.lines().collect();
    let starts_tests =
        |pair: &[&str]| pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod ") && pair[1].ends_with('{');
    lines.windows(2).position(starts_tests).unwrap_or(lines.len())
}

/// Describes a file over its budget.
fn too_long(text: &Text) -> Option<String> {
    let (lines, budget) = if is_test_file(&text.path) {
        (text.content.lines().count(), TEST_FILE_BUDGET)
    } else {
        (production_lines(&text.content), FILE_BUDGET)
    };
    (lines > budget).then(|| format!("{}: {lines} lines, {budget} are the budget: split it", text.path))
}

/// Forbidden texts of a file.
fn forbidden(text: &Text) -> Vec<String> {
    let mut findings = Vec::new();
    for (number, line) in text.content.lines().enumerate() {
        for (start, end, remedy) in FORBIDDEN {
            let word = format!("{start}{end}");
            if line.contains(&word) {
                findings.push(format!("{}:{}: {word} ({remedy})", text.path, number + 1));
            }
        }
    }
    findings
}

/// Threads of the product without a name, by which `top -H` and debuggers identify them.
fn nameless_threads(text: &Text) -> Vec<String> {
    if is_test_file(&text.path) {
        return Vec::new();
    }
    let spawn = concat!("thread::", "spawn(");
    let lines = text.content.lines().take(production_lines(&text.content)).enumerate();
    lines
        .filter(|(_, line)| line.contains(spawn))
        .map(|(number, _)| format!("{}:{}: give the thread a name with thread::Builder", text.path, number + 1))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs};

    use super::*;
    use crate::tree::{at, expect_none, texts, texts_ending};

    fn text(path: &str, content: &str) -> Text {
        Text { path: path.to_owned(), content: content.to_owned() }
    }

    #[test]
    fn every_source_says_what_it_holds() {
        let findings: Vec<String> = texts_ending(".rs").iter().filter_map(headless).collect();
        expect_none("every .rs file begins with a `//!` head", &findings);
    }

    #[test]
    fn every_source_keeps_its_budget() {
        let files = texts_ending(".rs");
        let allowed: BTreeSet<&str> = LONG_FILES.iter().map(|(path, _)| *path).collect();
        let long: Vec<&Text> = files.iter().filter(|text| too_long(text).is_some()).collect();
        let findings: Vec<String> = long
            .iter()
            .filter(|text| !allowed.contains(text.path.as_str()))
            .filter_map(|text| too_long(text))
            .collect();
        expect_none("files stay readable", &findings);
        let needed: BTreeSet<&str> =
            long.iter().map(|text| text.path.as_str()).filter(|path| allowed.contains(path)).collect();
        assert_eq!(allowed, needed, "every exemption of LONG_FILES is still needed");
    }

    #[test]
    fn nothing_is_unfinished_or_switched_off() {
        let findings: Vec<String> = texts_ending(".rs").iter().flat_map(forbidden).collect();
        expect_none("no unfinished code and no test that is switched off", &findings);
    }

    #[test]
    fn every_thread_has_a_name() {
        let findings: Vec<String> = texts_ending(".rs").iter().flat_map(nameless_threads).collect();
        expect_none("threads of the product have names", &findings);
    }

    #[test]
    fn every_member_takes_the_lints_of_the_workspace() {
        let manifests: Vec<Text> = texts().into_iter().filter(|text| text.path.ends_with("/Cargo.toml")).collect();
        let members = fs::read_to_string(at("Cargo.toml")).expect("the workspace has a manifest");
        let (_, list) = members.split_once("members = [").expect("it lists its members");
        let (list, _) = list.split_once(']').expect("the list ends");
        for member in list.split(',').map(|member| member.trim().trim_matches('"')).filter(|member| !member.is_empty())
        {
            let path = format!("{member}/Cargo.toml");
            let manifest =
                manifests.iter().find(|text| text.path == path).unwrap_or_else(|| panic!("{path} is tracked"));
            assert!(manifest.content.contains("[lints]\nworkspace = true"), "{path} takes the lints of the workspace");
        }
    }

    #[test]
    fn a_source_without_a_head_is_noticed() {
        assert!(headless(&text("a.rs", "use std::fs;\n")).is_some());
        assert!(headless(&text("a.rs", "//!\n//! Late.\n")).is_some());
        assert!(headless(&text("a.rs", "")).is_some());
        assert!(headless(&text("a.rs", "//! Guest addresses.\n")).is_none());
    }

    #[test]
    fn only_production_lines_count() {
        let lines = "//! Head of the file.\n".repeat(FILE_BUDGET);
        let tests = "#[cfg(test)]\nmod tests {\n}\n".repeat(5);
        assert_eq!(too_long(&text("a.rs", &format!("{lines}{tests}"))), None);
        assert!(too_long(&text("a.rs", &format!("{lines}const A: u8 = 0;\n{tests}"))).is_some());
        assert!(
            too_long(&text("a.rs", &format!("{lines}#[cfg(test)]\nuse std::fs;\n"))).is_some(),
            "not a test module"
        );
        assert!(too_long(&text("a/tests/b.rs", &format!("{lines}{tests}"))).is_none());
    }

    #[test]
    fn each_forbidden_word_is_noticed() {
        for (start, end, _) in FORBIDDEN {
            assert_eq!(forbidden(&text("a.rs", &format!("//! Head.\n    {start}{end}\n"))).len(), 1, "{start}{end}");
        }
    }

    #[test]
    fn a_thread_without_a_name_is_noticed_outside_of_tests() {
        let spawn = format!("fn f() {{ std::thread::{}(g); }}\n", "spawn");
        assert_eq!(nameless_threads(&text("a.rs", &spawn)).len(), 1);
        assert_eq!(nameless_threads(&text("a.rs", &format!("#[cfg(test)]\nmod tests {{\n{spawn}}}\n"))).len(), 0);
        assert_eq!(nameless_threads(&text("a/tests/b.rs", &spawn)).len(), 0);
    }
}
