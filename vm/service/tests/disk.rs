//! A Debian disk: its programs work, what they write survives power-off, and a read-only disk stays as it was.

mod support;

use std::fs::File;
use std::hash::{DefaultHasher, Hasher};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use support::guest::{assert_no_complaint, disk, exec, linux};
use support::process::{Outcome, Process, run};
use support::scratch::Scratch;

/// A copy of the tests' disk that takes no more room than what is changed in it, where the file system can do that.
fn copy_of_disk(scratch: &Scratch) -> PathBuf {
    let copy = scratch.join("disk.ext4");
    let status = Command::new("cp").args(["--reflink=auto", "--sparse=always", &disk()]).arg(&copy).status();
    assert!(status.expect("cp starts").success(), "the disk can be copied");
    copy
}

/// Boots from `disk` (a path with options) and runs `script` there.
fn run_on(disk: &str, append: &str, cpus: u32, script: &str) -> Outcome {
    let mut arguments = linux(&format!("root=/dev/vda {append} {}", exec(script)));
    arguments.extend(["--disk", disk, "--memory", "1G", "--cpus", &cpus.to_string()].map(str::to_owned));
    run(arguments)
}

/// The guest printed each of `lines` on a line of its own and powered off, and its kernel has nothing to complain about.
fn assert_good(outcome: &Outcome, lines: &[&str]) {
    let printed: Vec<&str> = outcome.stdout.lines().map(str::trim_end).collect();
    for expected in lines.iter().chain(&["riscope-exit: 0"]) {
        assert!(printed.contains(expected), "no line {expected:?}:\n{}", outcome.log());
    }
    outcome.assert_code(0);
    assert_no_complaint(&outcome.stdout);
    assert!(!outcome.stdout.contains("EXT4-fs error"), "{}", outcome.log());
}

/// The host's judgement of the file system.
fn assert_clean(disk: &Path) {
    let paths = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default());
    let output = Command::new("fsck.ext4").arg("-fn").arg(disk).env("PATH", paths).output();
    let output = output.unwrap_or_else(|error| panic!("{error}: install Debian's package `e2fsprogs`"));
    assert!(output.status.success(), "fsck: {}", String::from_utf8_lossy(&output.stdout));
}

/// A file of the disk, read by the host.
fn file_on(disk: &Path, path: &str) -> String {
    let paths = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default());
    let output = Command::new("debugfs").args(["-R", &format!("cat {path}")]).arg(disk).env("PATH", paths).output();
    String::from_utf8_lossy(&output.expect("debugfs starts").stdout).into_owned()
}

/// A hash over all bytes of a file.
fn hash(path: &Path) -> u64 {
    let (mut file, mut buffer, mut hasher) =
        (File::open(path).expect("it is there"), [0; 1 << 16], DefaultHasher::new());
    loop {
        match file.read(&mut buffer).expect("it can be read") {
            0 => return hasher.finish(),
            count => hasher.write(&buffer[..count]),
        }
    }
}

/// One line for each program, whose result is known.
const PROGRAMS: &str = r#"set -e
python3 -c 'print("python", sum(i * i for i in range(1000)), 2 ** 100, 0.1 + 0.2)'
sqlite3 /root/t.db 'create table t(n); insert into t values (40), (2); select "sqlite", sum(n) from t'
perl -e 'print join(" ", "perl", reverse 1 .. 5), "\n"'
echo '#include <stdio.h>
#include <math.h>
int main(void) { printf("gcc %d %.6f\n", __riscv_xlen, sqrt(2)); return 0; }' >/root/p.c
gcc -O2 -o /root/p /root/p.c -lm
/root/p
echo written >/root/written
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debian_programs_work_and_what_they_write_survives() {
        let scratch = Scratch::new();
        let copy = copy_of_disk(&scratch);
        let path = copy.to_str().expect("the path is UTF-8");
        let outcome = run_on(path, "rw", 1, PROGRAMS);
        let lines = [
            "python 332833500 1267650600228229401496703205376 0.30000000000000004",
            "sqlite|42",
            "perl 5 4 3 2 1",
            "gcc 64 1.414214",
        ];
        assert_good(&outcome, &lines);
        assert_clean(&copy);
        assert_eq!(file_on(&copy, "/root/written"), "written\n");

        // Read-only, the same disk is read and not changed.
        let before = hash(&copy);
        let outcome = run_on(&format!("{path},ro"), "ro", 1, "cat /root/written; touch /root/x || echo refused");
        assert_good(&outcome, &["written", "refused"]);
        assert_eq!(hash(&copy), before, "a read-only disk is not changed");
    }

    /// The host's limit lies in the middle of the disk: what is written behind it fails.
    #[test]
    fn what_the_host_cannot_write_is_an_error_of_the_guest_and_a_line_with_the_disks_name() {
        let scratch = Scratch::new();
        let disk = scratch.join("scratch.raw");
        let image = File::create(&disk).expect("it can be made");
        image.set_len(128 << 20).expect("it can be sparse");
        let script = "cat /sys/block/vda/serial; echo\n\
                      dd if=/dev/zero of=/dev/vda bs=1M seek=64 count=1 conv=fsync || echo 'dd failed'";
        let mut arguments = linux(&exec(script));
        arguments.extend(["--disk".to_owned(), format!("file={},name=scratch", disk.display())]);
        // In blocks of 512 bytes: 64 MiB.
        let limited = r#"trap '' XFSZ; ulimit -f 131072 && exec "$0" "$@""#;
        let mut command = Command::new("sh");
        command.args(["-c", limited]).arg(env!("CARGO_BIN_EXE_riscope")).args(arguments).stdin(Stdio::null());
        let outcome = Process::start(command).finish();
        outcome.assert_code(0);
        let lines: Vec<&str> = outcome.stdout.lines().map(str::trim_end).collect();
        assert!(lines.contains(&"scratch") && lines.contains(&"dd failed"), "{}", outcome.log());
        let said: Vec<&str> = outcome.stderr.lines().filter(|line| line.contains("scratch")).collect();
        assert_eq!(said.len(), 1, "{}", outcome.log());
        assert!(said[0].contains("limit of the host") && said[0].contains("file_too_large"), "{}", outcome.log());
    }

    #[test]
    fn stress_ng_finds_nothing_wrong_on_cpus_2() {
        let scratch = Scratch::new();
        let copy = copy_of_disk(&scratch);
        // By operations and not by time, so that a slow host does the same work. No method that takes minutes.
        let script = "stress-ng --verify --metrics-brief --cpu 2 --cpu-ops 40 --vm 1 --vm-bytes 8M --vm-ops 400 \
                      --atomic 2 --atomic-ops 400";
        let outcome = run_on(copy.to_str().expect("the path is UTF-8"), "rw", 2, script);
        assert_good(&outcome, &[]);
        assert!(outcome.stdout.contains("successful run completed"), "{}", outcome.log());
        assert!(!outcome.stdout.contains("fail:"), "{}", outcome.log());
        assert_clean(&copy);
    }
}
