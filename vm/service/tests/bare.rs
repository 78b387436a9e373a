//! Bare-metal tests of the machine crate, each on every engine through `riscope run`. A
//! program ends with exit status 0, or with the number of the first failed case.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use support::process::run;

/// Seconds after which a program counts as hung; the slowest takes a few on a busy host.
const LIMIT: &str = "60";
/// Number of programs run at the same time.
const AT_A_TIME: usize = 2;
/// Minimum number of programs, as a check that the list is complete.
const LEAST: usize = 50;

/// Builds the programs and lists them, in the strict variants, for which a missing
/// extension is a failure.
fn programs() -> Vec<PathBuf> {
    let output = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bare");
    let build = Path::new(env!("CARGO_MANIFEST_DIR")).join("../machine/tests/bare/build");
    let built = Command::new(&build).arg(&output).output().unwrap_or_else(|error| panic!("{build:?}: {error}"));
    assert!(built.status.success(), "{build:?}: {}", String::from_utf8_lossy(&built.stderr));
    let mut programs = Vec::new();
    let mut folders = vec![output.join("strict")];
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir().expect("the build makes it") {
            let path = entry.expect("it can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "elf") {
                programs.push(path);
            }
        }
    }
    programs.sort();
    assert!(programs.len() >= LEAST, "only {} programs: {programs:#?}", programs.len());
    programs
}

/// Runs one program; describes the failure, if any.
fn fault(program: &Path, engine: &str) -> Option<String> {
    let path = program.to_str().expect("the path is UTF-8");
    // Programs for several harts do not end on a machine with one; the others leave the
    // second one parked.
    let outcome = run(["run", "--bios", path, "--engine", engine, "--cpus", "2", "--mmu", "sv57", "--timeout", LIMIT]);
    (outcome.code() != 0).then(|| {
        let name = program.components().rev().take(2).map(|part| part.as_os_str().to_string_lossy());
        let name: Vec<_> = name.collect();
        format!("{:40} {engine:12} {} {}{}", name.join(" in "), outcome.status, outcome.stdout, outcome.stderr)
    })
}

/// Runs all programs; fails with a table of those that fail.
fn run_all(engine: &str) {
    let (programs, next, faults) = (programs(), AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                while let Some(program) = programs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    faults.lock().unwrap_or_else(PoisonError::into_inner).extend(fault(program, engine));
                }
            });
        }
    });
    let mut faults = faults.into_inner().unwrap_or_else(PoisonError::into_inner);
    faults.sort();
    assert!(faults.is_empty(), "{} of {} programs fail:\n{}", faults.len(), programs.len(), faults.join("\n"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_program_passes_on_the_interpreter() {
        run_all("interpreter");
    }

    #[test]
    fn every_program_passes_on_the_tiered_engine() {
        run_all("tiered");
    }
}
