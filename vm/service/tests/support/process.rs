//! `riscope` as a child process: started with arguments, observed, ended.

use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process_group};

use super::PATIENCE;
use super::output::Output;

/// Time between two looks at a process.
const LOOK: Duration = Duration::from_millis(5);

/// `riscope` with these arguments, with nothing to read, and no telemetry but what they ask for.
pub(crate) fn riscope<S: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_riscope"));
    for (name, _) in std::env::vars_os() {
        if ["OTEL_", "TRACE"].iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
            command.env_remove(name);
        }
    }
    command.args(arguments).stdin(Stdio::null());
    command
}

/// How a process ended, and everything it wrote.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Outcome {
    /// The exit status.
    ///
    /// # Panics
    /// When a signal ended the process, which never is an answer.
    pub(crate) fn code(&self) -> i32 {
        let signal = self.status.signal();
        self.status.code().unwrap_or_else(|| panic!("signal {signal:?} ended it:\n{}", self.log()))
    }

    /// Both streams, for messages.
    pub(crate) fn log(&self) -> String {
        format!("{}\n--- stdout\n{}\n--- stderr\n{}", self.status, self.stdout, self.stderr)
    }

    /// Fails with the whole log unless the exit status is `code`.
    pub(crate) fn assert_code(&self, code: i32) -> &Self {
        assert_eq!(self.code(), code, "{}", self.log());
        self
    }
}

/// A process that runs, in a process group of its own.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    pub(crate) stdout: Output,
    pub(crate) stderr: Output,
}

impl Process {
    /// Starts `command` and collects what it writes.
    pub(crate) fn start(mut command: Command) -> Self {
        command.process_group(0).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        let stdout = Output::of(child.stdout.take().expect("it is a pipe"));
        let stderr = Output::of(child.stderr.take().expect("it is a pipe"));
        Self { child, stdout, stderr }
    }

    /// Starts `command` with its stdout on `terminal`, and collects what it writes to stderr.
    pub(crate) fn start_on(mut command: Command, terminal: OwnedFd) -> Self {
        command.process_group(0).stdout(terminal).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        let stderr = Output::of(child.stderr.take().expect("it is a pipe"));
        Self { child, stdout: Output::of(std::io::empty()), stderr }
    }

    /// The other end of stdin, if that is a pipe.
    pub(crate) fn stdin(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Number of the process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("the process is there");
    }

    /// Bytes of memory that the process has of the host's.
    pub(crate) fn resident_bytes(&self) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(&path).expect("the process is there");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        kibibytes.unwrap_or_else(|| panic!("no memory in {status}")) << 10
    }

    /// Waits until the process does not execute, as after Ctrl-Z at a shell.
    pub(crate) fn wait_until_stopped(&self) {
        let path = format!("/proc/{}/stat", self.child.id());
        let deadline = Instant::now() + PATIENCE;
        loop {
            let stat = std::fs::read_to_string(&path).expect("the process is there");
            // The state is behind the name, which is in parentheses.
            if stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('T')) {
                return;
            }
            assert!(Instant::now() < deadline, "it does not stop: {stat}");
            std::thread::sleep(LOOK);
        }
    }

    /// Waits until stdout has `text`.
    pub(crate) fn expect_stdout(&self, text: &str) {
        let seen = self.stdout.wait_for(PATIENCE, |so_far| so_far.contains(text).then_some(()));
        assert!(seen.is_some(), "no {text:?} on stdout:\n{}\n{}", self.stdout.text(), self.stderr.text());
    }

    /// Has the process ended?
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("it can be waited for").is_some()
    }

    /// Waits for the end, at most `limit`.
    pub(crate) fn wait(&mut self, limit: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + limit;
        loop {
            let status = self.child.try_wait().expect("it can be waited for");
            if status.is_some() || Instant::now() >= deadline {
                return status;
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Waits for the end of the process, which leaves no other process behind.
    pub(crate) fn finish(mut self) -> Outcome {
        let status = self.wait(PATIENCE).unwrap_or_else(|| {
            panic!("it does not end:\n--- stdout\n{}\n--- stderr\n{}", self.stdout.text(), self.stderr.text())
        });
        assert!(test_kill_process_group(self.pid()).is_err(), "a process is left behind");
        let stdout = std::mem::replace(&mut self.stdout, Output::of(std::io::empty()));
        let stderr = std::mem::replace(&mut self.stderr, Output::of(std::io::empty()));
        Outcome { status, stdout: stdout.finish(), stderr: stderr.finish() }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // There is nothing to end when it has ended, which is the usual case.
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = kill_process_group(self.pid(), Signal::KILL);
            let _ = self.child.wait();
        }
    }
}

/// Runs `riscope` with these arguments to its end.
pub(crate) fn run<S: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = S>) -> Outcome {
    Process::start(riscope(arguments)).finish()
}
