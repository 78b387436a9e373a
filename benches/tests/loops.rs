//! The loop programs of `bench-peers`: each builds on this host and gives the checksum in the
//! comment at its head.

use std::path::{Path, PathBuf};
use std::process::Command;

use riscope_benches::peers::{Class, SOURCES, Work, compile, tasks};

/// A folder for the programs, removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("loops-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder for temporary files");
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The checksum of one round that the source of a program documents.
fn documented(name: &str) -> String {
    let source = std::fs::read_to_string(Path::new(SOURCES).join(format!("loops/{name}.c"))).expect("the source");
    let head: Vec<&str> = source.split("*/").next().unwrap_or_default().split_whitespace().collect();
    let head = head.iter().filter(|word| **word != "*").copied().collect::<Vec<_>>().join(" ");
    let (_, rest) = head.split_once("Checksum of one round: ").expect("the head gives the checksum of one round");
    rest.trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_loop_builds_on_the_host_and_gives_its_checksum() {
        let scratch = Scratch::new("checksum");
        let all = Class::ALL.into_iter().flat_map(tasks).filter(|task| matches!(task.work, Work::Loop { .. }));
        let mut wrong = Vec::new();
        for task in all {
            let program = compile(task.name, &scratch.0).unwrap_or_else(|error| panic!("{}: {error}", task.name));
            let output = Command::new(program).arg("1").output().expect("it can be started");
            let (result, documented) =
                (String::from_utf8_lossy(&output.stdout).trim().to_owned(), documented(task.name));
            if !output.status.success() || result != documented {
                wrong.push(format!("{}: {} {result} instead of {documented}", task.name, output.status));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn a_loop_does_as_many_rounds_as_it_is_told() {
        let scratch = Scratch::new("rounds");
        let program = compile("fib", &scratch.0).expect("it builds");
        let result = |rounds: &[&str]| Command::new(&program).args(rounds).output().expect("it can be started").stdout;
        assert_eq!(result(&[]), result(&["1"]));
        assert_ne!(result(&["2"]), result(&["1"]));
    }
}
