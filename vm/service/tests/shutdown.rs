//! End-to-end tests of SIGTERM: power button, missing driver, grace period and its
//! interruption.

mod support;

use std::time::{Duration, Instant};

use rustix::process::Signal;
use support::assembly::assemble;
use support::guest::{assert_no_complaint, exec, linux};
use support::process::{Process, riscope};
use support::scratch::Scratch;

/// Bare-metal driver of the power button: offers four event buffers, prints "on", and
/// stores `word` to the test device when the first event is a press of KEY_POWER. With 0,
/// the guest ignores the button.
fn driver(word: u32) -> String {
    format!(
        ".globl _start
        _start: csrr t0, mhartid
        bnez t0, wait
        li s0, 0x10010000
        li t0, 3
        sw t0, 0x70(s0)
        li t0, 4
        sw t0, 0x38(s0)
        la t0, descriptors
        sw t0, 0x80(s0)
        la t0, available
        sw t0, 0x90(s0)
        la t0, used
        sw t0, 0xa0(s0)
        li t0, 1
        sw t0, 0x44(s0)
        li t0, 7
        sw t0, 0x70(s0)
        li s1, 0x10000000
        li t0, 'o'
        sb t0, 0(s1)
        li t0, 'n'
        sb t0, 0(s1)
        li t0, 10
        sb t0, 0(s1)
        la t1, used
        next: lhu t2, 2(t1)
        beqz t2, next
        fence
        ld t0, events
        li t1, 0x100740001
        bne t0, t1, wait
        li t0, 'p'
        sb t0, 0(s1)
        li t0, 0x100000
        li t1, {word:#x}
        sw t1, 0(t0)
        wait: j wait
        .data
        .balign 16
        descriptors: .dword events
        .word 8, 2
        .dword events + 8
        .word 8, 2
        .dword events + 16
        .word 8, 2
        .dword events + 24
        .word 8, 2
        available: .hword 0, 4, 0, 1, 2, 3
        .balign 4
        used: .space 40
        .balign 8
        events: .space 32\n"
    )
}

/// Words for a guest that ignores the button, and for one that shuts down.
const NOTHING: u32 = 0;
const POWER_OFF: u32 = 0x5555;
const RESET: u32 = 0x7777;

/// Far longer than any of these takes, and far shorter than their grace period.
const SOON: Duration = Duration::from_secs(60);

/// A machine whose guest has initialised the button.
struct Bench {
    process: Process,
    _scratch: Scratch,
}

impl Bench {
    fn start(word: u32, arguments: &[&str]) -> Self {
        let scratch = Scratch::new();
        let program = assemble(&scratch, "program", &driver(word));
        let mut command = riscope(["run", "--bios"]);
        command.arg(&program).args(arguments);
        let process = Process::start(command);
        process.expect_stdout("on\n");
        Self { process, _scratch: scratch }
    }

    fn expect_asked(&self) {
        let asked = |text: &str| text.contains("the guest is asked to shut down").then_some(());
        assert!(self.process.stderr.wait_for(SOON, asked).is_some(), "{}", self.process.stderr.text());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_that_shuts_down_when_it_is_asked_ends_with_0() {
        for engine in ["interpreter", "tiered"] {
            let bench = Bench::start(POWER_OFF, &["--engine", engine]);
            bench.process.signal(Signal::TERM);
            let outcome = bench.process.finish();
            outcome.assert_code(0);
            assert_eq!(outcome.stdout, "on\np");
        }
    }

    #[test]
    fn debian_shuts_down_in_order_when_it_is_asked() {
        // The terminal of a program that is asked to end is closed already.
        let work = "trap 'echo tidied >/dev/console; exit' TERM; echo read''y; while :; do sleep 0.1; done";
        let process = Process::start(riscope(linux(&exec(work))));
        process.expect_stdout("ready\r\n");
        process.signal(Signal::TERM);
        let outcome = process.finish();
        outcome.assert_code(0);
        for expected in ["tidied", "riscope-exit: 0", "reboot: Power down"] {
            assert!(outcome.stdout.contains(expected), "no {expected:?}:\n{}", outcome.log());
        }
        assert_no_complaint(&outcome.stdout);
    }

    #[test]
    fn a_guest_that_resets_itself_then_is_not_booted_again() {
        let bench = Bench::start(RESET, &[]);
        bench.process.signal(Signal::TERM);
        let outcome = bench.process.finish();
        outcome.assert_code(0);
        assert_eq!(outcome.stdout, "on\np");
    }

    #[test]
    fn a_guest_that_ignores_it_is_ended_after_its_grace() {
        let bench = Bench::start(NOTHING, &["--grace", "0.5"]);
        let asked = Instant::now();
        bench.process.signal(Signal::TERM);
        let outcome = bench.process.finish();
        assert!(asked.elapsed() >= Duration::from_millis(500), "it had its grace");
        outcome.assert_code(130);
        assert_eq!(outcome.stdout, "on\np", "it was asked");
        assert!(outcome.stderr.contains("has not shut down in time"), "{}", outcome.stderr);
    }

    #[test]
    fn a_second_signal_does_not_wait_for_the_guest() {
        for second in [Signal::TERM, Signal::INT] {
            let bench = Bench::start(NOTHING, &["--grace", "3600"]);
            bench.process.signal(Signal::TERM);
            bench.expect_asked();
            // An earlier signal counts as the same request.
            std::thread::sleep(Duration::from_millis(300));
            bench.process.signal(second);
            bench.process.finish().assert_code(130);
        }
    }

    #[test]
    fn a_user_who_interrupts_does_not_wait_for_the_guest() {
        for signal in [Signal::INT, Signal::HUP, Signal::QUIT] {
            let bench = Bench::start(NOTHING, &["--grace", "3600"]);
            bench.process.signal(signal);
            let outcome = bench.process.finish();
            outcome.assert_code(130);
            assert_eq!(outcome.stdout, "on\n", "it was not asked");
        }
    }

    #[test]
    fn without_grace_a_guest_is_not_asked() {
        let bench = Bench::start(POWER_OFF, &["--grace", "0"]);
        bench.process.signal(Signal::TERM);
        let outcome = bench.process.finish();
        outcome.assert_code(130);
        assert_eq!(outcome.stdout, "on\n");
    }
}
