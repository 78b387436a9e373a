//! Errors before or after the run of a machine: a one-line message and an exit status each.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use riscope_machine::MachineError;
use riscope_machine::board::{BuildError, SpecError};
use riscope_machine::boot::{BootError, SignatureError};
use riscope_machine::device::virtio::block::backend::DiskError;
use riscope_machine::profile::CaptureError;
use riscope_telemetry::TelemetryError;
use riscope_telemetry::alert::RuleError;
use riscope_telemetry::profile::{FormatError, SymbolFileError};
use rustix::io::Errno;

use crate::limits::LimitError;

/// Exit status of invalid usage or unusable input.
pub(crate) const USAGE: u8 = 2;
/// Exit status of a failure of riscope or its host.
pub(crate) const HOST: u8 = 70;

/// Errors of a command.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    #[error("{0}{hint}", hint = hint(.0))]
    Machine(#[from] MachineError),
    #[error("{0}{hint}", hint = telemetry_hint(.0))]
    Telemetry(#[from] TelemetryError),
    #[error("cannot listen on {address}: {source}; choose another address with --listen")]
    Listen { address: String, source: io::Error },
    #[error("the host gives no more threads, files or signals: {0}")]
    Runtime(#[source] io::Error),
    #[error(transparent)]
    Limit(#[from] LimitError),
    #[error("the limit of CPU time is reached; raise it (ulimit -t)")]
    CpuTime,
    /// A panic, which has been reported already.
    #[error("internal error")]
    Bug,
    /// Guest output was lost, which has been reported already.
    #[error("cannot write to stdout: {0}")]
    Stdout(#[source] io::Error),
    #[error("{option} would replace {}, which this run uses for something else; name another file", path.display())]
    Output { option: &'static str, path: PathBuf },
    #[error("cannot write {}: {source}; check --status", path.display())]
    Status { path: PathBuf, source: io::Error },
    #[error("--trace takes the interpreter; leave --engine out, or give --engine interpreter")]
    TraceEngine,
    #[error("cannot write the trace to {}: {source}; check --trace", path.display())]
    Trace { path: PathBuf, source: io::Error },
    /// The trace was opened and could then not be written, which ended the machine.
    #[error("the trace ends, and so does the machine: cannot write to {}: {source}", path.display())]
    TraceLost { path: PathBuf, source: io::Error },
    #[error("cannot write the flight recorder to {}: {source}; check --flight-recorder", path.display())]
    FlightRecorder { path: PathBuf, source: io::Error },
    #[error("cannot read {}: {source}; check --alert-rules", path.display())]
    AlertRules { path: PathBuf, source: io::Error },
    #[error("{0}; check --alert-rules")]
    Rule(#[from] RuleError),
    #[error("--perf-map and --jitdump are about generated code; leave --engine interpreter out")]
    PerfEngine,
    #[error("cannot create a file in {}: {source}; check {option}", folder.display())]
    Perf { option: &'static str, folder: PathBuf, source: io::Error },
    #[error("{0}; check --symbols")]
    Symbols(#[from] SymbolFileError),
    #[error("cannot write the profile to {}: {source}", path.display())]
    ProfileFile { path: PathBuf, source: io::Error },
    #[error("cannot write to stdout: {source}")]
    ProfileOutput { source: io::Error },
    #[error("cannot read {}: {source}", path.display())]
    ReadProfile { path: PathBuf, source: io::Error },
    #[error("{0}")]
    ProfileFormat(#[source] FormatError),
    #[error("{0}")]
    Capture(#[source] CaptureError),
    #[error("no profile from {url}: {reason}")]
    FetchProfile { url: String, reason: String },
    #[error("{0}; check --signature")]
    Signature(#[from] SignatureError),
    #[error("{program} has no symbols begin_signature and end_signature; define them there, or leave out --signature")]
    NoSignature { program: String },
}

impl CommandError {
    /// Whether a line on stderr has reported the error already.
    pub(crate) fn is_said(&self) -> bool {
        matches!(self, Self::Bug | Self::Stdout(_))
    }

    /// Exit status of the error.
    pub(crate) fn status(&self) -> u8 {
        match self {
            Self::Machine(MachineError::Engine(_) | MachineError::State(_) | MachineError::Thread(_))
            | Self::Machine(
                MachineError::Build(BuildError::Overlap(_) | BuildError::Ram(_))
                | MachineError::Boot(BootError::Fdt(_)),
            )
            | Self::Telemetry(TelemetryError::Thread(_) | TelemetryError::Metric(_))
            | Self::Runtime(_)
            | Self::Capture(_)
            | Self::Limit(_)
            | Self::CpuTime
            | Self::Stdout(_)
            | Self::TraceLost { .. }
            | Self::Bug => HOST,
            _ if is_exhausted(self) => HOST,
            _ => USAGE,
        }
    }
}

/// Whether the error is due to exhaustion of a host resource: memory, descriptors, threads,
/// or file size.
fn is_exhausted(error: &(dyn Error + 'static)) -> bool {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    let host_says = causes.filter_map(|error| Errno::from_io_error(error.downcast_ref::<io::Error>()?)).last();
    matches!(host_says, Some(Errno::NOMEM | Errno::MFILE | Errno::NFILE | Errno::FBIG))
}

/// Hint at the option to check when telemetry cannot start.
fn telemetry_hint(error: &TelemetryError) -> &'static str {
    match error {
        TelemetryError::Endpoint { .. } => "; give --otlp a URL such as http://127.0.0.1:4318",
        TelemetryError::Alertmanager { .. } => "; give --alertmanager a URL such as http://127.0.0.1:9093",
        TelemetryError::Thread(_) | TelemetryError::Metric(_) => "",
    }
}

/// Hint at the option to check when a machine cannot be created.
fn hint(error: &MachineError) -> &'static str {
    match error {
        MachineError::Boot(BootError::Kernel(_)) => "; check --kernel and --memory",
        MachineError::Boot(BootError::Firmware(_)) => "; check --bios and --memory",
        MachineError::Boot(BootError::Initrd(_)) => "; check --initrd and --memory",
        MachineError::Boot(BootError::Placement(_)) => "; check --memory",
        MachineError::Build(BuildError::Disk { source: DiskError::Foreign(_), .. }) => {
            "; to give it to the guest as it is, add \",format=raw\" to --disk"
        }
        MachineError::Build(BuildError::Disk { .. }) => "; check --disk, and add \",ro\" when it is only to be read",
        MachineError::Build(BuildError::Ram(_)) => "; check --memory",
        MachineError::Spec(SpecError::CommandLine(_)) => "; check --append",
        MachineError::Spec(SpecError::DiskName(_) | SpecError::DiskNameTwice(_)) => "; check --disk",
        MachineError::Spec(SpecError::Slots(_)) => "; use --disk less often",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind};

    use super::*;

    #[test]
    fn what_the_user_cannot_mend_is_told_apart() {
        let host = || Error::from(ErrorKind::WouldBlock);
        let user = SpecError::CommandLine(9999);
        assert_eq!(CommandError::from(MachineError::Spec(user)).status(), 2);
        assert_eq!(CommandError::from(MachineError::Thread(host())).status(), 70);
        assert_eq!(CommandError::from(TelemetryError::Thread(host())).status(), 70);
        assert_eq!(CommandError::Runtime(host()).status(), 70);
    }
}
