//! End-to-end tests of a Debian disk: its programs work, written data survives power-off,
//! and a read-only disk is unchanged.

mod support;

use std::fs::File;
use std::hash::{DefaultHasher, Hasher};
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::Signal;
use support::guest::{assert_no_complaint, copy_of, disk, exec, linux, systemd_disk};
use support::process::{Outcome, Process, riscope, run};
use support::scratch::Scratch;

/// Boots from `disk` (a path with options) and runs `script` there.
fn run_on(disk: &str, append: &str, cpus: u32, script: &str) -> Outcome {
    let mut arguments = linux(&format!("root=/dev/vda {append} {}", exec(script)));
    arguments.extend(["--disk", disk, "--memory", "1G", "--cpus", &cpus.to_string()].map(str::to_owned));
    run(arguments)
}

/// As [`assert_ends`], with status 0.
fn assert_good(outcome: &Outcome, lines: &[&str]) {
    assert_ends(outcome, lines, 0);
}

/// Checks that the guest printed each of `lines` on a line of its own and ended with
/// `status`, and that its kernel reports no problems.
fn assert_ends(outcome: &Outcome, lines: &[&str], status: i32) {
    let printed: Vec<&str> = outcome.stdout.lines().map(str::trim_end).collect();
    let report = format!("riscope-exit: {status}");
    for expected in lines.iter().chain(&[report.as_str()]) {
        assert!(printed.contains(expected), "no line {expected:?}:\n{}", outcome.log());
    }
    outcome.assert_code(status);
    assert_no_complaint(&outcome.stdout);
    assert!(!outcome.stdout.contains("EXT4-fs error"), "{}", outcome.log());
}

/// `riscope` booting the systemd of `disk`, with a pipe as stdin and `append` on the kernel's command line.
fn systemd(disk: &Path, append: &str) -> Command {
    let mut arguments = linux(&format!("root=/dev/vda {append}"));
    arguments.extend(["--disk", disk.to_str().expect("the path is UTF-8"), "--memory", "1G"].map(str::to_owned));
    let mut command = riscope(arguments);
    command.stdin(Stdio::piped());
    command
}

/// Checks the file system with the host's fsck.
fn assert_clean(disk: &Path) {
    let paths = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default());
    let output = Command::new("fsck.ext4").arg("-fn").arg(disk).env("PATH", paths).output();
    let output = output.unwrap_or_else(|error| panic!("{error}: install Debian's package `e2fsprogs`"));
    assert!(output.status.success(), "fsck: {}", String::from_utf8_lossy(&output.stdout));
}

/// Output of a debugfs command, which needs no root, on a disk that is not in use.
fn debugfs(disk: &Path, command: &str) -> String {
    let paths = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default());
    let output = Command::new("debugfs").args(["-w", "-R", command]).arg(disk).env("PATH", paths).output();
    String::from_utf8_lossy(&output.expect("debugfs starts").stdout).into_owned()
}

/// Packs or unpacks with the host's tar.
fn tar(arguments: &[&str]) {
    let output = Command::new("tar").args(arguments).output().expect("tar starts");
    assert!(output.status.success(), "tar: {}", String::from_utf8_lossy(&output.stderr));
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

/// One line per program, with a known result.
const PROGRAMS: &str = r#"set -e
python3 -c 'print("python", sum(i * i for i in range(1000)), 2 ** 100, 0.1 + 0.2)'
sqlite3 /mnt/t.db 'create table t(n); insert into t values (40), (2); select "sqlite", sum(n) from t'
perl -e 'print join(" ", "perl", reverse 1 .. 5), "\n"'
echo '#include <stdio.h>
#include <math.h>
int main(void) { printf("gcc %d %.6f\n", __riscv_xlen, sqrt(2)); return 0; }' >/mnt/p.c
gcc -O2 -o /mnt/p /mnt/p.c -lm
/mnt/p
cat /mnt/from-host
echo written >/mnt/written
"#;

/// Programs that users expect in a shell, found by the search path of a login shell, and
/// the message of apt without a network.
const AT_A_SHELL: &str = r#"
bash -lc 'for name in ps free less resize poweroff halt reboot; do command -v $name >/dev/null || echo no $name; done'
apt-get update -q -o Acquire::Retries=0; echo "apt-get ended with $?"
false"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debian_programs_work_and_what_they_write_survives() {
        let scratch = Scratch::new();
        let copy = copy_of(&disk(), scratch.join("disk.ext4"));
        let path = copy.to_str().expect("the path is UTF-8");
        let file = scratch.write("from-host", "from the host\n");
        debugfs(&copy, &format!("write {} /mnt/from-host", file.display()));
        let outcome = run_on(path, "rw", 1, PROGRAMS);
        let lines = [
            "python 332833500 1267650600228229401496703205376 0.30000000000000004",
            "sqlite|42",
            "perl 5 4 3 2 1",
            "gcc 64 1.414214",
            "from the host",
        ];
        assert_good(&outcome, &lines);
        assert_clean(&copy);
        assert_eq!(debugfs(&copy, "cat /mnt/written"), "written\n");

        // Read-only: the disk can be read and is not changed.
        let before = hash(&copy);
        let script = "cat /mnt/written; touch /mnt/x || echo refused; exit 42";
        let outcome = run_on(&format!("{path},ro"), "ro", 1, script);
        assert_ends(&outcome, &["written", "refused"], 42);
        assert_eq!(hash(&copy), before, "a read-only disk is not changed");
    }

    /// The host's limit is in the middle of the disk: writes beyond it fail.
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
        let limited = r#"ulimit -f 131072 && exec "$0" "$@""#;
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
    fn a_shell_on_a_disk_has_what_is_missed_first_and_gives_the_status_of_its_last_command() {
        let scratch = Scratch::new();
        let copy = copy_of(&disk(), scratch.join("disk.ext4"));
        let outcome = run_on(copy.to_str().expect("the path is UTF-8"), "rw", 1, AT_A_SHELL);
        assert_ends(&outcome, &["riscope: this machine has no network device", "apt-get ended with 100"], 1);
        assert!(!outcome.stdout.contains("\nno "), "a program is missing:\n{}", outcome.log());
        assert_clean(&copy);
    }

    #[test]
    fn files_go_in_and_out_as_tar_archives_on_disks() {
        let scratch = Scratch::new();
        scratch.write("greeting", "hello from the host\n");
        let (folder, into, out) = (scratch.path().to_str(), scratch.join("in.tar"), scratch.join("out.tar"));
        let (folder, into, out) = (folder.expect("UTF-8"), into.to_str().expect("UTF-8"), out.to_str().expect("UTF-8"));
        tar(&["-cf", into, "-C", folder, "greeting"]);
        File::create(out).and_then(|file| file.set_len(1 << 20)).expect("room for what comes out");
        let script = "set -e\ntar -xf /dev/vda\nsed s/host/guest/ greeting >answer\ntar -cf /dev/vdb answer\n";
        let mut arguments = linux(&exec(script));
        arguments.extend(["--disk", &format!("{into},ro"), "--disk", out].map(str::to_owned));
        assert_good(&run(arguments), &[]);
        tar(&["-xf", out, "-C", folder]);
        let answer = std::fs::read_to_string(scratch.join("answer")).expect("the guest's file");
        assert_eq!(answer, "hello from the guest\n");
    }

    #[test]
    fn a_disk_with_systemd_boots_to_a_login_unattended_and_powers_off() {
        let scratch = Scratch::new();
        let copy = copy_of(&systemd_disk(), scratch.join("disk.ext4"));
        let mut process = Process::start(systemd(&copy, ""));
        let mut keyboard = process.stdin().expect("it is a pipe");
        process.expect_stdout("riscope login: ");
        keyboard.write_all(b"root\n").expect("the guest listens");
        process.expect_stdout("root@riscope:");
        let script = b"systemctl is-system-running --wait; dpkg -C; readlink -f /sbin/poweroff; echo that\\'s all\n";
        keyboard.write_all(script).expect("the guest listens");
        process.expect_stdout("that's all");
        // SIGTERM presses the power button, on which systemd shuts down as on the command `poweroff`.
        process.signal(Signal::TERM);
        let outcome = process.finish();
        outcome.assert_code(0);
        assert!(outcome.stdout.contains("running\r\n"), "a unit failed:\n{}", outcome.log());
        assert!(outcome.stdout.contains("/usr/bin/systemctl\r\n"), "poweroff is systemd's:\n{}", outcome.log());
        for complaint in ["only half configured", "not yet been configured", "only unpacked"] {
            assert!(!outcome.stdout.contains(complaint), "{}", outcome.log());
        }
        assert_no_complaint(&outcome.stdout);
        assert_clean(&copy);

        // The packages are configured once: the second start goes to systemd directly.
        let outcome = Process::start(systemd(&copy, "systemd.unit=poweroff.target")).finish();
        outcome.assert_code(0);
        assert!(!outcome.stdout.contains("first start"), "{}", outcome.log());
        assert!(outcome.stdout.contains("Welcome to "), "systemd greets:\n{}", outcome.log());
        assert_no_complaint(&outcome.stdout);
        assert_clean(&copy);
    }

    #[test]
    fn stress_ng_finds_nothing_wrong_on_cpus_2() {
        let scratch = Scratch::new();
        let copy = copy_of(&disk(), scratch.join("disk.ext4"));
        // Limited by operations, not time, so that a slow host does the same work. Excludes
        // methods that take minutes.
        let script = "stress-ng --verify --metrics-brief --cpu 2 --cpu-ops 40 --vm 1 --vm-bytes 8M --vm-ops 400 \
                      --atomic 2 --atomic-ops 400";
        let outcome = run_on(copy.to_str().expect("the path is UTF-8"), "rw", 2, script);
        assert_good(&outcome, &[]);
        assert!(outcome.stdout.contains("successful run completed"), "{}", outcome.log());
        assert!(!outcome.stdout.contains("fail:"), "{}", outcome.log());
        assert_clean(&copy);
    }
}
