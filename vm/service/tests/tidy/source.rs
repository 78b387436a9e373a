//! Test of Rust sources: module heads, size limits, no unfinished code, no disabled tests.

use crate::tree::Text;

/// Maximum lines of a file before its test module.
const FILE_BUDGET: usize = 400;
/// Maximum lines of a test file, whose tests are read one at a time.
const TEST_FILE_BUDGET: usize = 600;
/// Maximum lines of a function from its signature to its closing brace.
const FUNCTION_BUDGET: usize = 60;

/// Files that may be longer, each with the reason.
const LONG_FILES: &[(&str, &str)] = &[];
/// Functions that may be longer as `path::name`, each with the reason.
const LONG_FUNCTIONS: &[(&str, &str)] =
    &[("vm/core/src/interp/i.rs::handler", "a table: one line for each of the 51 instructions of RV64I")];

/// Forbidden texts, in halves so that this file does not contain them, with the
/// alternative.
const FORBIDDEN: &[(&str, &str, &str)] = &[
    ("todo", "!(", "finish it, or leave it out and say so in ARCHITECTURE.md"),
    ("unimplemented", "!(", "finish it, or leave it out and say so in ARCHITECTURE.md"),
    ("dbg", "!(", "remove it"),
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

/// Name of the function whose definition begins on `line`.
fn function_name(line: &str) -> Option<&str> {
    let mut rest = line.trim_start();
    loop {
        if let Some(name) = rest.strip_prefix("fn ") {
            return name.split(['(', '<']).next();
        }
        let (word, after) = rest.split_once(' ')?;
        let modifier = matches!(word, "async" | "const" | "default" | "extern" | "pub" | "unsafe")
            || word.starts_with("pub(")
            || (word.starts_with('"') && word.ends_with('"'));
        if !modifier {
            return None;
        }
        rest = after;
    }
}

/// Each function of `content` with its number of lines, as rustfmt lays it out: it ends at the first `}` with the
/// indentation that it began with. A declaration without a body ends in `;` and does not count.
fn functions(content: &str) -> Vec<(&str, usize)> {
    let lines: Vec<&str> = content.lines().collect();
    let mut functions = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else { continue };
        if line.ends_with([';', '}']) {
            functions.push((name, 1));
            continue;
        }
        let indent = &line[..line.len() - line.trim_start().len()];
        let same_indent = |line: &&str| line.strip_prefix(indent).is_some_and(|rest| !rest.starts_with([' ', '\t']));
        let ends = |line: &&str| same_indent(line) && !line.trim().is_empty() && line.ends_with([';', '}']);
        let length = lines[index + 1..].iter().position(ends).map_or(lines.len() - index, |after| after + 2);
        functions.push((name, length));
    }
    functions
}

/// Functions over their budget, as `path::name` and their length.
fn long_functions(text: &Text) -> Vec<(String, usize)> {
    let named = functions(&text.content).into_iter().filter(|(_, lines)| *lines > FUNCTION_BUDGET);
    named.map(|(name, lines)| (format!("{}::{name}", text.path), lines)).collect()
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
    fn every_function_keeps_its_budget() {
        let long: Vec<(String, usize)> = texts_ending(".rs").iter().flat_map(long_functions).collect();
        let allowed: BTreeSet<&str> = LONG_FUNCTIONS.iter().map(|(name, _)| *name).collect();
        let findings: Vec<String> = long
            .iter()
            .filter(|(name, _)| !allowed.contains(name.as_str()))
            .map(|(name, lines)| format!("{name}: {lines} lines, {FUNCTION_BUDGET} are the budget: split it"))
            .collect();
        expect_none("functions stay readable", &findings);
        let needed: BTreeSet<&str> =
            long.iter().map(|(name, _)| name.as_str()).filter(|name| allowed.contains(name)).collect();
        assert_eq!(allowed, needed, "every exemption of LONG_FUNCTIONS is still needed");
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
    fn functions_end_at_their_own_brace() {
        let content = "impl A {\n    pub(crate) unsafe fn f<T>(\n        a: T,\n    ) -> bool\n    where\n        T: B,\n    {\n        {\n        }\n\n        true\n    }\n\n    fn g() {}\n    fn h(\n        a: u8,\n    );\n}\nextern \"C\" fn i() {\n}\nlet fn_like = 1;\n";
        assert_eq!(functions(content), [("f", 11), ("g", 1), ("h", 3), ("i", 2)]);
    }

    #[test]
    fn a_long_function_is_noticed() {
        let body = "    step();\n".repeat(FUNCTION_BUDGET - 2);
        let fits = format!("fn f() {{\n{body}}}\n");
        assert_eq!(long_functions(&text("a.rs", &fits)), []);
        let long = format!("fn f() {{\n    step();\n{body}}}\n");
        assert_eq!(long_functions(&text("a.rs", &long)), [("a.rs::f".to_owned(), FUNCTION_BUDGET + 1)]);
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
