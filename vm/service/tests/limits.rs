//! Tests of host limits, a full file system among them: each ends a run with one line and
//! status 70, or disables only what it concerns. None ends it by a signal or a panic.

mod support;

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use support::assembly::assemble;
use support::process::Outcome;
use support::scratch::Scratch;

/// User and group ID without permissions; process limits do not apply to root.
const NOBODY: u32 = 65534;
/// Message of a run without JIT.
const NO_JIT: &str = "the interpreter runs the guest";

/// A program that loops until it is translated, prints two lines and powers off.
const PROGRAM: &str = ".globl _start
    _start: li t1, 3000000
    1: addi t1, t1, -1
    bnez t1, 1b
    li t0, 0x10000000
    la t1, text
    2: lbu t2, 0(t1)
    beqz t2, 3f
    sb t2, 0(t0)
    addi t1, t1, 1
    j 2b
    3: li t0, 0x100000
    li t1, 0x5555
    sw t1, 0(t0)
    wait: j wait
    text: .asciz \"first line\\nsecond line\\n\"\n";

/// A program that a shell runs under limits.
struct Bench {
    scratch: Scratch,
    program: PathBuf,
}

impl Bench {
    fn new() -> Self {
        Self::of(PROGRAM)
    }

    fn of(source: &str) -> Self {
        let scratch = Scratch::new();
        let program = assemble(&scratch, "program", source);
        Self { scratch, program }
    }

    /// Runs the program with `arguments` after `ulimit`, as the user of the test, possibly
    /// root.
    fn run(&self, ulimit: &str, arguments: &[&str]) -> Outcome {
        self.finish(Path::new(env!("CARGO_BIN_EXE_riscope")), &self.program, ulimit, arguments, |_| {})
    }

    /// As [`Bench::run`], with a file as stdout.
    fn run_into(&self, stdout: File, ulimit: &str, arguments: &[&str]) -> Outcome {
        let into = |command: &mut Command| _ = command.stdout(stdout);
        self.finish(Path::new(env!("CARGO_BIN_EXE_riscope")), &self.program, ulimit, arguments, into)
    }

    fn finish(
        &self,
        riscope: &Path,
        program: &Path,
        ulimit: &str,
        arguments: &[&str],
        change: impl FnOnce(&mut Command),
    ) -> Outcome {
        let mut command = Command::new("bash");
        command.arg("-c").arg(format!("ulimit {ulimit} && exec \"$@\"")).arg("bash").arg(riscope);
        command.args(["run", "--memory", "1M", "--bios"]).arg(program).args(arguments);
        command.current_dir(self.scratch.path()).stdin(Stdio::null());
        change(&mut command);
        let output = command.output().expect("bash runs");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Outcome { status: output.status, stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

/// The program of a [`Bench`], run by an unprivileged user, for limits that do not apply to
/// root.
struct Unprivileged {
    bench: Bench,
    /// Copies, as other users may not reach our files.
    riscope: PathBuf,
    program: PathBuf,
    _folder: Scratch,
}

impl Unprivileged {
    fn new() -> Self {
        let (bench, folder) = (Bench::new(), Scratch::below(&std::env::temp_dir()));
        let copy = |original: &Path, name: &str| {
            let copy = folder.join(name);
            fs::copy(original, &copy).expect("it can be copied");
            copy
        };
        let riscope = copy(Path::new(env!("CARGO_BIN_EXE_riscope")), "riscope");
        let program = copy(&bench.program, "program");
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).expect("the folder is ours");
        Self { bench, riscope, program, _folder: folder }
    }

    /// Result of a run after `ulimit`.
    fn end(&self, limit: &str) -> End {
        let become_nobody = |command: &mut Command| {
            if rustix::process::geteuid().is_root() {
                command.uid(NOBODY).gid(NOBODY);
            }
        };
        end(limit, &self.bench.finish(&self.riscope, &self.program, limit, &[], become_nobody))
    }
}

/// Checks for exactly one line about stdout, whose file system is full or whose file size
/// limit is reached.
fn assert_output_is_lost(outcome: &Outcome, reason: &str) {
    assert_eq!(outcome.stderr.lines().count(), 1, "{}", outcome.log());
    assert!(outcome.stderr.starts_with("riscope: cannot write to stdout: "), "{}", outcome.log());
    assert!(outcome.stderr.contains(reason), "{}", outcome.log());
}

/// Expected results of a run under a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The same as without the limit.
    Well,
    /// The interpreter runs the guest, which is reported once.
    WithoutJit,
    /// Refused before anything runs, with one line and status 70.
    Refused,
    /// Failed in the dynamic loader, which had no descriptor for a library.
    NotLoaded,
}

/// Result of a run; fails if it is none of the expected ones.
fn end(limit: &str, outcome: &Outcome) -> End {
    let context = format!("ulimit {limit}: {}", outcome.log());
    assert_eq!(outcome.status.signal(), None, "{context}");
    if outcome.code() == 127 && outcome.stderr.contains("error while loading shared libraries") {
        return End::NotLoaded;
    }
    // Lines printed with and without a limit: the address, and undelivered spans.
    let is_usual = |line: &&str| line.starts_with("riscope: metrics of ") || line.starts_with("riscope: spans ");
    let said: Vec<&str> = outcome.stderr.lines().filter(|line| !is_usual(line)).collect();
    assert!(said.iter().all(|line| line.starts_with("riscope: ")), "{context}");
    match (outcome.code(), said.as_slice()) {
        (0, said) => {
            assert_eq!(outcome.stdout, "first line\nsecond line\n", "{context}");
            assert!(said.len() <= 1 && said.iter().all(|line| line.contains(NO_JIT)), "{context}");
            if said.is_empty() { End::Well } else { End::WithoutJit }
        }
        (70, [line]) => {
            assert!(line.contains("ulimit") || line.contains("os error"), "the line names the limit: {context}");
            assert!(!line.contains("internal error"), "{context}");
            assert_eq!(outcome.stdout, "", "{context}");
            End::Refused
        }
        _ => panic!("{context}"),
    }
}

/// Results of runs under a limit of each of these values, in order.
fn sweep(bench: &Bench, option: &str, values: &[u64], arguments: &[&str]) -> Vec<End> {
    let run = |value: &u64| {
        let limit = format!("{option} {value}");
        end(&limit, &bench.run(&limit, arguments))
    };
    values.iter().map(run).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_few_descriptors_are_told_before_anything_starts() {
        let bench = Bench::new();
        let values: Vec<u64> = (4..=24).collect();
        for arguments in [&[][..], &["--listen", "127.0.0.1:0"], &["--otlp", "http://127.0.0.1:9"]] {
            let ends = sweep(&bench, "-n", &values, arguments);
            let loaded = ends.iter().position(|end| *end != End::NotLoaded).expect("some are enough to load it");
            assert!(loaded <= 3, "{arguments:?}: {ends:?}");
            let ends = &ends[loaded..];
            let enough = ends.iter().position(|end| *end == End::Well).expect("24 or fewer are enough");
            assert!(ends[..enough].iter().all(|end| *end == End::Refused), "{arguments:?}: {ends:?}");
            assert!(ends[enough..].iter().all(|end| *end == End::Well), "{arguments:?}: {ends:?}");
        }
    }

    #[test]
    fn files_that_may_not_grow_cost_the_jit_and_nothing_else() {
        let bench = Bench::new();
        // Units of 1024 bytes; the last exceeds every file of this run.
        let ends = sweep(&bench, "-f", &[0, 1, 8, 1000, 65_535, 400_000], &[]);
        let (last, others) = ends.split_last().expect("there are some");
        assert_eq!(*last, End::Well, "{ends:?}");
        assert!(others.iter().all(|end| *end == End::WithoutJit), "{ends:?}");
    }

    #[test]
    fn a_status_that_may_not_be_written_is_told() {
        let outcome = Bench::new().run("-f 0", &["--engine", "interpreter", "--status", "status"]);
        outcome.assert_code(70);
        assert!(outcome.stderr.contains("--status") && outcome.stderr.lines().count() == 1, "{}", outcome.log());
    }

    #[test]
    fn too_little_memory_is_told_or_costs_the_jit() {
        let bench = Bench::new();
        let megabytes = [64, 96, 128, 160, 192, 224, 256, 320, 384, 448, 512, 768, 1024, 1280, 4000];
        let ends = sweep(&bench, "-v", &megabytes.map(|megabytes| megabytes << 10), &[]);
        let order = [End::Refused, End::WithoutJit, End::Well];
        assert!(ends.is_sorted_by_key(|end| order.iter().position(|other| other == end)), "{ends:?}");
        // Threads with arenas of their own would need more than a gigabyte.
        assert_eq!((ends[0], ends[6], ends[10]), (End::Refused, End::WithoutJit, End::Well), "{ends:?}");
        let data = sweep(&bench, "-d", &[64 << 10, 4000 << 10], &[]);
        assert_eq!(data, [End::Refused, End::Well]);
    }

    #[test]
    fn what_is_said_to_be_needed_of_memory_is_enough() {
        let bench = Bench::new();
        let outcome = bench.run(&format!("-v {}", 64 << 10), &[]);
        outcome.assert_code(70);
        let number = |before: &str| -> u64 {
            let rest = outcome.stderr.split(before).nth(1).and_then(|rest| rest.split(' ').next());
            rest.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("{}", outcome.log()))
        };
        let missing = number("needs about ") - number("of which ");
        // One for each rounded number.
        let limit = format!("-v {}", (64 + missing + 2) << 10);
        assert_ne!(end(&limit, &bench.run(&limit, &[])), End::Refused, "{limit}");
    }

    #[test]
    fn memory_that_may_not_be_locked_is_not_missed() {
        assert_eq!(Unprivileged::new().end("-l 0"), End::Well);
    }

    /// Neither a directory for temporary files nor space in any file is needed.
    #[test]
    fn no_room_for_temporary_files_is_not_missed() {
        let bench = Bench::new();
        // Nothing can be created below a file.
        let file = bench.scratch.write("file", "");
        for (engine, limit) in [("tiered", "-f unlimited"), ("interpreter", "-f 0")] {
            let no_folder = |command: &mut Command| _ = command.env("TMPDIR", &file);
            let riscope = Path::new(env!("CARGO_BIN_EXE_riscope"));
            let outcome = bench.finish(riscope, &bench.program, limit, &["--engine", engine], no_folder);
            assert_eq!(end(limit, &outcome), End::Well, "{engine}");
        }
    }

    #[test]
    fn output_that_cannot_be_written_is_told_once_and_is_no_success() {
        let bench = Bench::new();
        let full = File::options().write(true).open("/dev/full").expect("Linux has it");
        let outcome = bench.run_into(full, "-n 1024", &["--status", "status"]);
        assert_output_is_lost(&outcome, "No space left on device");
        outcome.assert_code(70);
        let status = fs::read_to_string(bench.scratch.join("status")).expect("it is written");
        assert!(status.contains("\"reason\":\"host\"") && status.contains("cannot write to stdout"), "{status}");
    }

    #[test]
    fn output_is_written_as_far_as_there_is_room() {
        let text = "0123456789abcdef".repeat(128);
        let bench = Bench::of(&PROGRAM.replace("first line\\nsecond line\\n", &text));
        let file = bench.scratch.join("output");
        let stdout = File::create(&file).expect("it can be made");
        let outcome = bench.run_into(stdout, "-f 1", &["--engine", "interpreter"]);
        assert_output_is_lost(&outcome, "File too large");
        outcome.assert_code(70);
        // The unit of the limit is 1024 bytes.
        assert_eq!(fs::read_to_string(file).expect("it is there"), text[..1024]);
    }

    #[test]
    fn a_guest_that_fails_has_its_own_status_although_its_output_is_lost() {
        // Failure code 3, instead of a power-off.
        let bench = Bench::of(&PROGRAM.replace("0x5555", "0x33333"));
        let full = File::options().write(true).open("/dev/full").expect("Linux has it");
        let outcome = bench.run_into(full, "-n 1024", &[]);
        assert_output_is_lost(&outcome, "No space left on device");
        outcome.assert_code(3);
    }

    #[test]
    fn too_few_threads_are_told_before_anything_starts() {
        let nobody = Unprivileged::new();
        for threads in [1, 3, 6] {
            assert_eq!(nobody.end(&format!("-u {threads}")), End::Refused, "{threads}");
        }
        assert_eq!(nobody.end("-u 10000"), End::Well);
    }

    #[test]
    fn a_limit_of_cpu_time_ends_a_run_with_70() {
        let bench = Bench::of(".globl _start\n_start: j _start\n");
        let outcome = bench.run("-S -t 1", &["--status", "status"]);
        outcome.assert_code(70);
        assert_eq!(outcome.stderr, "riscope: the limit of CPU time is reached; raise it (ulimit -t)\n");
        let status = fs::read_to_string(bench.scratch.join("status")).expect("it is written");
        assert!(status.contains("\"reason\":\"host\""), "{status}");
    }
}
