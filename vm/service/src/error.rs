//! What can go wrong before or after a machine runs, each as one clear line, and
//! the exit status that says so.

use std::net::SocketAddr;

use riscope_machine::MachineError;
use riscope_machine::board::{BuildError, SpecError};
use riscope_machine::boot::{BootError, SignatureError};
use riscope_telemetry::TelemetryError;

/// Exit status of wrong use or unreadable input.
pub(crate) const USAGE: u8 = 2;

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    #[error("{0}{hint}", hint = hint(.0))]
    Machine(#[from] MachineError),
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    #[error("cannot listen on {address}: {source}; choose another address with --listen")]
    Listen { address: SocketAddr, source: std::io::Error },
    #[error("cannot start a thread for signals and HTTP: {0}")]
    Runtime(#[source] std::io::Error),
    #[error("{0}; check --signature")]
    Signature(#[from] SignatureError),
}

/// Which option to look at when a machine cannot be made.
fn hint(error: &MachineError) -> &'static str {
    match error {
        MachineError::Boot(BootError::Kernel(_)) => "; check --kernel and --memory",
        MachineError::Boot(BootError::Firmware(_)) => "; check --bios and --memory",
        MachineError::Boot(BootError::Initrd(_)) => "; check --initrd and --memory",
        MachineError::Boot(BootError::Placement(_)) => "; check --memory",
        MachineError::Build(BuildError::Disk { .. }) => "; check --disk, and add \",ro\" when it is only to be read",
        MachineError::Build(BuildError::Ram(_)) => "; check --memory",
        MachineError::Spec(SpecError::CommandLine(_)) => "; check --append",
        MachineError::Spec(SpecError::Slots(_)) => "; use --disk less often",
        _ => "",
    }
}
