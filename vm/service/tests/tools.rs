//! What a newcomer runs beside riscope: targets of the Makefile, and the builder of guest images.

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use support::scratch::Scratch;

/// The repository's folder.
fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Everything that a program said.
fn said(output: &Output) -> String {
    format!("{}\n{}{}", output.status, String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The search path with `first` before, and what makes file systems behind it.
fn search_path(first: &Path) -> String {
    format!("{}:{}:/usr/sbin:/sbin", first.display(), std::env::var("PATH").unwrap_or_default())
}

/// A program of this name that runs a script for sh.
fn program(scratch: &Scratch, name: &str, script: &str) {
    let path = scratch.write(name, format!("#!/bin/sh\n{script}\n"));
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("it may be started");
}

/// Runs `make demo` where cargo ends with `status`.
fn make_demo(status: i32) -> Output {
    let scratch = Scratch::new();
    program(&scratch, "cargo", &format!("exit {status}"));
    let mut command = Command::new("make");
    command.arg("demo").current_dir(repository()).env("PATH", search_path(scratch.path())).env_remove("MAKEFLAGS");
    command.output().expect("make starts")
}

/// A folder of guest images whose disk was made, and then written to by `debugfs`, as a guest would do.
fn images_with_work(scratch: &Scratch) -> PathBuf {
    let disk = scratch.join("disk.ext4");
    let mut make = Command::new("mke2fs");
    make.args(["-q", "-t", "ext4"]).arg(&disk).arg("16M").env("PATH", search_path(scratch.path()));
    assert!(make.status().expect("mke2fs starts").success(), "a file system");
    let work = scratch.write("work", "hours of it\n");
    let mut write = Command::new("debugfs");
    write.args(["-w", "-R", &format!("write {} work", work.display())]).arg(&disk);
    let output = write.env("PATH", search_path(scratch.path())).stderr(Stdio::null()).output();
    assert!(output.expect("debugfs starts").status.success(), "work on it");
    disk
}

/// Asks for a disk with a package in a folder, where apt finds nothing that it could fetch.
fn build(scratch: &Scratch, arguments: &[&str]) -> Output {
    program(scratch, "apt-get", "echo 'E: Hash Sum mismatch' >&2; exit 1");
    let mut command = Command::new(repository().join("deploy/guest/build"));
    command.args(arguments).arg("hello").env("GUEST_DIR", scratch.path()).env("MIRROR", "http://127.0.0.1:1/debian");
    command.env("PATH", search_path(scratch.path()));
    command.env_remove("DISK").env_remove("REPLACE_DISK").output().expect("the builder starts")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_demo_that_its_user_ends_is_no_error() {
        let output = make_demo(130);
        assert!(output.status.success(), "{}", said(&output));
        assert!(!said(&output).contains("Error"), "{}", said(&output));
    }

    #[test]
    fn a_demo_that_fails_is_an_error() {
        assert!(!make_demo(70).status.success());
    }

    #[test]
    fn a_disk_that_was_written_to_is_kept_unless_replacing_it_is_asked_for() {
        let scratch = Scratch::new();
        let disk = images_with_work(&scratch);
        // The record of what the builder made: not this.
        fs::write(scratch.join("disk.ext4.made"), "0\n").expect("a record");
        let before = fs::read(&disk).expect("the disk");
        let output = build(&scratch, &[]);
        assert!(!output.status.success(), "{}", said(&output));
        for expected in ["has been written to since it was made, and is kept", "REPLACE_DISK=yes", "DISK=other.ext4"] {
            assert!(said(&output).contains(expected), "no {expected:?}: {}", said(&output));
        }
        assert!(before == fs::read(&disk).expect("it is there"), "nothing happens to the disk");

        let output = build(&scratch, &["--replace-disk"]);
        assert!(!output.status.success(), "there is no package: {}", said(&output));
        assert!(!said(&output).contains("is kept"), "this is what stops it now: {}", said(&output));
        assert!(before == fs::read(&disk).expect("it is there"), "the old disk stays until there is a new one");
    }
}
