//! What a data access meets, and the answer that is kept for an access that is made twice.

use crate::addr::GuestPhys;
use crate::arch::{Access, Exception};

/// What a data access meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Plain RAM: its host address, valid for the bytes of the access, for atomic or volatile
    /// accesses only.
    Ram(*mut u8),
    /// No RAM but a device, or nothing, at this physical address.
    Device(GuestPhys),
    /// Two pages: each has to be asked for on its own.
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

/// The answer to the last request, if that was made on behalf of an access that is going to
/// be made again, and if only the access itself can act on it: on RAM the asker did, and a
/// crossing is cheap to see. Whatever else happens to the unit clears it.
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

    /// The kept answer if this is the request that it is for. None is kept afterwards.
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
