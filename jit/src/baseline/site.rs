//! What stands behind the hot code about single instructions, for the host functions that they
//! call.

use riscope_core::interp::Handler;
use riscope_core::isa::Operands;
use riscope_core::mmu::Access;

use super::registers::HOSTS;

/// Bytes of the header of a fragment's cold part: a guest register for each of [`HOSTS`], 0 for
/// none.
pub(super) const HEADER_BYTES: usize = 16;
const _: () = assert!(HOSTS.len() <= HEADER_BYTES);

/// Bytes of the jump between the call of the refill thunk and the data of the site.
pub(super) const JUMP_BYTES: usize = 5;

/// An access that may miss the TLB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MissSite {
    /// Distance of the instruction from the head.
    pub(super) distance: i32,
    /// Instructions in front of it that the countdown does not show yet.
    pub(super) uncounted: u8,
    /// Bytes of the access: 1, 2, 4 or 8.
    pub(super) bytes: u8,
    pub(super) store: bool,
    /// Indices in [`HOSTS`] of the registers that memory does not have.
    pub(super) dirty: u16,
}

impl MissSite {
    pub(super) const SIZE: usize = 8;
    const STORE: u8 = 0x80;

    /// The data of a site whose call ends `behind_call` bytes into the cold part.
    #[expect(clippy::cast_possible_truncation, reason = "distances in a page, offsets in a fragment")]
    pub(super) fn bytes(self, behind_call: usize) -> [u8; Self::SIZE] {
        let [d0, d1] = (self.distance as i16).to_le_bytes();
        let [r0, r1] = self.dirty.to_le_bytes();
        let [b0, b1] = (behind_call as u16).to_le_bytes();
        let kind = self.bytes | if self.store { Self::STORE } else { 0 };
        [d0, d1, self.uncounted, kind, r0, r1, b0, b1]
    }

    /// A site from its data, and how far into the cold part its call ends.
    pub(super) fn from_bytes([d0, d1, uncounted, kind, r0, r1, b0, b1]: [u8; Self::SIZE]) -> (Self, usize) {
        let site = Self {
            distance: i32::from(i16::from_le_bytes([d0, d1])),
            uncounted,
            bytes: kind & !Self::STORE,
            store: kind & Self::STORE != 0,
            dirty: u16::from_le_bytes([r0, r1]),
        };
        (site, usize::from(u16::from_le_bytes([b0, b1])))
    }

    pub(super) fn access(self) -> Access {
        if self.store { Access::Store } else { Access::Load }
    }
}

/// What a call has to know of its instruction.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct CallSite {
    pub(super) handler: Handler,
    pub(super) operands: Operands,
    /// Physical address of the fragment's head.
    pub(super) head: u64,
    /// Distance of the instruction from the head.
    pub(super) distance: i16,
    /// Instructions in front of it that the countdown does not show yet.
    pub(super) uncounted: u8,
    /// Whether the other translator would do without a call.
    pub(super) float: bool,
    /// Whether a control and status register is accessed.
    pub(super) csr: bool,
    pub(super) padding: [u8; 3],
}

impl CallSite {
    pub(super) const SIZE: usize = size_of::<Self>();

    pub(super) fn bytes(self) -> [u8; Self::SIZE] {
        let mut bytes = [0; Self::SIZE];
        let fields: [&[u8]; 7] = [
            &(self.handler as usize).to_le_bytes(),
            &self.operands.bits().to_le_bytes(),
            &self.head.to_le_bytes(),
            &self.distance.to_le_bytes(),
            &[self.uncounted],
            &[u8::from(self.float)],
            &[u8::from(self.csr)],
        ];
        let mut at = 0;
        for field in fields {
            bytes[at..at + field.len()].copy_from_slice(field);
            at += field.len();
        }
        bytes
    }
}

#[cfg(test)]
mod tests;
