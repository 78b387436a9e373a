//! What the guest is told about a request: the one translation of refusals and host
//! errors into status bytes (specification, section 5.2.6).

use std::io::ErrorKind;

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

/// Short name of an error that is the host's and not the guest's fault.
pub(super) fn host_fault(error: &BlockError) -> Option<&'static str> {
    match error {
        BlockError::Unsupported | BlockError::OutOfRange | BlockError::ReadOnly | BlockError::Ending => None,
        BlockError::ShortFile => Some("file_shrunk"),
        BlockError::Host(error) => Some(match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "no_space",
            ErrorKind::PermissionDenied => "permission_denied",
            ErrorKind::FileTooLarge => "file_too_large",
            _ => "io_error",
        }),
    }
}
