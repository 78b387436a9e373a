//! Result of a command: exit status, and JSON for scripts (`--status FILE`).
//!
//! An exit status has eight bits, all of which a guest can set; the file distinguishes
//! guest codes from those of riscope.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use riscope_machine::MachineExit;

use crate::error::{CommandError, HOST, USAGE};
use crate::message::{say, settle};
use crate::outputs::replace;

/// Reason why a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExitReason {
    /// The guest powered off.
    Poweroff,
    /// The guest ended with a failure code.
    GuestFailure,
    /// The guest panicked under `--on-panic exit`.
    GuestPanic,
    /// The guest requested a reset under `--no-reboot`.
    Reset,
    /// `--timeout` elapsed.
    Timeout,
    /// Ended by a signal or by Ctrl-A x.
    Killed,
    /// Invalid usage, or an unusable file.
    Usage,
    /// The host refused a resource, or a limit was reached.
    Host,
    /// A bug in riscope.
    Error,
}

impl ExitReason {
    /// Every reason.
    #[cfg(test)]
    const ALL: [Self; 9] = [
        Self::Poweroff,
        Self::GuestFailure,
        Self::GuestPanic,
        Self::Reset,
        Self::Timeout,
        Self::Killed,
        Self::Usage,
        Self::Host,
        Self::Error,
    ];

    /// Name in the file: the reason label of the metric `riscope_vm_exits_total`, or
    /// `usage` or `host` for commands that end without a machine.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Poweroff => "poweroff",
            Self::GuestFailure => "guest_failure",
            Self::GuestPanic => "guest_panic",
            Self::Reset => "reset",
            Self::Timeout => "timeout",
            Self::Killed => "killed",
            Self::Usage => "usage",
            Self::Host => "host",
            Self::Error => "error",
        }
    }
}

/// Result of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ending {
    pub(crate) reason: ExitReason,
    /// The exit status.
    pub(crate) status: u8,
    /// The guest's own code, which may be larger than an exit status.
    code: Option<u32>,
    /// Message printed on stderr.
    message: Option<String>,
}

impl Ending {
    /// The result for this outcome.
    pub(crate) fn of(outcome: &Result<MachineExit, CommandError>) -> Self {
        match outcome {
            Ok(exit) => Self::of_machine(*exit),
            Err(error) => {
                let status = error.status();
                let reason = match error {
                    CommandError::Bug => ExitReason::Error,
                    _ if status == USAGE => ExitReason::Usage,
                    _ => ExitReason::Host,
                };
                Self { reason, status, code: None, message: Some(error.to_string()) }
            }
        }
    }

    fn of_machine(exit: MachineExit) -> Self {
        let (reason, code) = match exit {
            MachineExit::PowerOff => (ExitReason::Poweroff, None),
            MachineExit::Failure(code) => (ExitReason::GuestFailure, Some(code)),
            MachineExit::GuestPanic => (ExitReason::GuestPanic, None),
            MachineExit::Reset => (ExitReason::Reset, None),
            MachineExit::Timeout => (ExitReason::Timeout, None),
            MachineExit::Stopped => (ExitReason::Killed, None),
            MachineExit::Crashed => (ExitReason::Error, None),
        };
        Self { reason, status: exit.status(), code, message: None }
    }

    /// The result as a JSON object on one line.
    fn json(&self, name: &str, vm_id: &str) -> String {
        let object = serde_json::json!({
            "reason": self.reason.as_str(),
            "status": self.status,
            "code": self.code,
            "message": self.message,
            "name": name,
            "vm_id": vm_id,
        });
        format!("{object}\n")
    }
}

/// File of `--status`.
#[derive(Debug)]
pub(crate) struct StatusFile {
    path: Option<PathBuf>,
    name: String,
    vm_id: String,
    is_written: Mutex<bool>,
}

impl StatusFile {
    /// A file, if requested, for the machine with this name and identity. Checks that it
    /// can be written and removes an existing one, so that the result of an earlier run is
    /// not mistaken for this one's.
    ///
    /// # Errors
    /// [`CommandError::Status`] if it cannot be written.
    pub(crate) fn prepare(path: Option<&Path>, name: &str, vm_id: &str) -> Result<Self, CommandError> {
        let path = path.map(|path| prepared(path).map_err(|source| CommandError::Status { path: path.into(), source }));
        Ok(Self { path: path.transpose()?, name: name.into(), vm_id: vm_id.into(), is_written: Mutex::default() })
    }

    /// Writes the result atomically; only the first call has an effect.
    ///
    /// # Errors
    /// [`CommandError::Status`] if the host refuses.
    pub(crate) fn write(&self, ending: &Ending) -> Result<(), CommandError> {
        let Some(path) = &self.path else { return Ok(()) };
        let mut is_written = self.is_written.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::replace(&mut *is_written, true) {
            return Ok(());
        }
        replace(path, ending.json(&self.name, &self.vm_id))
            .map_err(|source| CommandError::Status { path: path.clone(), source })
    }
}

/// Prints an error on stderr, writes the status file, and returns the exit status.
pub(crate) fn finish(outcome: &Result<MachineExit, CommandError>, file: &StatusFile) -> u8 {
    if let Err(error) = outcome
        && !error.is_said()
    {
        say(error);
    }
    let ending = Ending::of(outcome);
    let status = match file.write(&ending) {
        Ok(()) => ending.status,
        Err(error) => {
            say(&error);
            HOST
        }
    };
    settle();
    status
}

/// Path of the file itself, with links resolved, after checking that it can be created.
fn prepared(path: &Path) -> io::Result<PathBuf> {
    let path = match fs::metadata(path) {
        Ok(found) if found.is_file() => path.canonicalize()?,
        Ok(_) => return Err(io::Error::other("it is no regular file")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => path.to_owned(),
        Err(error) => return Err(error),
    };
    replace(&path, "")?;
    fs::remove_file(&path)?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_tells_apart_what_the_status_cannot() {
        let guest = Ending::of(&Ok(MachineExit::Failure(2)));
        let usage = Ending::of(&Err(CommandError::NoSignature { program: "p".into() }));
        assert_eq!((guest.status, usage.status), (2, 2));
        assert_eq!((guest.reason, usage.reason), (ExitReason::GuestFailure, ExitReason::Usage));
        let host = Ending::of(&Err(CommandError::CpuTime));
        let bug = Ending::of(&Err(CommandError::Bug));
        assert_eq!((host.status, bug.status), (70, 70));
        assert_eq!((host.reason, bug.reason), (ExitReason::Host, ExitReason::Error));
    }

    #[test]
    fn the_help_names_every_reason() {
        for reason in ExitReason::ALL {
            assert!(crate::cli::RUN_HELP.contains(reason.as_str()), "{reason:?}");
        }
    }

    #[test]
    fn the_file_says_everything_in_one_object() {
        let json: serde_json::Value =
            serde_json::from_str(&Ending::of(&Ok(MachineExit::Failure(70_000))).json("a \"b\"", "id")).unwrap();
        let expected = serde_json::json!({
            "reason": "guest_failure", "status": 255, "code": 70_000, "message": null, "name": "a \"b\"", "vm_id": "id"
        });
        assert_eq!(json, expected);
    }
}
