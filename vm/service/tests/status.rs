//! Tests of `--status` and `--name`.

mod support;

use std::path::PathBuf;

use rustix::process::Signal;
use serde_json::{Value, json};
use support::PATIENCE;
use support::assembly::assemble;
use support::http::{address_in, get};
use support::process::{Outcome, Process, riscope};
use support::scratch::Scratch;

/// A program that stores `word` to the test device.
fn to_test_device(word: u32) -> String {
    format!(".globl _start\n_start: li t0, 0x100000\nli t1, {word:#x}\nsw t1, 0(t0)\nwait: j wait\n")
}

/// Directory with a program, as working directory of riscope.
struct Bench {
    scratch: Scratch,
    program: PathBuf,
}

impl Bench {
    fn new(word: u32) -> Self {
        let scratch = Scratch::new();
        let program = assemble(&scratch, "program", &to_test_device(word));
        Self { scratch, program }
    }

    fn start(&self, arguments: &[&str]) -> Process {
        let mut command = riscope(["run", "--status", "status", "--memory", "1M", "--bios"]);
        command.arg(&self.program).args(arguments).current_dir(self.scratch.path());
        Process::start(command)
    }

    fn run(&self, arguments: &[&str]) -> (Outcome, Value) {
        let outcome = self.start(arguments).finish();
        let status = self.status();
        (outcome, status)
    }

    fn status(&self) -> Value {
        let text = std::fs::read_to_string(self.scratch.join("status")).expect("the file is there");
        assert_eq!(text.lines().count(), 1, "{text}");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }
}

/// Fails unless the file has these members.
fn assert_status(status: &Value, expected: &Value) {
    for (name, value) in expected.as_object().expect("an object") {
        assert_eq!(&status[name], value, "{name} of {status}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_the_guest_are_told_from_those_of_riscope() {
        for (word, expected) in [
            (0x5555, json!({ "reason": "poweroff", "status": 0, "code": null, "message": null })),
            (0x0002_3333, json!({ "reason": "guest_failure", "status": 2, "code": 2 })),
            (0x0003_3333, json!({ "reason": "guest_failure", "status": 3, "code": 3 })),
            (0x0046_3333, json!({ "reason": "guest_failure", "status": 70, "code": 70 })),
            (0x007c_3333, json!({ "reason": "guest_failure", "status": 124, "code": 124 })),
            (0x0082_3333, json!({ "reason": "guest_failure", "status": 130, "code": 130 })),
            (0x1000_3333, json!({ "reason": "guest_failure", "status": 255, "code": 4096 })),
            (0x7777, json!({ "reason": "reset", "status": 3, "code": null })),
        ] {
            let (outcome, status) = Bench::new(word).run(&["--no-reboot"]);
            assert_status(&status, &expected);
            assert_eq!(status["status"], json!(outcome.code()), "{}", outcome.log());
        }
        let (outcome, status) = Bench::new(0).run(&["--timeout", "0.1"]);
        assert_status(&status, &json!({ "reason": "timeout", "status": 124 }));
        outcome.assert_code(124);
        let bench = Bench::new(0);
        let (outcome, status) = bench.run(&["--disk", "nowhere"]);
        outcome.assert_code(2);
        assert_status(&status, &json!({ "reason": "usage", "status": 2, "code": null }));
        let message = status["message"].as_str().expect("a sentence");
        assert_eq!(outcome.stderr, format!("riscope: {message}\n"));
    }

    #[test]
    fn a_stop_is_told_however_it_comes_about() {
        let bench = Bench::new(0);
        let process = bench.start(&["--listen", "127.0.0.1:0"]);
        assert!(process.stderr.wait_for(PATIENCE, address_in).is_some(), "it runs");
        process.signal(Signal::TERM);
        process.finish().assert_code(130);
        assert_status(&bench.status(), &json!({ "reason": "killed", "status": 130 }));
    }

    #[test]
    fn nobody_takes_the_end_of_an_earlier_run_for_that_of_this_one() {
        let bench = Bench::new(0);
        bench.scratch.write("status", "old");
        let process = bench.start(&["--listen", "127.0.0.1:0"]);
        assert!(process.stderr.wait_for(PATIENCE, address_in).is_some(), "it runs");
        assert!(!bench.scratch.join("status").exists(), "the old file is gone while the machine runs");
        process.signal(Signal::INT);
        process.finish().assert_code(130);
        let names = bench.scratch.names();
        assert!(names.iter().all(|name| !name.ends_with(".tmp")), "{names:?}");
    }

    #[test]
    fn a_status_that_cannot_be_written_is_refused_before_anything_runs() {
        let bench = Bench::new(0x5555);
        for path in ["nowhere/status", "/", "/dev/null"] {
            let mut command = riscope(["run", "--status", path, "--bios"]);
            command.arg(&bench.program);
            let outcome = Process::start(command).finish();
            outcome.assert_code(2);
            assert!(outcome.stderr.contains(path) && outcome.stderr.contains("--status"), "{}", outcome.log());
            assert_eq!(outcome.stderr.lines().count(), 1, "{}", outcome.log());
        }
    }

    #[test]
    fn a_machine_has_the_name_that_it_was_given() {
        let bench = Bench::new(0);
        let process = bench.start(&["--name", "build \"42\"", "--listen", "127.0.0.1:0"]);
        let address = process.stderr.wait_for(PATIENCE, address_in).expect("it serves");
        let metrics = get(address, "/metrics").body;
        assert!(metrics.contains("name=\"build \\\"42\\\"\""), "{metrics}");
        let said = process.stderr.text();
        assert!(said.contains(&format!("metrics of build \"42\" at http://{address}/metrics")), "{said}");
        process.signal(Signal::INT);
        process.finish().assert_code(130);
        assert_status(&bench.status(), &json!({ "name": "build \"42\"" }));
    }

    #[test]
    fn machines_without_a_name_are_told_apart() {
        let bench = Bench::new(0x5555);
        let [first, second] = [(); 2].map(|()| bench.run(&[]).1);
        for status in [&first, &second] {
            let name = status["name"].as_str().expect("a name");
            assert!(name.starts_with("program-"), "{name}");
            let id = status["vm_id"].as_str().expect("an identity");
            assert_eq!(id.len(), 36, "{id}");
        }
        assert_ne!(first["name"], second["name"]);
        assert_ne!(first["vm_id"], second["vm_id"]);
    }

    #[test]
    fn a_name_that_nobody_can_read_is_refused() {
        let bench = Bench::new(0x5555);
        for name in ["", " ", "a\nb", &"n".repeat(65)] {
            let mut command = riscope(["run", "--name", name, "--bios"]);
            command.arg(&bench.program);
            let outcome = Process::start(command).finish();
            outcome.assert_code(2);
            assert!(outcome.stderr.contains("--name"), "{}", outcome.log());
        }
    }
}
