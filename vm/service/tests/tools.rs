//! Tests of Makefile targets, of the guest image builder, and of the installer of test tools.

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

/// Stdout and stderr of a program.
fn said(output: &Output) -> String {
    format!("{}\n{}{}", output.status, String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Search path with `first` in front, extended by the directory of file system tools.
fn search_path(first: &Path) -> String {
    format!("{}:{}:/usr/sbin:/sbin", first.display(), std::env::var("PATH").unwrap_or_default())
}

/// Creates a program of this name that runs a shell script.
fn program(scratch: &Scratch, name: &str, script: &str) {
    let path = scratch.write(name, format!("#!/bin/sh\n{script}\n"));
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("it may be started");
}

/// Runs `make demo` with a cargo that ends with `status`.
fn make_demo(status: i32) -> Output {
    let scratch = Scratch::new();
    program(&scratch, "cargo", &format!("exit {status}"));
    let mut command = Command::new("make");
    command.arg("demo").current_dir(repository()).env("PATH", search_path(scratch.path())).env_remove("MAKEFLAGS");
    command.output().expect("make starts")
}

/// A directory of guest images with a new disk, to which `debugfs` then writes like a
/// guest.
fn images_with_work(scratch: &Scratch) -> PathBuf {
    let disk = scratch.join("disk.ext4");
    let mut make = Command::new("mke2fs");
    make.args(["-q", "-t", "ext4"]).arg(&disk).arg("16M").env("PATH", search_path(scratch.path()));
    assert!(make.status().expect("mke2fs starts").success(), "a file system");
    let work = scratch.write("notes", "hours of it\n");
    let mut write = Command::new("debugfs");
    write.args(["-w", "-R", &format!("write {} work", work.display())]).arg(&disk);
    let output = write.env("PATH", search_path(scratch.path())).stderr(Stdio::null()).output();
    assert!(output.expect("debugfs starts").status.success(), "work on it");
    disk
}

/// Requests a disk with a package, in a directory where apt has nothing to download.
fn build(scratch: &Scratch, arguments: &[&str]) -> Output {
    program(scratch, "apt-get", "echo 'E: Hash Sum mismatch' >&2; exit 1");
    let mut command = Command::new(repository().join("deploy/guest/build"));
    command.args(arguments).arg("hello").env("GUEST_DIR", scratch.path()).env("MIRROR", "http://127.0.0.1:1/debian");
    command.env("PATH", search_path(scratch.path()));
    command.env_remove("DISK").env_remove("REPLACE_DISK").output().expect("the builder starts")
}

/// Runs a host program that creates or inspects files.
fn host(program: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(program);
    command.args(arguments).env("PATH", search_path(Path::new("/usr/bin"))).stdin(Stdio::null());
    let output = command.output().unwrap_or_else(|error| panic!("{program} does not start: {error}"));
    assert!(output.status.success(), "{program} {arguments:?}: {}", said(&output));
    output
}

fn text(path: &Path) -> &str {
    path.to_str().expect("the path is UTF-8")
}

/// Packs a directory as version 1 of the Debian package `name`; returns the archive's path.
fn package(files: &Path, name: &str, architecture: &str) -> PathBuf {
    let control = files.join("DEBIAN/control");
    fs::create_dir_all(control.parent().expect("a folder")).expect("a folder");
    let fields = format!("Package: {name}\nVersion: 1\nArchitecture: {architecture}\nMaintainer: x\nDescription: x\n");
    fs::write(control, fields).expect("a package has one");
    let archive = files.with_file_name(format!("{name}_1_{architecture}.deb"));
    host("dpkg-deb", &["-Znone", "--root-owner-group", "--build", text(files), text(&archive)]);
    archive
}

/// Guest image builder in its own directory, with a finished kernel and an apt that offers
/// one package.
struct Builder {
    scratch: Scratch,
}

impl Builder {
    fn new() -> Self {
        let scratch = Scratch::new();
        host("cp", &["-R", text(&repository().join("deploy/guest")), text(&scratch.join("tool"))]);
        fs::write(scratch.join("tool/lib/boot.sh"), "build_boot_files() { :; }\n").expect("it can be replaced");
        let share = scratch.join("files/usr/share");
        for file in
            ["base-passwd/passwd.master", "base-passwd/group.master", "base-files/dot.bashrc", "base-files/dot.profile"]
        {
            let file = share.join(file);
            fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
            fs::write(file, "root:*:0:0:root:/root:/bin/sh\n").expect("a file");
        }
        let archive = package(&scratch.join("files"), "hello", "riscv64");
        fs::create_dir_all(scratch.join("images/packages")).expect("a folder");
        fs::rename(archive, scratch.join("images/packages/hello_1_riscv64.deb")).expect("the same file system");
        // Lists what it would download, which exists.
        program(
            &scratch,
            "apt-get",
            r#"case "$*" in
            *--print-uris*)
                file=$GUEST_DIR/packages/hello_1_riscv64.deb
                echo "'http://mirror/hello.deb' hello_1_riscv64.deb 1 SHA256:$(sha256sum <"$file" | cut -d' ' -f1)" ;;
            esac"#,
        );
        Self { scratch }
    }

    /// Requests a disk of this size.
    fn build(&self, size: &str, arguments: &[&str]) -> Output {
        let mut command = Command::new(self.scratch.join("tool/build"));
        command.args(arguments).arg("hello").env("GUEST_DIR", self.scratch.join("images"));
        command.env("DISK_SIZE", size).env("MIRROR", "http://mirror/debian").env_remove("DISK");
        command.env("PATH", search_path(self.scratch.path())).env_remove("REPLACE_DISK");
        command.output().expect("the builder starts")
    }

    fn disk(&self) -> PathBuf {
        self.scratch.join("images/disk.ext4")
    }

    /// Listing of the disk's root directory.
    fn listing(&self) -> String {
        String::from_utf8_lossy(&host("debugfs", &["-R", "ls -p /", text(&self.disk())]).stdout).into_owned()
    }

    /// Writes to the disk like a guest.
    fn work(&self) {
        let file = self.scratch.write("notes", "hours of it\n");
        host("debugfs", &["-w", "-R", &format!("write {} notes", text(&file)), text(&self.disk())]);
        assert!(self.listing().contains("/notes/"), "{}", self.listing());
    }
}

/// A package whose program `xz` is the host's `cat`, with the loader and libraries that it
/// needs.
fn package_with_program(scratch: &Scratch) -> PathBuf {
    let files = scratch.join("files");
    fs::create_dir_all(files.join("usr/bin")).expect("a folder");
    fs::copy("/usr/bin/cat", files.join("usr/bin/xz")).expect("the host has it");
    let libraries = String::from_utf8_lossy(&host("ldd", &["/usr/bin/cat"]).stdout).into_owned();
    for library in libraries.split_whitespace().filter(|word| word.starts_with('/')) {
        let name = Path::new(library).file_name().expect("a name");
        let folder = files.join("usr/lib/host");
        fs::create_dir_all(&folder).expect("a folder");
        fs::copy(library, folder.join(name)).expect("it is there");
    }
    let architecture = host("dpkg", &["--print-architecture"]).stdout;
    package(&files, "xz-utils", String::from_utf8_lossy(&architecture).trim())
}

/// Installs `tool` privately below `scratch`, from a Debian archive that contains only this
/// package.
fn take_privately(scratch: &Scratch, tool: &str, package: &Path) -> Output {
    program(scratch, "apt-cache", "echo 'xz-utils | 1 | http://mirror'");
    program(
        scratch,
        "apt-get",
        r#"case "$*" in
        *--download-only*) cp "$PACKAGE" "$(sed -n 's/^Dir::Cache::archives "\(.*\)";/\1/p' "$2")" ;;
        esac"#,
    );
    let mut command = Command::new(repository().join("deploy/test-tools/install"));
    command.args(["--private", tool]).env("TOOLS_DIR", scratch.join("tools")).env("PACKAGE", package);
    command.env("MIRROR", "http://mirror/debian").env("PATH", search_path(scratch.path()));
    command.output().expect("it starts")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_replaced_when_that_is_asked_for_or_nobody_has_worked_on_it() {
        let builder = Builder::new();
        let assert_built = |output: Output| assert!(output.status.success(), "{}", said(&output));
        assert_built(builder.build("32M", &[]));
        let size = || fs::metadata(builder.disk()).expect("it is there").len();
        assert_eq!(size(), 32 << 20);
        builder.work();

        let output = builder.build("33M", &[]);
        assert!(!output.status.success() && said(&output).contains("is kept"), "{}", said(&output));
        assert!(builder.listing().contains("/notes/"), "{}", builder.listing());
        assert_eq!(size(), 32 << 20);

        assert_built(builder.build("33M", &["--replace-disk"]));
        assert!(!builder.listing().contains("/notes/"), "{}", builder.listing());
        assert_eq!(size(), 33 << 20);

        // The record is that of the new disk.
        assert_built(builder.build("34M", &[]));
        assert_eq!(size(), 34 << 20);
        builder.work();
        assert!(!builder.build("35M", &[]).status.success());
    }

    #[test]
    fn a_tool_that_apt_cannot_install_runs_from_a_tree_of_its_own_wherever_that_is() {
        let scratch = Scratch::new();
        let package = package_with_program(&scratch);
        let output = take_privately(&scratch, "xz", &package);
        assert!(output.status.success(), "{}", said(&output));

        fs::rename(scratch.join("tools"), scratch.join("moved")).expect("it can be moved");
        let tools = fs::canonicalize(scratch.join("moved")).expect("it is there");
        let maps = host(text(&tools.join("bin/xz")), &["/proc/self/maps"]).stdout;
        let maps = String::from_utf8_lossy(&maps).into_owned();
        let code =
            maps.lines().filter(|line| line.contains(" r-xp ")).filter_map(|line| line.split_whitespace().nth(5));
        let files: Vec<&str> = code.filter(|file| file.starts_with('/')).collect();
        let root = tools.join("private/xz/root");
        assert!(files.iter().any(|file| file.ends_with("/usr/bin/xz")), "{maps}");
        assert!(files.iter().any(|file| file.contains("/libc.so")), "{maps}");
        assert!(files.iter().all(|file| Path::new(file).starts_with(&root)), "{maps}");
    }

    #[test]
    fn a_tool_whose_package_has_no_such_program_is_an_error() {
        let scratch = Scratch::new();
        let package = package_with_program(&scratch);
        let output = take_privately(&scratch, "dtc", &package);
        assert!(!output.status.success(), "{}", said(&output));
        assert!(said(&output).contains("no program dtc"), "{}", said(&output));
    }

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
        // A record of a disk that the builder made: not this one.
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
