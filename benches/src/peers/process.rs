//! A process with a time limit, whose output goes to a file.

use std::fs::File;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::error::PeersError;

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// By itself.
    Exited(ExitStatus),
    /// It was still running at the limit, and has been killed.
    Expired,
}

/// Interval between looks at a process. Nothing is measured by it.
const POLL: Duration = Duration::from_millis(20);

/// Runs `command` to its end, at most for `limit`, with its output in the file `log`.
pub(super) fn run(mut command: Command, limit: Duration, log: &Path) -> Result<End, PeersError> {
    let output = File::create(log).map_err(PeersError::at(log))?;
    let errors = output.try_clone().map_err(PeersError::at(log))?;
    let program = command.get_program().to_string_lossy().into_owned();
    let failed = |error: std::io::Error| PeersError::Program { program: program.clone(), message: error.to_string() };
    let mut child = command.stdin(Stdio::null()).stdout(output).stderr(errors).spawn().map_err(failed)?;
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().map_err(failed)? {
            return Ok(End::Exited(status));
        }
        if start.elapsed() >= limit {
            // It may end at the same moment.
            let _ = child.kill();
            child.wait().map_err(failed)?;
            return Ok(End::Expired);
        }
        std::thread::sleep(POLL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(name: &str) -> std::path::PathBuf {
        std::env::temp_dir().join(format!("bench-peers-{}-{name}", std::process::id()))
    }

    #[test]
    fn a_process_leaves_its_output_and_its_status() {
        let log = log("output");
        let mut command = Command::new("sh");
        command.args(["-c", "echo out; echo err >&2; exit 3"]);
        let end = run(command, Duration::from_secs(60), &log).expect("sh runs");
        assert!(matches!(end, End::Exited(status) if status.code() == Some(3)), "{end:?}");
        assert_eq!(std::fs::read_to_string(&log).expect("there is a log"), "out\nerr\n");
        std::fs::remove_file(log).expect("it can be removed");
    }

    #[test]
    fn a_process_that_does_not_end_is_killed() {
        let log = log("limit");
        let mut command = Command::new("sleep");
        command.arg("1000000");
        assert_eq!(run(command, Duration::from_millis(50), &log).expect("sleep runs"), End::Expired);
        std::fs::remove_file(log).expect("it can be removed");
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let log = log("missing");
        let error = run(Command::new("no-such-program"), Duration::from_secs(1), &log).expect_err("it is not there");
        assert!(error.to_string().starts_with("no-such-program failed: "), "{error}");
        std::fs::remove_file(log).expect("it can be removed");
    }
}
