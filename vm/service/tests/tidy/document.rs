//! Test of documents: every link to a file or heading, and every path, exists.

use std::path::{Component, Path, PathBuf};

use crate::tree::{Text, at};

/// Targets of the inline links and images of a document, outside of code blocks and code
/// spans.
fn links(content: &str) -> Vec<(usize, String)> {
    let mut links = Vec::new();
    for (number, line) in prose(content) {
        let line = without_code(line);
        for (start, _) in line.match_indices("](") {
            let target: String = line[start + 2..].chars().take_while(|&c| c != ')' && c != ' ').collect();
            links.push((number, target));
        }
    }
    links
}

/// The lines of a document outside of its code blocks, with their numbers.
fn prose(content: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_block = false;
    content.lines().enumerate().filter_map(move |(index, line)| {
        let fence = line.trim_start().starts_with("```");
        in_block ^= fence;
        (!in_block && !fence).then_some((index + 1, line))
    })
}

/// A line without its code spans.
fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect::<Vec<_>>().join("`")
}

/// The code spans of a document outside of code blocks.
fn spans(content: &str) -> Vec<(usize, &str)> {
    prose(content)
        .flat_map(|(number, line)| line.split('`').skip(1).step_by(2).map(move |span| (number, span)))
        .collect()
}

/// Resolves `path` relative to the directory of the document `from`; `None` outside of the
/// repository.
fn resolve(from: &str, path: &str) -> Option<String> {
    let mut resolved = PathBuf::new();
    for component in Path::new(from).parent()?.join(path).components() {
        match component {
            Component::Normal(name) => resolved.push(name),
            Component::CurDir => {}
            Component::ParentDir => resolved.pop().then_some(())?,
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    resolved.to_str().map(str::to_owned)
}

/// Anchor of a heading: lower case, hyphens for spaces, no other punctuation.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|&c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// Whether the document at `path` has a heading with this anchor.
fn has_anchor(path: &str, wanted: &str) -> bool {
    let content = std::fs::read_to_string(at(path)).unwrap_or_default();
    prose(&content).any(|(_, line)| line.starts_with('#') && anchor(line.trim_start_matches('#')) == wanted)
}

/// Links to missing files or headings.
fn broken_links(text: &Text) -> Vec<String> {
    let mut broken = Vec::new();
    for (number, target) in links(&text.content) {
        if target.contains("://") || target.starts_with("mailto:") {
            continue;
        }
        let (file, fragment) = target.split_once('#').unwrap_or((&target, ""));
        let path = if file.is_empty() { Some(text.path.clone()) } else { resolve(&text.path, file) };
        let leads = path.is_some_and(|path| at(&path).exists() && (fragment.is_empty() || has_anchor(&path, fragment)));
        if !leads {
            broken.push(format!("{}:{number}: the link to {target} leads nowhere", text.path));
        }
    }
    broken
}

/// Expands `a/{b,c}/d`.
fn expand(path: &str) -> Vec<String> {
    match path.split_once('{').and_then(|(start, rest)| Some((start, rest.split_once('}')?))) {
        None => vec![path.to_owned()],
        Some((start, (list, end))) => list.split(',').flat_map(|word| expand(&format!("{start}{word}{end}"))).collect(),
    }
}

/// Paths of the tree that a code span names: those that begin with a folder of the
/// repository; `<name>` is a wildcard, and `::` separates a path from a function in the
/// file.
fn tree_paths(span: &str, folders: &[String]) -> Vec<String> {
    let path = span.split("::").next().unwrap_or_default();
    let begins = path.split_once('/').is_some_and(|(first, _)| folders.iter().any(|folder| folder == first));
    let is_path = path.chars().all(|c| c.is_alphanumeric() || "/._-{},".contains(c));
    if begins && is_path { expand(path) } else { Vec::new() }
}

/// Paths in code spans, and at the start of lines of `text` blocks, that do not exist.
fn missing_paths(text: &Text, folders: &[String]) -> Vec<String> {
    let in_blocks = text.content.split("```text\n").skip(1).filter_map(|rest| rest.split("```").next());
    let drawn = in_blocks
        .flat_map(str::lines)
        .filter_map(|line| line.split_whitespace().next().filter(|_| !line.starts_with(' ')));
    let named = spans(&text.content).into_iter().map(|(_, span)| span);
    let mut missing: Vec<String> =
        named.chain(drawn).flat_map(|word| tree_paths(word, folders)).filter(|path| !at(path).exists()).collect();
    missing.dedup();
    missing.iter().map(|path| format!("{}: there is no {path}", text.path)).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::tree::{expect_none, texts_ending, tracked};

    fn text(content: &str) -> Text {
        Text { path: "deploy/README.md".to_owned(), content: content.to_owned() }
    }

    /// Top-level directories with tracked files.
    fn folders() -> Vec<String> {
        let first = |path: &String| path.split_once('/').map(|(folder, _)| folder.to_owned());
        tracked().iter().filter_map(first).collect::<BTreeSet<_>>().into_iter().collect()
    }

    #[test]
    fn every_link_leads_somewhere() {
        let findings: Vec<String> = texts_ending(".md").iter().flat_map(broken_links).collect();
        expect_none("links in documents resolve", &findings);
    }

    #[test]
    fn every_path_in_a_document_exists() {
        let folders = folders();
        let findings: Vec<String> = texts_ending(".md").iter().flat_map(|text| missing_paths(text, &folders)).collect();
        expect_none("paths in documents exist", &findings);
    }

    #[test]
    fn the_map_names_every_folder() {
        let readme = std::fs::read_to_string(at("README.md")).expect("there is a README.md");
        for folder in folders().iter().filter(|folder| !folder.starts_with('.')) {
            assert!(readme.contains(&format!("\n{folder}/")), "README.md's map of the tree has no line for {folder}/");
        }
    }

    #[test]
    fn a_link_to_nowhere_is_noticed() {
        let broken =
            text("[a](guest/README.md) [b](none.md) ![c](../none.png)\n[d](https://example.org/x) `[e](none)`\n");
        assert_eq!(
            broken_links(&broken),
            [
                "deploy/README.md:1: the link to none.md leads nowhere",
                "deploy/README.md:1: the link to ../none.png leads nowhere"
            ]
        );
        assert_eq!(broken_links(&text("```\n[a](none.md)\n```\n[b](../../x)\n")).len(), 1);
    }

    #[test]
    fn a_link_to_a_missing_heading_is_noticed() {
        let guest = "[a](guest/README.md#the-disk) [b](guest/README.md#no-such-heading)\n";
        assert_eq!(
            broken_links(&text(guest)),
            ["deploy/README.md:1: the link to guest/README.md#no-such-heading leads nowhere"]
        );
        assert_eq!(anchor(" What `riscope` is, and why "), "what-riscope-is-and-why");
    }

    #[test]
    fn a_path_that_is_gone_is_noticed() {
        let folders = ["vm".to_owned()];
        let content = "`vm/core/src/{lib,gone}.rs` `vm/core/src/isa/<extension>.rs` `other/gone`\n```text\nvm/gone/   was here\n  vm/indented/\n```\n";
        assert_eq!(
            missing_paths(&text(content), &folders),
            ["deploy/README.md: there is no vm/core/src/gone.rs", "deploy/README.md: there is no vm/gone/"]
        );
        assert_eq!(missing_paths(&text("`vm/core/src/lib.rs::no_matter`\n"), &folders), Vec::<String>::new());
    }
}
