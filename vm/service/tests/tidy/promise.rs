//! Test of SPECIFICATION.md: every guarantee has a check.
//!
//! Each table row has three cells: guarantee, figure and check. The last cell names checks
//! as `path` (a program or benchmark) or `path::function` (one test), which must exist. A
//! figure followed by `<!-- path::CONSTANT -->` must equal the value of that constant.

use std::fs;

use crate::tree::at;

/// The rows of the tables of `content`, without headings and rulers, each as its cells.
fn rows(content: &str) -> Vec<Vec<&str>> {
    let lines: Vec<&str> = content.lines().map(str::trim).collect();
    let is_ruler = |line: &str| line.starts_with('|') && line.chars().all(|c| "|-: ".contains(c));
    let mut rows = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let heading = lines.get(index + 1).is_some_and(|next| is_ruler(next));
        if line.starts_with('|') && !is_ruler(line) && !heading {
            rows.push(line.trim_matches('|').split('|').map(str::trim).collect());
        }
    }
    rows
}

/// Checks named by a cell, in code spans.
fn checks(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// Describes why `check` does not exist; `None` if it does.
fn absent(check: &str) -> Option<String> {
    let (path, function) = check.split_once("::").map_or((check, None), |(path, function)| (path, Some(function)));
    let Ok(content) = fs::read_to_string(at(path)) else {
        return Some(format!("{check}: there is no file {path}"));
    };
    let function = function?;
    (!content.contains(&format!("fn {function}("))).then(|| format!("{check}: {path} has no fn {function}"))
}

/// Problems of a row.
fn broken(row: &[&str]) -> Vec<String> {
    let [promise, figure, by] = row else {
        return vec![format!("{row:?}: a row has a promise, a figure and its check")];
    };
    let checks = checks(by);
    let mut findings: Vec<String> = checks.iter().filter_map(|check| absent(check)).collect();
    if figure.is_empty() || checks.is_empty() {
        findings.push(format!("{promise}: says no figure or names no check"));
    }
    findings
}

/// Figures of `content` tied to a constant: the text before `<!-- path::NAME -->`, and the
/// name of the constant.
fn figures(content: &str) -> Vec<(&str, &str)> {
    let marks = content.match_indices("<!-- ").filter_map(|(at, mark)| {
        let (name, _) = content[at + mark.len()..].split_once(" -->")?;
        Some((&content[..at], name))
    });
    marks.filter(|(_, name)| name.contains("::")).collect()
}

/// The number at the end of `text`, such as 1,024 or 55 million.
fn last_number(text: &str) -> Option<f64> {
    let mut words = text.split_whitespace().rev();
    let last = words.next()?;
    let (number, scale) = match last {
        "million" => (words.next()?, 1e6),
        "thousand" => (words.next()?, 1e3),
        _ => (last, 1.0),
    };
    number.replace(',', "").parse::<f64>().ok().map(|number| number * scale)
}

/// Value of a Rust constant, or of a TOML setting, that `source` defines as a number.
fn constant(source: &str, name: &str) -> Option<f64> {
    let value = match source.split_once(&format!("const {name}: ")) {
        Some((_, rest)) => rest.split_once(';')?.0.split_once(" = ")?.1,
        None => source.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = "))?,
    };
    value.replace('_', "").parse().ok()
}

/// Describes how a figure differs from its constant; `None` if it does not.
fn drifted(text: &str, name: &str) -> Option<String> {
    let (path, constant_name) = name.split_once("::")?;
    let Ok(source) = fs::read_to_string(at(path)) else { return Some(format!("{name}: there is no file {path}")) };
    let Some(value) = constant(&source, constant_name) else {
        return Some(format!("{name}: {path} has no number of this name"));
    };
    let said = last_number(text);
    (said != Some(value)).then(|| format!("{name} is {value}, but SPECIFICATION.md says {said:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::expect_none;

    #[test]
    fn every_promise_has_its_check() {
        let content = fs::read_to_string(at("SPECIFICATION.md")).expect("there is a SPECIFICATION.md");
        let rows = rows(&content);
        assert!(rows.len() >= 10, "only {} rows were found", rows.len());
        let findings: Vec<String> = rows.iter().flat_map(|row| broken(row)).collect();
        expect_none("promises have a check that is there", &findings);
    }

    #[test]
    fn figures_are_those_of_their_constants() {
        let content = fs::read_to_string(at("SPECIFICATION.md")).expect("there is a SPECIFICATION.md");
        let figures = figures(&content);
        assert!(figures.len() >= 6, "only {} figures name their constant", figures.len());
        let findings: Vec<String> = figures.iter().filter_map(|(text, name)| drifted(text, name)).collect();
        expect_none("figures are those of their constants", &findings);
    }

    #[test]
    fn a_figure_that_drifts_is_noticed() {
        let budget = "vm/service/tests/tidy/source.rs::FILE_BUDGET";
        let content = format!("a | 77 million<!-- {budget} --> b");
        let found = figures(&content);
        assert_eq!(found, [("a | 77 million", budget)]);
        let drift = format!("{budget} is 400, but SPECIFICATION.md says Some(77000000.0)");
        assert_eq!(drifted(found[0].0, found[0].1), Some(drift));
        assert_eq!(drifted("| 400", budget), None);
        assert_eq!(drifted("60", "clippy.toml::too-many-lines-threshold"), None);
        assert!(drifted("61", "clippy.toml::too-many-lines-threshold").is_some());
        assert!(drifted("400", "vm/gone.rs::A").is_some());
        assert!(drifted("400", "vm/service/tests/tidy/source.rs::GONE").is_some());
        assert_eq!(last_number("for 1,024"), Some(1024.0));
        assert_eq!(last_number("of 2.5"), Some(2.5));
    }

    #[test]
    fn rows_are_read_without_heading_and_ruler() {
        let content = "text\n| promise | figure | checked by |\n|---|---|---|\n| a | 1 | `b` |\n| c | 2 | `d` |\n";
        assert_eq!(rows(content), [["a", "1", "`b`"], ["c", "2", "`d`"]]);
    }

    #[test]
    fn a_promise_without_its_check_is_noticed() {
        let this = "vm/service/tests/tidy/promise.rs";
        assert_eq!(broken(&["p", "1", &format!("`{this}::rows` and `{this}`")]), Vec::<String>::new());
        assert_eq!(broken(&["p", "1", &format!("`{this}::gone`")]), [format!("{this}::gone: {this} has no fn gone")]);
        assert_eq!(broken(&["p", "1", "`vm/gone.rs::a`"]), ["vm/gone.rs::a: there is no file vm/gone.rs"]);
        assert_eq!(broken(&["p", "", "`Makefile`"]), ["p: says no figure or names no check"]);
        assert_eq!(broken(&["p", "1", "by hand"]), ["p: says no figure or names no check"]);
        assert_eq!(broken(&["p", "1"]).len(), 1);
    }
}
