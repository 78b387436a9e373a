//! What can go wrong before or after a machine runs, each as one clear line, and
//! the exit status that says so.

use std::net::SocketAddr;
use std::path::PathBuf;

use riscope_machine::MachineError;
use riscope_machine::boot::SignatureError;
use riscope_telemetry::TelemetryError;

/// Exit status of wrong use or unreadable input.
pub(crate) const USAGE: u8 = 2;

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    #[error(transparent)]
    Machine(#[from] MachineError),
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    #[error("cannot listen on {address}: {source}; choose another address with --listen")]
    Listen { address: SocketAddr, source: std::io::Error },
    #[error("cannot start a thread for signals and HTTP: {0}")]
    Runtime(#[source] std::io::Error),
    #[error("cannot write the signature to {path}: {source}", path = path.display())]
    Signature { path: PathBuf, source: SignatureError },
}
