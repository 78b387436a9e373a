//! What single instructions tell the host functions that they call.

use riscope_core::interp::Handler;
use riscope_core::isa::Operands;
use riscope_core::mmu::Access;

use super::jumps::MAX_INSTRUCTIONS;
use super::registers::HOSTS;

/// What is required of an access besides its permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Demand {
    Nothing,
    /// Natural alignment, of 4 or 8 bytes: atomics.
    Alignment,
    /// That all of the block of [`BLOCK_BYTES`] that starts with these 8 bytes can be accessed.
    Block,
}

/// Bytes of a cache block.
pub(super) const BLOCK_BYTES: u8 = 64;

/// An access that may miss the TLB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MissSite {
    /// Distance of the instruction from the head, in the page.
    pub(super) distance: i32,
    /// Instructions in front of it that the countdown does not show yet; fewer than
    /// [`MAX_INSTRUCTIONS`].
    pub(super) uncounted: u8,
    /// Bytes of the access: 1, 2, 4 or 8.
    pub(super) bytes: u8,
    pub(super) store: bool,
    pub(super) demand: Demand,
    /// Indices in [`HOSTS`] of the registers that memory does not have.
    pub(super) dirty: u16,
}

/// The fields of the word that describes an access to the host functions.
///
/// ```text
///  31               20 19     14 13    4 3     2        0
///  distance/halfwords  uncounted  dirty  store  size
/// ```
///
/// The size is that in bytes minus one; with a demand, one that is no size otherwise.
impl MissSite {
    /// Mask of the bytes after the first one.
    pub(super) const MORE_BYTES: i32 = 7;
    pub(super) const STORE: i32 = 1 << 3;
    const ALIGNED_WORD: u8 = 2;
    const ALIGNED_DOUBLE: u8 = 6;
    const BLOCK: u8 = 4;
    const DIRTY: u32 = 4;
    const UNCOUNTED: u32 = 14;
    const DISTANCE: u32 = 20;

    /// The word.
    pub(super) fn pack(self) -> i32 {
        debug_assert!(usize::from(self.uncounted) < MAX_INSTRUCTIONS && self.distance % 2 == 0, "{self:?}");
        let store = if self.store { Self::STORE } else { 0 };
        let size = match (self.demand, self.bytes) {
            (Demand::Nothing, bytes) => bytes - 1,
            (Demand::Alignment, 4) => Self::ALIGNED_WORD,
            (Demand::Alignment, _) => Self::ALIGNED_DOUBLE,
            (Demand::Block, _) => Self::BLOCK,
        };
        (self.distance / 2) << Self::DISTANCE
            | i32::from(self.uncounted) << Self::UNCOUNTED
            | i32::from(self.dirty) << Self::DIRTY
            | store
            | i32::from(size)
    }

    /// An access from its word.
    pub(super) fn unpack(word: i32) -> Self {
        let [uncounted, ..] = (word >> Self::UNCOUNTED & 0x3f).to_le_bytes();
        let [d0, d1, ..] = (word >> Self::DIRTY & 0x3ff).to_le_bytes();
        let [size, ..] = (word & Self::MORE_BYTES).to_le_bytes();
        let (demand, bytes) = match size {
            Self::ALIGNED_WORD => (Demand::Alignment, 4),
            Self::ALIGNED_DOUBLE => (Demand::Alignment, 8),
            Self::BLOCK => (Demand::Block, 8),
            more => (Demand::Nothing, more + 1),
        };
        Self {
            distance: (word >> Self::DISTANCE) * 2,
            uncounted,
            bytes,
            store: word & Self::STORE != 0,
            demand,
            dirty: u16::from_le_bytes([d0, d1]),
        }
    }

    pub(super) fn access(self) -> Access {
        if self.store { Access::Store } else { Access::Load }
    }
}
const _: () = assert!(MAX_INSTRUCTIONS <= 64 && HOSTS.len() <= 10, "the fields have their places");

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
