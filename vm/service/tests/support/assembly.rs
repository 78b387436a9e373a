//! Assembler of small bare-metal programs, whose sources are in the tests that run them.

use std::path::PathBuf;
use std::process::Command;

use super::scratch::Scratch;

/// Assembles and links `source` to an ELF file at the start of RAM. It defines `_start`.
pub(crate) fn assemble(scratch: &Scratch, name: &str, source: &str) -> PathBuf {
    let (text, object) = (scratch.write(&format!("{name}.S"), source), scratch.join(&format!("{name}.o")));
    let program = scratch.join(&format!("{name}.elf"));
    let mut assembler = Command::new("riscv64-linux-gnu-as");
    succeed(assembler.arg("-march=rv64gc").arg("-o").arg(&object).arg(&text));
    let mut linker = Command::new("riscv64-linux-gnu-ld");
    // One segment for code and data, without the linker's warning about it; no use of `gp`,
    // which is not initialised.
    succeed(
        linker
            .args(["-N", "--no-relax", "--no-warn-rwx-segments", "-Ttext=0x80000000"])
            .arg("-o")
            .arg(&program)
            .arg(&object),
    );
    program
}

fn succeed(command: &mut Command) {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}; install Debian's package `binutils-riscv64-linux-gnu`"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
