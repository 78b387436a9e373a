//! `make bench-peers`: the same programs in riscope, in QEMU and natively. See benches/README.md.

use std::process::ExitCode;

use clap::Parser;
use riscope_benches::peers::{self, Options};

fn main() -> ExitCode {
    peers::main(&Options::parse())
}
