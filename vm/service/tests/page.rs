//! Tests of the page: its files are built from its sources, and in a browser each element shows live
//! data of the demo guest.

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rustix::process::Signal;
use support::PATIENCE;
use support::http::{address_in, get};
use support::process::{Process, riscope};
use support::scratch::Scratch;

/// Sources of the page.
fn web() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("web")
}

/// Runs a script of node.
fn node(script: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new("node");
    command.current_dir(web()).arg(script).args(arguments);
    command.output().unwrap_or_else(|error| panic!("node does not start: {error}; run deploy/test-tools/install"))
}

fn assert_success(output: &Output) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "run deploy/test-tools/install if a module is missing\n{stdout}\n{stderr}");
}

/// The files below `folder`, by their paths.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(&next).unwrap_or_else(|error| panic!("{}: {error}", next.display())) {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("it is below").to_owned();
                found.insert(name, std::fs::read(&path).expect("it can be read"));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_page_is_that_of_its_sources() {
        let scratch = Scratch::new();
        let built = scratch.join("dist");
        let modules = web().join("node_modules");
        assert_success(&node(&modules.join("typescript/bin/tsc"), &["--noEmit"]));
        let folder = built.to_str().expect("UTF-8");
        assert_success(&node(&modules.join("vite/bin/vite.js"), &["build", "--outDir", folder, "--logLevel", "error"]));
        let (built, kept) = (files(&built), files(&web().join("dist")));
        assert!(built.keys().eq(kept.keys()), "{:?} instead of {:?}", kept.keys(), built.keys());
        for (path, bytes) in &built {
            assert!(kept[path] == *bytes, "{} is not what its sources build to: run make web", path.display());
        }
    }

    #[test]
    fn every_element_shows_live_data_in_a_browser() {
        let process = Process::start(riscope(["demo", "--seconds", "3", "--listen", "127.0.0.1:0"]));
        let address = process.stderr.wait_for(PATIENCE, address_in).expect("an address");
        let page = get(address, "/");
        assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
        let policy = page.header("content-security-policy").expect("a policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self';") && !policy.contains("unsafe"), "{policy}");
        // RISCOPE_SCREENSHOTS is a folder for pictures.
        let screenshots = std::env::var("RISCOPE_SCREENSHOTS").unwrap_or_default();
        let url = format!("http://{address}/");
        let arguments = [url.as_str(), screenshots.as_str()];
        let arguments = if screenshots.is_empty() { &arguments[..1] } else { &arguments[..] };
        assert_success(&node(&web().join("test/page.mjs"), arguments));
        process.signal(Signal::INT);
        process.finish().assert_code(130);
    }
}
