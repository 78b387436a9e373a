//! End-to-end tests of the flight recorder: SIGUSR1, and crashes with `--flight-recorder`.

mod support;

use rustix::process::Signal;
use serde_json::Value;

use support::PATIENCE;
use support::assembly::assemble;
use support::process::{Process, riscope, run};
use support::scratch::Scratch;

/// Prints "on" and goes on for ever.
const GOES_ON: &str = ".globl _start
    _start: li t0, 0x10000000
    li t1, 'o'
    sb t1, 0(t0)
    li t1, 'n'
    sb t1, 0(t0)
    wait: j wait\n";

/// Reports a panic to the pvpanic device and powers off.
const PANICS: &str = ".globl _start
    _start: li t0, 0x102000
    li t1, 1
    sb t1, 0(t0)
    li t0, 0x100000
    li t1, 0x5555
    sw t1, 0(t0)
    wait: j wait\n";

/// The lines of a dump.
fn parse(text: &str) -> Vec<Value> {
    text.lines().map(|line| line.parse().unwrap_or_else(|error| panic!("{line:?}: {error}"))).collect()
}

/// The last dump in `text`, once it is complete.
fn last_dump(text: &str) -> Option<Vec<Value>> {
    let lines = parse(&text[..=text.rfind('\n')?]);
    let start = lines.iter().rposition(|line| line.get("dump").is_some())?;
    let dump = &lines[start..];
    (dump[0]["events"].as_u64()? == dump.len() as u64 - 1).then(|| dump.to_vec())
}

/// Names of the events of a dump for this reason, which is the first in `lines`.
fn events<'a>(lines: &'a [Value], reason: &str) -> Vec<&'a str> {
    assert_eq!(lines[0]["dump"], reason, "{lines:?}");
    let number = lines[0]["events"].as_u64().expect("a number");
    let events = &lines[1..];
    assert_eq!(events.len() as u64, number, "{lines:?}");
    let sequences: Vec<_> = events.iter().map(|event| event["sequence"].as_u64()).collect();
    assert!(sequences.is_sorted(), "{lines:?}");
    assert!(events.iter().all(|event| event["vm_id"] == lines[0]["vm_id"]), "{lines:?}");
    events.iter().map(|event| event["event"].as_str().expect("a name")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_by_a_signal_gets_the_last_events_on_stderr_and_the_machine_goes_on() {
        let scratch = Scratch::new();
        let program = assemble(&scratch, "program", GOES_ON);
        let process = Process::start(riscope(["run", "--bios", program.to_str().expect("UTF-8")]));
        process.expect_stdout("on");
        for time in 1..=2 {
            process.signal(Signal::USR1);
            let dumped = process.stderr.wait_for(PATIENCE, |text| {
                last_dump(text).filter(|_| text.matches("\"dump\":\"signal\"").count() == time)
            });
            let lines = dumped.unwrap_or_else(|| panic!("no dump: {}", process.stderr.text()));
            let events = events(&lines, "signal");
            assert_eq!(events[0], "vm.created");
            assert!(events.contains(&"vm.state_changed"), "{events:?}");
        }
        process.signal(Signal::TERM);
        process.finish().assert_code(130);
    }

    #[test]
    fn a_guest_panic_is_recorded_in_the_file_if_there_is_one() {
        let scratch = Scratch::new();
        let program = assemble(&scratch, "program", PANICS);
        let program = program.to_str().expect("UTF-8");
        let file = scratch.path().join("flight.jsonl");
        let path = file.to_str().expect("UTF-8");
        let outcome = run(["run", "--bios", program, "--flight-recorder", path, "--on-panic", "exit"]);
        outcome.assert_code(71);
        assert_eq!(outcome.stderr.lines().count(), 1, "{}", outcome.stderr);
        let lines = parse(&std::fs::read_to_string(&file).expect("it was written"));
        let events = events(&lines, "guest_panic");
        assert!(events.contains(&"vm.guest_panicked"), "{events:?}");
        let panicked = lines.iter().find(|line| line["event"] == "vm.guest_panicked").expect("it is there");
        assert_eq!(panicked["fields"]["source"], "pvpanic");
        let outcome = run(["run", "--bios", program, "--on-panic", "exit"]);
        assert_eq!(outcome.stderr.lines().count(), 1, "{}", outcome.stderr);
    }

    #[test]
    fn a_file_that_cannot_be_written_or_is_something_else_is_refused() {
        let scratch = Scratch::new();
        let program = assemble(&scratch, "program", PANICS);
        let program = program.to_str().expect("UTF-8");
        let elsewhere = scratch.path().join("gone").join("flight.jsonl");
        let status = scratch.path().join("status.json");
        let status = status.to_str().expect("UTF-8");
        let files = std::fs::read_dir(scratch.path()).expect("it is there").count();
        for arguments in [
            &["--flight-recorder", elsewhere.to_str().expect("UTF-8")][..],
            &["--flight-recorder", program],
            &["--flight-recorder", status, "--status", status],
        ] {
            let outcome = run(["run", "--bios", program].iter().chain(arguments));
            outcome.assert_code(2);
            assert!(outcome.stderr.contains("--flight-recorder"), "{}", outcome.stderr);
            assert_eq!(outcome.stderr.lines().count(), 1, "{}", outcome.stderr);
        }
        assert_eq!(std::fs::read_dir(scratch.path()).expect("it is there").count(), files, "no other file is left");
    }

    #[test]
    fn the_demo_does_not_write_two_results_to_one_file_either() {
        let scratch = Scratch::new();
        let file = scratch.path().join("both");
        let path = file.to_str().expect("UTF-8");
        let outcome = run(["demo", "--listen", ":0", "--status", path, "--flight-recorder", path]);
        outcome.assert_code(2);
        assert!(outcome.stderr.contains("--flight-recorder"), "{}", outcome.stderr);
        assert!(!file.exists());
    }
}
