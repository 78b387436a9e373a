//! Result of translating a data access, and its reuse by the interpreter's repetition of
//! the access.

use crate::addr::GuestPhys;
use crate::arch::{Access, Exception};

/// Result of translating a data access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// RAM: its host address, valid for the bytes of the access, for atomic or volatile
    /// accesses only.
    Ram(*mut u8),
    /// Not RAM: a device, or nothing, at this physical address.
    Device(GuestPhys),
    /// The access crosses a page; each part must be translated on its own.
    Crosses,
    /// An exception.
    Fault(Exception),
}

/// A data access: `len` bytes, 1 to 8, at virtual `va`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) va: u64,
    pub(super) len: u64,
    pub(super) access: Access,
}

/// Answer to the latest request, kept for the repetition of that access if only the
/// repetition can act on it. RAM and page crossings are not kept: the requester completes
/// the former, and detecting the latter is cheap. Every other operation of the MMU clears
/// it.
#[derive(Debug, Default)]
pub(super) struct Memo(Option<(Request, Result<GuestPhys, Exception>)>);

impl Memo {
    pub(super) fn keep(&mut self, request: Request, answer: Answer) {
        self.0 = match answer {
            Answer::Device(phys) => Some((request, Ok(phys))),
            Answer::Fault(exception) => Some((request, Err(exception))),
            Answer::Ram(_) | Answer::Crosses => None,
        };
    }

    /// Takes the kept answer if it is for `request`; clears it in any case.
    pub(super) fn take(&mut self, request: Request) -> Option<Answer> {
        let (_, answer) = self.0.take().filter(|(kept, _)| *kept == request)?;
        Some(match answer {
            Ok(phys) => Answer::Device(phys),
            Err(exception) => Answer::Fault(exception),
        })
    }

    pub(super) fn clear(&mut self) {
        self.0 = None;
    }
}
