//! End-to-end tests of Debian's kernel: it boots to a busybox shell, runs commands and
//! powers off, on every kind of machine.
//!
//! Each cell of the matrix (harts, engine, page-table format) boots once, or as often as
//! `RISCOPE_BOOTS` says. For many repetitions use `RISCOPE_BOOTS=20 cargo test -p riscope
//! --test boot -- --test-threads 1`: the test runner of `make test` ends tests that take
//! several minutes.

mod support;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use support::guest::{assert_no_complaint, exec, initrd_with_script, linux, opensbi};
use support::process::{Outcome, run};
use support::scratch::Scratch;

/// Number of boots of each cell.
fn repetitions() -> u32 {
    match std::env::var("RISCOPE_BOOTS") {
        Ok(text) => text.parse().unwrap_or_else(|error| panic!("RISCOPE_BOOTS={text}: {error}")),
        Err(_) => 1,
    }
}

/// Commands by which the guest prints its number of harts, its page-table format, and the
/// result of a pipeline.
const QUESTIONS: &str = r#"
echo "harts=$(nproc)"
echo "mmu=$(sed -n 's/^mmu.*: *//p' /proc/cpuinfo | sort -u)"
echo "sum=$(seq 1 1000 | awk '{s += $1} END {print s}')"
"#;

/// Checks that the guest answered [`QUESTIONS`] and powered off, and that its kernel
/// reports no problems.
fn assert_good(outcome: &Outcome, cpus: u32, mmu: &str) {
    let lines: Vec<&str> = outcome.stdout.lines().map(str::trim_end).collect();
    for expected in [&format!("harts={cpus}"), &format!("mmu={mmu}"), "sum=500500", "riscope-exit: 0"] {
        assert!(lines.contains(&expected), "no line {expected:?}:\n{}", outcome.log());
    }
    outcome.assert_code(0);
    assert_no_complaint(&outcome.stdout);
    assert_eq!(outcome.stderr, "", "riscope itself has nothing to say");
}

/// Boots a cell of the matrix, repeatedly if configured.
fn boot(cpus: u32, engine: &str, mmu: &str) {
    for _ in 0..repetitions() {
        let mut arguments = linux(&exec(QUESTIONS));
        arguments.extend(["--cpus", &cpus.to_string(), "--engine", engine, "--mmu", mmu].map(str::to_owned));
        assert_good(&run(arguments), cpus, mmu);
    }
}

/// Boots through OpenSBI, which runs in M-mode and starts the kernel, with the commands in
/// a script.
fn boot_through(firmware: &str, cpus: u32, engine: &str, mmu: &str) {
    let scratch = Scratch::new();
    let initrd = initrd_with_script(scratch.join("initrd"), QUESTIONS);
    for _ in 0..repetitions() {
        let mut arguments = linux("");
        let place = arguments.iter().position(|argument| argument == "--initrd").expect("there is one") + 1;
        arguments[place] = initrd.to_str().expect("the path is UTF-8").to_owned();
        arguments.extend(["--bios", &opensbi(firmware), "--cpus", &cpus.to_string()].map(str::to_owned));
        arguments.extend(["--engine", engine, "--mmu", mmu].map(str::to_owned));
        let outcome = run(arguments);
        assert!(outcome.stdout.contains("OpenSBI v"), "OpenSBI greets:\n{}", outcome.log());
        assert_good(&outcome, cpus, mmu);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One test for each cell, so that a failure names its cell.
    macro_rules! cells {
        ($($name:ident: $cpus:literal, $engine:literal, $mmu:literal;)*) => {
            $(
                #[test]
                fn $name() {
                    boot($cpus, $engine, $mmu);
                }
            )*
        };
    }

    cells! {
        cpus_1_interpreter_sv39: 1, "interpreter", "sv39";
        cpus_1_interpreter_sv48: 1, "interpreter", "sv48";
        cpus_1_tiered_sv39: 1, "tiered", "sv39";
        cpus_1_tiered_sv48: 1, "tiered", "sv48";
        cpus_2_interpreter_sv39: 2, "interpreter", "sv39";
        cpus_2_interpreter_sv48: 2, "interpreter", "sv48";
        cpus_2_tiered_sv39: 2, "tiered", "sv39";
        cpus_2_tiered_sv48: 2, "tiered", "sv48";
        cpus_4_interpreter_sv39: 4, "interpreter", "sv39";
        cpus_4_interpreter_sv48: 4, "interpreter", "sv48";
        cpus_4_tiered_sv39: 4, "tiered", "sv39";
        cpus_4_tiered_sv48: 4, "tiered", "sv48";
    }

    /// As [`cells`], through a firmware of Debian's OpenSBI.
    macro_rules! opensbi_cells {
        ($($name:ident: $firmware:literal, $cpus:literal, $engine:literal, $mmu:literal;)*) => {
            $(
                #[test]
                fn $name() {
                    boot_through($firmware, $cpus, $engine, $mmu);
                }
            )*
        };
    }

    opensbi_cells! {
        opensbi_jump_cpus_1_interpreter: "fw_jump.elf", 1, "interpreter", "sv39";
        opensbi_dynamic_cpus_1_tiered: "fw_dynamic.elf", 1, "tiered", "sv39";
        opensbi_jump_cpus_2_interpreter: "fw_jump.elf", 2, "interpreter", "sv48";
        opensbi_dynamic_cpus_2_tiered: "fw_dynamic.elf", 2, "tiered", "sv48";
        opensbi_dynamic_cpus_4_interpreter: "fw_dynamic.elf", 4, "interpreter", "sv48";
        opensbi_jump_cpus_4_tiered: "fw_jump.elf", 4, "tiered", "sv39";
    }

    #[test]
    fn a_kernel_uses_the_deepest_page_tables_or_what_its_command_line_says() {
        boot(1, "tiered", "sv57");
        let arguments = linux(&format!("no4lvl no5lvl {}", exec(QUESTIONS)));
        assert_good(&run(arguments), 1, "sv39");
        assert_good(&run(linux(&exec(QUESTIONS))), 1, "sv48");
    }

    #[test]
    fn a_command_line_reaches_the_guest_whatever_its_bytes() {
        let command = r#"case "$(cat /proc/cmdline)" in *word=gr$(printf '\374\337')e*) echo "as it was"; esac"#;
        let mut arguments: Vec<OsString> = linux("").into_iter().map(OsString::from).collect();
        let place = arguments.iter().position(|argument| argument == "--append").expect("there is one") + 1;
        // Latin-1, which is not UTF-8.
        arguments[place].push(OsStr::from_bytes(b"word=gr\xfc\xdfe "));
        arguments[place].push(exec(command));
        let outcome = run(arguments);
        assert!(outcome.stdout.contains("as it was"), "{}", outcome.log());
        outcome.assert_code(0);
    }

    #[test]
    fn a_reboot_under_no_reboot_ends_with_3() {
        let mut arguments = linux(&exec("reboot -f"));
        arguments.push("--no-reboot".to_owned());
        let outcome = run(arguments);
        outcome.assert_code(3);
        assert!(outcome.stdout.contains("reboot: Restarting system"), "{}", outcome.log());
        assert_no_complaint(&outcome.stdout);
    }

    #[test]
    fn the_status_of_a_guests_command_is_the_exit_status() {
        for (command, status) in [("false", 1), ("exit 42", 42)] {
            let outcome = run(linux(&exec(command)));
            outcome.assert_code(status);
            let report = format!("\nriscope-exit: {status}\r\n");
            assert!(outcome.stdout.contains(&report), "{}", outcome.log());
            assert_no_complaint(&outcome.stdout);
        }
    }

    #[test]
    fn a_guest_that_finds_no_root_file_system_ends_with_255() {
        let outcome = run(linux("root=/dev/vda"));
        outcome.assert_code(255);
        assert!(outcome.stdout.contains("riscope: no block device /dev/vda"), "{}", outcome.log());
    }

    #[test]
    fn a_complaint_of_the_kernel_is_noticed() {
        let log = "[    1.0] fine\n[    2.0] rcu: INFO: rcu_sched self-detected stall on CPU\n[    3.0] rcu: all well\n\
                   [    4.0] WARNING: CPU: 0 PID: 1 at kernel/x.c:1\n";
        assert_eq!(support::guest::complaints(log).len(), 2);
    }
}
