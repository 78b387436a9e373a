//! Tracked files of the repository, and reporting of findings in them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// One tracked text file.
pub(crate) struct Text {
    /// Path from the root of the repository.
    pub(crate) path: String,
    pub(crate) content: String,
}

/// Absolute path of a path from the root of the repository.
pub(crate) fn at(path: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join(path)
}

/// Paths of the tracked files, except those removed and not yet committed.
pub(crate) fn tracked() -> Vec<String> {
    let output = Command::new("git").args(["ls-files", "-z"]).current_dir(at("")).output().expect("git runs");
    assert!(output.status.success(), "git ls-files: {}", String::from_utf8_lossy(&output.stderr));
    let paths = String::from_utf8(output.stdout).expect("paths are UTF-8");
    paths.split_terminator('\0').filter(|path| at(path).is_file()).map(str::to_owned).collect()
}

/// Tracked files that are valid UTF-8, which excludes binaries such as the demo guest.
pub(crate) fn texts() -> Vec<Text> {
    let text = |path: String| {
        let bytes = fs::read(at(&path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        String::from_utf8(bytes).ok().map(|content| Text { path, content })
    };
    tracked().into_iter().filter_map(text).collect()
}

/// The tracked text files whose name ends in `suffix`.
pub(crate) fn texts_ending(suffix: &str) -> Vec<Text> {
    let texts: Vec<Text> = texts().into_iter().filter(|text| text.path.ends_with(suffix)).collect();
    assert!(!texts.is_empty(), "git knows no file that ends in {suffix}");
    texts
}

/// Fails with one finding per line, if there is any.
pub(crate) fn expect_none(rule: &str, findings: &[String]) {
    assert!(findings.is_empty(), "{rule}:\n{}", findings.join("\n"));
}
