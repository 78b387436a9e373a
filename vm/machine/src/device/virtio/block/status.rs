//! What the guest is told about a request: the one translation of refusals and host
//! errors into status bytes (specification, section 5.2.6).

use std::io::ErrorKind;

use riscope_core::labels;

use super::backend::BlockError;
use super::request::Refusal;

/// Done.
pub(super) const OK: u8 = 0;
const IO_ERROR: u8 = 1;
const UNSUPPORTED: u8 = 2;

/// Status for a request that could not be tried.
pub(super) fn of_refusal(refusal: Refusal) -> u8 {
    match refusal {
        Refusal::Unsupported => UNSUPPORTED,
        Refusal::Malformed => IO_ERROR,
    }
}

/// Status for a request that the backend failed.
pub(super) fn of_error(error: &BlockError) -> u8 {
    match error {
        BlockError::Unsupported => UNSUPPORTED,
        BlockError::OutOfRange
        | BlockError::ReadOnly
        | BlockError::ShortFile
        | BlockError::Ending
        | BlockError::Host(_) => IO_ERROR,
    }
}

labels! {
    /// What can go wrong by the host's fault and not the guest's.
    pub enum HostFault {
        /// The image is shorter than it was.
        FileShrunk "file_shrunk",
        /// No room on the file system, or in the quota.
        NoSpace "no_space",
        /// The host's permissions have changed.
        PermissionDenied "permission_denied",
        /// Past a limit of the file system or the process.
        FileTooLarge "file_too_large",
        /// Anything else.
        IoError "io_error",
    }
}

impl HostFault {
    /// What has happened, for people.
    pub fn message(self) -> &'static str {
        match self {
            Self::FileShrunk => "its file has become shorter than the disk",
            Self::NoSpace => "the host has no space left for it",
            Self::PermissionDenied => "the host does not permit it",
            Self::FileTooLarge => "its file would pass a limit of the host (ulimit -f, or the file system's)",
            Self::IoError => "the host cannot read or write its file",
        }
    }
}

/// What of an error is the host's fault.
pub(super) fn host_fault(error: &BlockError) -> Option<HostFault> {
    match error {
        BlockError::Unsupported | BlockError::OutOfRange | BlockError::ReadOnly | BlockError::Ending => None,
        BlockError::ShortFile => Some(HostFault::FileShrunk),
        BlockError::Host(error) => Some(match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => HostFault::NoSpace,
            ErrorKind::PermissionDenied => HostFault::PermissionDenied,
            ErrorKind::FileTooLarge => HostFault::FileTooLarge,
            _ => HostFault::IoError,
        }),
    }
}
