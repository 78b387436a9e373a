//! Guest address newtypes.
//!
//! They carry no operators on purpose: adding to an address either wraps
//! (virtual, section 1.4 of the unprivileged specification) or is checked
//! (physical), and the caller has to say which.

use std::fmt;

/// Bytes in a base page, 4 KiB (privileged specification, Sv39 to Sv57).
pub const PAGE_SIZE: u64 = 1 << PAGE_SHIFT;
/// [`PAGE_SIZE`] as the length of something in host memory.
pub const PAGE_BYTES: usize = 1 << PAGE_SHIFT;
/// Base-two logarithm of [`PAGE_SIZE`].
pub const PAGE_SHIFT: u32 = 12;
/// Mask of the offset bits of an address within its page.
pub const PAGE_MASK: u64 = PAGE_SIZE - 1;

/// `n` as hosts count bytes and index memory. They are 64-bit.
#[inline(always)]
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "asserted")]
pub const fn to_usize(n: u64) -> usize {
    const { assert!(usize::BITS == u64::BITS) };
    n as usize
}

/// A virtual address as a guest instruction sees it, `pc` included.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct GuestAddr(pub u64);

/// A physical address on the guest's bus.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct GuestPhys(pub u64);

impl GuestAddr {
    /// Address of the page that holds this address.
    pub fn page_start(self) -> Self {
        Self(self.0 & !PAGE_MASK)
    }

    /// Offset within the page, 0 to 4095.
    pub fn page_offset(self) -> u64 {
        self.0 & PAGE_MASK
    }

    /// This address plus `bytes`, modulo 2^64 as address arithmetic of the ISA is.
    pub fn wrapping_add(self, bytes: u64) -> Self {
        Self(self.0.wrapping_add(bytes))
    }
}

impl GuestPhys {
    /// Address of the page that holds this address.
    pub fn page_start(self) -> Self {
        Self(self.0 & !PAGE_MASK)
    }

    /// Offset within the page, 0 to 4095.
    pub fn page_offset(self) -> u64 {
        self.0 & PAGE_MASK
    }

    /// Physical page number.
    pub fn page_number(self) -> u64 {
        self.0 >> PAGE_SHIFT
    }

    /// This address plus `bytes`, or `None` past the end of the address space.
    pub fn checked_add(self, bytes: u64) -> Option<Self> {
        self.0.checked_add(bytes).map(Self)
    }
}

impl fmt::Debug for GuestAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

impl fmt::Debug for GuestPhys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "phys:{:#x}", self.0)
    }
}

impl fmt::Display for GuestAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

impl fmt::Display for GuestPhys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}
