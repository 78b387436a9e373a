//! Guest address newtypes.
//!
//! They implement no arithmetic operators: adding to a virtual address wraps (unprivileged
//! specification, section 1.4), adding to a physical address is checked, and the caller
//! chooses by the method's name.

use std::fmt;

/// Bytes in a base page, 4 KiB (privileged specification, Sv39 to Sv57).
pub const PAGE_SIZE: u64 = 1 << PAGE_SHIFT;
/// [`PAGE_SIZE`] as a host length.
pub const PAGE_BYTES: usize = 1 << PAGE_SHIFT;
/// Base-two logarithm of [`PAGE_SIZE`].
pub const PAGE_SHIFT: u32 = 12;
/// Mask of the offset bits of an address within its page.
pub const PAGE_MASK: u64 = PAGE_SIZE - 1;

/// Converts a guest length or offset to the host's `usize`; hosts are 64-bit.
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

/// Offset in a page: of a byte, 0 to 4095, or of the end of the page, 4096.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct PageOffset(u16);

impl PageOffset {
    /// Offset of the end of the page.
    pub const END: Self = Self(1 << PAGE_SHIFT);

    /// Offset of an address, virtual or physical, in its page; never [`PageOffset::END`].
    #[inline(always)]
    #[must_use]
    pub const fn of(address: u64) -> Self {
        Self((address & PAGE_MASK) as u16)
    }

    /// This offset plus `bytes`, or `None` outside of the page.
    #[inline]
    #[must_use]
    pub fn moved(self, bytes: i64) -> Option<Self> {
        let offset = u16::try_from(i64::from(self.0).checked_add(bytes)?).ok()?;
        Some(Self(offset)).filter(|offset| *offset <= Self::END)
    }

    /// Whether it is the offset of a byte.
    #[inline]
    #[must_use]
    pub fn is_inside(self) -> bool {
        self < Self::END
    }

    /// The offset in bytes, 0 to 4096.
    #[must_use]
    pub const fn bytes(self) -> u16 {
        self.0
    }

    /// The offset as an index into a copy of the page.
    #[inline(always)]
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// Bytes from `start` to this offset, negative if it is lower.
    #[must_use]
    pub fn distance_from(self, start: Self) -> i32 {
        i32::from(self.0) - i32::from(start.0)
    }
}

impl fmt::Debug for PageOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{:#x}", self.0)
    }
}

impl GuestAddr {
    /// Address of the page that holds this address.
    pub fn page_start(self) -> Self {
        Self(self.0 & !PAGE_MASK)
    }

    /// Offset within the page; never [`PageOffset::END`].
    pub fn page_offset(self) -> PageOffset {
        PageOffset::of(self.0)
    }

    /// This address plus `bytes`, modulo 2^64 (unprivileged specification, section 1.4).
    pub fn wrapping_add(self, bytes: u64) -> Self {
        Self(self.0.wrapping_add(bytes))
    }
}

impl GuestPhys {
    /// Address of the page that holds this address.
    pub fn page_start(self) -> Self {
        Self(self.0 & !PAGE_MASK)
    }

    /// Offset within the page; never [`PageOffset::END`].
    pub fn page_offset(self) -> PageOffset {
        PageOffset::of(self.0)
    }

    /// Physical page number.
    pub fn page_number(self) -> u64 {
        self.0 >> PAGE_SHIFT
    }

    /// The address at `offset` of the same page; at [`PageOffset::END`], of the next page.
    pub fn with_page_offset(self, offset: PageOffset) -> Self {
        Self(self.page_start().0.wrapping_add(u64::from(offset.0)))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_stays_in_its_page() {
        let last = PageOffset::of(0x8000_1fff);
        assert_eq!((last.index(), last.is_inside()), (4095, true));
        assert_eq!(last.moved(1), Some(PageOffset::END));
        assert!(!PageOffset::END.is_inside());
        assert_eq!(last.moved(2), None);
        assert_eq!(last.moved(i64::MAX), None);
        assert_eq!(last.moved(-4095), Some(PageOffset::default()));
        assert_eq!(last.moved(-4096), None);
        assert_eq!(PageOffset::END.distance_from(last), 1);
    }

    #[test]
    fn an_offset_is_of_the_same_page_and_the_end_of_the_next() {
        let address = GuestPhys(0x8000_1004);
        assert_eq!(address.with_page_offset(PageOffset::of(0x10)), GuestPhys(0x8000_1010));
        assert_eq!(address.with_page_offset(address.page_offset()), address);
        assert_eq!(address.with_page_offset(PageOffset::END), GuestPhys(0x8000_2000));
    }
}
