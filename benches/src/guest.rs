//! Guest programs: the loops in `guest/`, assembled when a benchmark starts.

use std::path::Path;
use std::process::Command;

/// Names of the loops.
pub const LOOPS: [&str; 5] = ["integer", "branches", "float", "memory", "calls"];

/// Start of RAM, where an image is loaded and entered.
pub const RAM: u64 = 0x8000_0000;

/// The flat image of a loop, built in `scratch`.
///
/// # Panics
/// If binutils for riscv64 are not installed, or assembly fails.
pub fn image(name: &str, scratch: &Path) -> Vec<u8> {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("guest");
    let file = |kind| scratch.join(format!("{name}.{kind}"));
    let (object, program, image) = (file("o"), file("elf"), file("bin"));
    run(Command::new("riscv64-linux-gnu-as")
        .args(["-march=rv64gc_zba", "-mno-relax", "-I"])
        .arg(&sources)
        .arg("-o")
        .arg(&object)
        .arg(sources.join(format!("{name}.S"))));
    run(Command::new("riscv64-linux-gnu-ld")
        .args(["--no-warn-rwx-segments", "-T"])
        .arg(sources.join("link.ld"))
        .arg("-o")
        .arg(&program)
        .arg(&object));
    run(Command::new("riscv64-linux-gnu-objcopy").args(["-O", "binary"]).arg(&program).arg(&image));
    std::fs::read(&image).expect("objcopy has written it")
}

fn run(command: &mut Command) {
    let status = command.status().unwrap_or_else(|error| panic!("{command:?}: {error}; `make tools` installs it"));
    assert!(status.success(), "{command:?}: {status}");
}
