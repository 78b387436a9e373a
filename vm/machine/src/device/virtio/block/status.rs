//! Mapping of refusals and host errors to status bytes (specification, section 5.2.6).

use std::io::ErrorKind;

use riscope_core::labels;

use super::backend::BlockError;
use super::request::Refusal;

/// Success.
pub(super) const OK: u8 = 0;
const IO_ERROR: u8 = 1;
const UNSUPPORTED: u8 = 2;

/// Status of a request that could not be executed.
pub(super) fn of_refusal(refusal: Refusal) -> u8 {
    match refusal {
        Refusal::Unsupported => UNSUPPORTED,
        Refusal::Malformed => IO_ERROR,
    }
}

/// Status of a request that failed in the backend.
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
    /// Failures of the host that the guest did not cause.
    pub enum HostFault {
        /// The image was truncated.
        FileShrunk "file_shrunk",
        /// No space on the file system or in the quota.
        NoSpace "no_space",
        /// The host denies access.
        PermissionDenied "permission_denied",
        /// A size limit of the file system or process is exceeded.
        FileTooLarge "file_too_large",
        /// Any other I/O error.
        IoError "io_error",
    }
}

impl HostFault {
    /// Message for users.
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

/// The host failure behind `error`, if there is one.
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
