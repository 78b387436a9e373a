//! End-to-end tests of guest panics: messages, and how riscope ends.

mod support;

use support::assembly::assemble;
use support::guest::{exec, linux};
use support::process::{Outcome, run};
use support::scratch::Scratch;

const SAID: &str = "riscope: the guest has panicked: ";

/// Number of reports on stderr.
fn said(outcome: &Outcome) -> usize {
    outcome.stderr.matches(SAID).count()
}

/// Runs a command in Debian's kernel.
fn linux_with_command(command: &str, append: &str, arguments: &[&str]) -> Outcome {
    let mut all = linux(&format!("{append} {}", exec(command)));
    all.extend(arguments.iter().map(|&argument| argument.to_owned()));
    run(all)
}

/// A program that reports a panic to the pvpanic device, prints "on" and powers off.
const PVPANIC: &str = ".globl _start
    _start: li t0, 0x102000
    li t1, 1
    sb t1, 0(t0)
    li t0, 0x10000000
    li t1, 'o'
    sb t1, 0(t0)
    li t1, 'n'
    sb t1, 0(t0)
    li t0, 0x100000
    li t1, 0x5555
    sw t1, 0(t0)
    wait: j wait\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_that_panics_and_waits_ends_riscope_when_that_is_asked_for() {
        let outcome =
            linux_with_command("echo c >/proc/sysrq-trigger", "panic=0", &["--on-panic", "exit", "--cpus", "2"]);
        outcome.assert_code(71);
        assert!(outcome.stdout.contains("Kernel panic - not syncing: sysrq triggered crash"), "{}", outcome.stdout);
        assert_eq!(said(&outcome), 1, "{}", outcome.stderr);
    }

    #[test]
    fn a_kernel_that_panics_and_resets_itself_has_done_both() {
        let outcome = linux_with_command("echo c >/proc/sysrq-trigger", "panic=1", &["--no-reboot"]);
        outcome.assert_code(3);
        assert_eq!(said(&outcome), 1, "{}", outcome.stderr);
    }

    #[test]
    fn a_program_that_prints_the_log_of_a_panic_is_no_panic() {
        // The second powers off at once, before anybody could see it go on.
        for behind in ["; sleep 5; true", ""] {
            let command = format!("echo '[    1.000000] Kernel panic - not syncing: of another kernel'{behind}");
            let outcome = linux_with_command(&command, "", &["--on-panic", "exit", "--cpus", "2"]);
            outcome.assert_code(0);
            assert!(outcome.stdout.contains("not syncing: of another kernel"), "{}", outcome.stdout);
            assert_eq!(said(&outcome), 0, "{}", outcome.stderr);
        }
    }

    #[test]
    fn a_panic_is_reported_or_ends_or_resets_the_machine() {
        let scratch = Scratch::new();
        let program = assemble(&scratch, "program", PVPANIC);
        let program = program.to_str().expect("the path is UTF-8");
        for (arguments, code) in
            [(&[][..], 0), (&["--on-panic", "report"], 0), (&["--on-panic", "exit"], 71), (&["--on-panic", "reset"], 3)]
        {
            let outcome = run(["run", "--no-reboot", "--bios", program].iter().chain(arguments));
            outcome.assert_code(code);
            assert_eq!(outcome.stdout == "on", code == 0, "{}", outcome.stdout);
            assert_eq!(said(&outcome), 1, "{}", outcome.stderr);
        }
    }
}
