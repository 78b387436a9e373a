//! Tests of the exit status for each end of a machine: power-off, failure, reset, time-out,
//! signal; and of signatures.

mod support;

use std::path::PathBuf;

use rustix::process::Signal;
use support::assembly::assemble;
use support::process::{Outcome, Process, riscope};
use support::scratch::Scratch;

/// Both engines.
const ENGINES: [&str; 2] = ["interpreter", "tiered"];

/// A program whose first hart prints "on" and stores `word` to the test device; other harts
/// wait, so that outputs do not interleave.
fn to_test_device(word: u32) -> String {
    format!(
        ".globl _start
        _start: csrr t0, mhartid
        bnez t0, wait
        li t0, 0x10000000
        li t1, 'o'
        sb t1, 0(t0)
        li t1, 'n'
        sb t1, 0(t0)
        li t1, 10
        sb t1, 0(t0)
        li t0, 0x100000
        li t1, {word:#x}
        sw t1, 0(t0)
        wait: j wait\n"
    )
}

/// A program that stores `word` to `tohost`, with a signature of three and a half words.
fn to_host(word: u64) -> String {
    format!(
        ".globl _start, tohost, fromhost, begin_signature, end_signature
        _start: la t0, begin_signature
        li t1, 0x0123456789abcdef
        sd t1, 8(t0)
        la t0, tohost
        li t1, {word:#x}
        sd t1, 0(t0)
        wait: j wait
        .data
        .balign 64
        tohost: .dword 0
        .balign 64
        fromhost: .dword 0
        .balign 16
        begin_signature: .dword 0x1122334455667788
        .dword 0, -1
        .word 0xdeadbeef
        end_signature:\n"
    )
}

/// A machine for one program.
struct Bench {
    scratch: Scratch,
    program: PathBuf,
}

impl Bench {
    fn new(source: &str) -> Self {
        let scratch = Scratch::new();
        let program = assemble(&scratch, "program", source);
        Self { scratch, program }
    }

    fn start(&self, arguments: &[&str]) -> Process {
        let mut command = riscope(["run", "--bios"]);
        command.arg(&self.program).args(arguments).current_dir(self.scratch.path());
        Process::start(command)
    }

    fn run(&self, arguments: &[&str]) -> Outcome {
        self.start(arguments).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_test_device_powers_off_fails_and_resets() {
        for (word, code) in [(0x5555, 0), (0x0007_3333, 7), (0x00ff_3333, 255), (0x3333, 255), (0x7777, 3)] {
            let bench = Bench::new(&to_test_device(word));
            for engine in ENGINES {
                let outcome = bench.run(&["--engine", engine, "--no-reboot"]);
                outcome.assert_code(code);
                assert_eq!(outcome.stdout, "on\n", "{word:#x}");
            }
        }
    }

    #[test]
    fn a_reset_starts_again() {
        // Kept alive, as the program is read again at each reset.
        let bench = Bench::new(&to_test_device(0x7777));
        let process = bench.start(&[]);
        process.expect_stdout("on\non\non\n");
        process.signal(Signal::INT);
        process.finish().assert_code(130);
    }

    #[test]
    fn htif_tells_success_and_the_code_of_a_failure() {
        for (word, code) in [(1, 0), (2 * 7 + 1, 7), (2 * 255 + 1, 255), (2 * 256 + 1, 255)] {
            let bench = Bench::new(&to_host(word));
            for engine in ENGINES {
                bench.run(&["--engine", engine]).assert_code(code);
            }
        }
    }

    #[test]
    fn the_signature_is_one_word_a_line_in_hexadecimal() {
        let bench = Bench::new(&to_host(1));
        for engine in ENGINES {
            // Longer than the signature; must be truncated.
            let path = bench.scratch.write("signature", "x".repeat(1000));
            bench.run(&["--engine", engine, "--signature", "signature"]).assert_code(0);
            assert_eq!(
                std::fs::read_to_string(path).expect("it is written"),
                "1122334455667788\n0123456789abcdef\nffffffffffffffff\n00000000deadbeef\n"
            );
        }
    }

    #[test]
    fn a_failure_leaves_its_signature_too() {
        let bench = Bench::new(&to_host(2 * 3 + 1));
        bench.run(&["--signature", "new"]).assert_code(3);
        let text = std::fs::read_to_string(bench.scratch.join("new")).expect("it is written");
        assert_eq!(text.lines().count(), 4, "{text}");
    }

    #[test]
    fn a_time_out_ends_with_124() {
        for program in ["_start: j _start", "_start: wfi\nj _start"] {
            let bench = Bench::new(&format!(".globl _start\n{program}\n"));
            for (engine, cpus) in ENGINES.into_iter().zip(["1", "4"]) {
                let outcome = bench.run(&["--timeout", "0.3", "--engine", engine, "--cpus", cpus]);
                outcome.assert_code(124);
                assert_eq!(outcome.stdout, "");
            }
        }
    }

    #[test]
    fn signals_end_with_130() {
        let bench = Bench::new(&format!("{}\n", to_test_device(0)));
        for signal in [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT] {
            let process = bench.start(&["--cpus", "2"]);
            process.expect_stdout("on\n");
            process.signal(signal);
            process.finish().assert_code(130);
        }
    }

    #[test]
    fn the_help_lists_the_exit_statuses_of_the_readme() {
        let help = support::process::run(["run", "--help"]);
        help.assert_code(0);
        let (_, list) = help.stdout.split_once("Exit status:\n").expect("the help lists them");
        let listed: Vec<&str> = list.lines().map_while(|line| line.split_whitespace().next()).collect();
        let readme = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
        let readme = std::fs::read_to_string(readme).expect("there is a README.md");
        let rows = readme.lines().skip_while(|line| !line.starts_with("| status |")).skip(2);
        let rows = rows.map_while(|line| line.strip_prefix("| ")?.split(' ').next());
        assert_eq!(listed, rows.map(|status| status.trim_matches('*')).collect::<Vec<_>>());
        assert!(list.contains("255"), "{list}");
    }
}
