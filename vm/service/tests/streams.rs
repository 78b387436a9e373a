//! End-to-end tests of stdin and stdout: readers that stop reading, and descriptors in
//! non-blocking mode.

mod support;

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::fs::{OFlags, fcntl_setfl};
use rustix::io::ioctl_fionread;
use rustix::pipe::{PipeFlags, fcntl_getpipe_size, pipe_with};
use rustix::process::Signal;
use support::PATIENCE;
use support::assembly::assemble;
use support::process::{Process, riscope};
use support::scratch::Scratch;

/// Time limit for the end of a process with unread output. Two seconds are guaranteed.
const END: Duration = Duration::from_secs(30);
/// More than the pipe and riscope buffer together.
const MUCH: usize = 400_000;
/// More than a pipe buffers, and less than riscope accepts in addition.
const SOME: usize = 100_000;

/// A program that prints the alphabet repeatedly, `count` bytes, and powers off.
fn printing(count: usize) -> String {
    format!(
        ".globl _start
        _start: li t0, 0x10000000
        li t1, {count}
        li t2, 'a'
        li t3, 'z'
        next: sb t2, 0(t0)
        addi t2, t2, 1
        ble t2, t3, 1f
        li t2, 'a'
        1: addi t1, t1, -1
        bnez t1, next
        li t0, 0x100000
        li t1, 0x5555
        sw t1, 0(t0)
        wait: j wait\n"
    )
}

/// Output of that program.
fn printed(count: usize) -> Vec<u8> {
    (b'a'..=b'z').cycle().take(count).collect()
}

/// A program that prints a line and then echoes its input up to a `q`.
const ECHO: &str = ".globl _start
    _start: li t0, 0x10000000
    li t1, 'r'
    sb t1, 0(t0)
    li t1, 10
    sb t1, 0(t0)
    li t2, 'q'
    next: lb t1, 5(t0)
    andi t1, t1, 1
    beqz t1, next
    lb t1, 0(t0)
    beq t1, t2, 1f
    sb t1, 0(t0)
    j next
    1: li t0, 0x100000
    li t1, 0x5555
    sw t1, 0(t0)
    wait: j wait\n";

/// A machine whose stdout is an unread pipe.
struct Unread {
    process: Process,
    reader: OwnedFd,
    _scratch: Scratch,
}

impl Unread {
    /// Starts a program that prints `count` bytes, and waits until the pipe is full.
    fn start(count: usize, flags: OFlags, arguments: &[&str]) -> Self {
        let scratch = Scratch::new();
        let program = assemble(&scratch, "program", &printing(count));
        let (reader, writer) = pipe_with(PipeFlags::CLOEXEC).expect("a pipe");
        fcntl_setfl(&writer, flags).expect("it is a pipe");
        let size = fcntl_getpipe_size(&writer).expect("it has a size");
        let mut command = riscope(["run", "--bios"]);
        command.arg(&program).args(arguments);
        let mut process = Process::start_on(command, writer);
        let unread = || ioctl_fionread(&reader).expect("it is a pipe");
        let since = Instant::now();
        // A pipe can be full below its capacity: it is when its contents no longer grow.
        let mut before = 0;
        loop {
            std::thread::sleep(Duration::from_millis(50));
            let now = unread();
            if now > size as u64 / 2 && now == before {
                break;
            }
            before = now;
            assert!(!process.has_ended(), "it ended before the pipe was full: {}", process.stderr.text());
            assert!(since.elapsed() < PATIENCE, "the pipe does not fill: {}", process.stderr.text());
        }
        Self { process, reader, _scratch: scratch }
    }

    /// Exit status with unread output.
    fn code(mut self) -> Option<i32> {
        let status =
            self.process.wait(END).unwrap_or_else(|| panic!("it does not end: {}", self.process.stderr.text()));
        status.code()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_end_a_machine_whose_output_nobody_reads() {
        for (signal, engine) in [(Signal::INT, "tiered"), (Signal::TERM, "interpreter")] {
            let unread = Unread::start(usize::MAX >> 1, OFlags::empty(), &["--engine", engine, "--cpus", "2"]);
            unread.process.signal(signal);
            assert_eq!(unread.code(), Some(130));
        }
    }

    #[test]
    fn a_time_out_ends_a_machine_whose_output_nobody_reads() {
        let unread = Unread::start(usize::MAX >> 1, OFlags::empty(), &["--timeout", "20"]);
        assert_eq!(unread.code(), Some(124));
    }

    #[test]
    fn output_waits_for_its_reader_after_the_machine() {
        let unread = Unread::start(SOME, OFlags::empty(), &[]);
        let mut output = Vec::new();
        File::from(unread.reader).read_to_end(&mut output).expect("it can be read");
        assert!(output == printed(SOME), "{} of {SOME} bytes, or others", output.len());
        unread.process.finish().assert_code(0);
    }

    #[test]
    fn nobody_has_to_wait_for_a_reader_after_the_machine() {
        let unread = Unread::start(SOME, OFlags::empty(), &[]);
        unread.process.signal(Signal::TERM);
        assert_eq!(unread.code(), Some(130));
        let unread = Unread::start(SOME, OFlags::empty(), &["--timeout", "20"]);
        assert_eq!(unread.code(), Some(124));
    }

    #[test]
    fn a_non_blocking_stdout_loses_nothing() {
        let unread = Unread::start(MUCH, OFlags::NONBLOCK, &[]);
        let mut output = Vec::new();
        File::from(unread.reader).read_to_end(&mut output).expect("it can be read");
        assert!(output == printed(MUCH), "{} of {MUCH} bytes, or others", output.len());
        unread.process.finish().assert_code(0);
    }

    #[test]
    fn a_non_blocking_stdin_is_read_when_there_is_something() {
        let scratch = Scratch::new();
        let program = assemble(&scratch, "echo", ECHO);
        let (reader, writer) = pipe_with(PipeFlags::CLOEXEC).expect("a pipe");
        fcntl_setfl(&reader, OFlags::NONBLOCK).expect("it is a pipe");
        let mut command = riscope(["run", "--bios"]);
        command.arg(&program).stdin(reader);
        let process = Process::start(command);
        // By now, riscope has found stdin empty.
        process.expect_stdout("r\n");
        let mut keyboard = File::from(writer);
        for text in ["hello ", "again\n"] {
            keyboard.write_all(text.as_bytes()).expect("it can be written to");
            process.expect_stdout(text);
        }
        keyboard.write_all(b"q").expect("it can be written to");
        let outcome = process.finish();
        outcome.assert_code(0);
        assert_eq!(outcome.stdout, "r\nhello again\n");
    }

    #[test]
    fn a_reader_that_leaves_costs_output_only() {
        let unread = Unread::start(MUCH, OFlags::empty(), &[]);
        drop(unread.reader);
        unread.process.finish().assert_code(0);
    }
}
