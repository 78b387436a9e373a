//! What the guest is told about a request: the one translation of refusals and host
//! errors into status bytes (specification, section 5.2.6).

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
        BlockError::OutOfRange | BlockError::ReadOnly | BlockError::ShortFile | BlockError::Host(_) => IO_ERROR,
    }
}
