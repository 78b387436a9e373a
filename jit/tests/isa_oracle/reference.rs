//! Oracle: the RISC-V reference simulator Spike.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::elf::executable;
use super::suite::{IMAGE, Suite};

/// Extensions of the simulator; those of riscope that a program can observe.
const ISA: &str = "--isa=rv64gc_zba_zbb_zbs_zicond_zicboz_zicntr_zicclsm";

/// Far beyond the instructions of any suite.
const LIMIT: u64 = 100_000_000;

/// Installation path of the simulator.
fn simulator() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate is in the workspace");
    root.join(".cache/test-tools/venv/bin/spike")
}

/// The results that the simulator computes for `suite`.
///
/// # Panics
/// If the simulator is not installed, fails, or writes anything but results.
pub(crate) fn results(name: &str, suite: &Suite) -> Vec<u64> {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (program, signature) = (directory.join(format!("{name}.elf")), directory.join(format!("{name}.signature")));
    std::fs::write(&program, executable(IMAGE, &suite.image, suite.symbols)).expect("a file for the program");
    let simulator = simulator();
    let status = Command::new(&simulator)
        .arg(ISA)
        .arg("-m64")
        .arg(format!("--instructions={LIMIT}"))
        .arg(format!("+signature={}", signature.display()))
        .arg("+signature-granularity=8")
        .arg(&program)
        .status()
        .unwrap_or_else(|error| {
            panic!("{}: {error}; deploy/test-tools/install installs it", simulator.display());
        });
    assert!(status.success(), "{name}: the reference simulator ended with {status}");
    let text = std::fs::read_to_string(&signature).expect("the results of the reference simulator");
    let words = text.lines().map(|line| u64::from_str_radix(line, 16).expect("a word of 16 hexadecimal digits"));
    words.collect()
}
