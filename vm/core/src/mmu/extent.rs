//! Extent of a fence: the translations that it names.

use crate::addr::{PAGE_MASK, PAGE_SHIFT, PAGE_SIZE};

/// Pages that a fence flushes one by one; of more, it flushes all addresses.
const MAX_PAGES: u64 = 64;

/// Translations that a fence flushes: of some pages or all, in the address spaces of an ASID or
/// in all. With an ASID, global mappings are not named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    pages: Option<Pages>,
    asid: Option<u16>,
}

/// Pages from the virtual address `first`, 1 to [`MAX_PAGES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pages {
    first: u64,
    count: u64,
}

impl Extent {
    /// All translations.
    pub const ALL: Self = Self { pages: None, asid: None };

    /// Operands of `sfence.vma`.
    pub(crate) fn of_operands(va: Option<u64>, asid: Option<u16>) -> Self {
        Self { pages: va.map(|va| Pages { first: va & !PAGE_MASK, count: 1 }), asid }
    }

    /// Arguments of the SBI's remote fences: `size` bytes from `start` (chapter 8). A range with
    /// many pages, or beyond the end of the address space, is extended to all addresses.
    pub fn of_range(start: u64, size: u64, asid: Option<u16>) -> Self {
        let first = start & !PAGE_MASK;
        let all = start == 0 && size == 0;
        let last = start.checked_add(size.max(1) - 1).filter(|_| !all);
        let count = last.map(|last| ((last - first) >> PAGE_SHIFT) + 1).filter(|&count| count <= MAX_PAGES);
        Self { pages: count.map(|count| Pages { first, count }), asid }
    }

    /// Virtual addresses of the pages; `None` for all addresses.
    pub(super) fn pages(self) -> Option<impl Iterator<Item = u64>> {
        self.pages.map(|Pages { first, count }| (0..count).map(move |n| first + n * PAGE_SIZE))
    }

    /// The ASID; `None` for all address spaces and global mappings.
    pub(super) fn asid(self) -> Option<u16> {
        self.asid
    }

    /// Whether a fence of this extent flushes all that one of `other` does.
    pub(crate) fn covers(self, other: Self) -> bool {
        let spaces = self.asid.is_none() || self.asid == other.asid;
        let addresses = match (self.pages, other.pages) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(own), Some(other)) => {
                let before = other.first.checked_sub(own.first).map(|bytes| bytes >> PAGE_SHIFT);
                before.is_some_and(|before| before + other.count <= own.count)
            }
        };
        spaces && addresses
    }

    /// The next wider extent: all addresses of the address spaces, and then all.
    pub(crate) fn widened(self) -> Self {
        if self.pages.is_some() && self.asid.is_some() { Self { pages: None, ..self } } else { Self::ALL }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages(extent: Extent) -> Option<Vec<u64>> {
        Some(extent.pages()?.collect())
    }

    #[test]
    fn a_range_names_every_page_that_it_touches() {
        let range = |start, size| pages(Extent::of_range(start, size, None));
        assert_eq!(range(0x1000, 0x1000), Some(vec![0x1000]));
        assert_eq!(range(0x1fff, 2), Some(vec![0x1000, 0x2000]));
        assert_eq!(range(0x1234, 0x2000), Some(vec![0x1000, 0x2000, 0x3000]));
        assert_eq!(range(0x1000, 0), Some(vec![0x1000]), "nothing asked for, and some done");
        assert_eq!(range(0, 1), Some(vec![0]));
        assert_eq!(range(!PAGE_MASK, PAGE_SIZE), Some(vec![!PAGE_MASK]), "the last page");
        assert_eq!(range(0, MAX_PAGES << PAGE_SHIFT).map(|pages| pages.len() as u64), Some(MAX_PAGES));
    }

    #[test]
    fn long_and_impossible_ranges_are_all_addresses() {
        for (start, size) in [(0, 0), (0, u64::MAX), (5, u64::MAX), (!PAGE_MASK, PAGE_SIZE + 1), (1, 64 << 12)] {
            assert_eq!(Extent::of_range(start, size, Some(7)), Extent { pages: None, asid: Some(7) }, "{start:#x}");
        }
    }

    #[test]
    fn an_extent_covers_what_it_names() {
        let range = |start, size, asid| Extent::of_range(start, size, asid);
        let wide = range(0x1000, 0x3000, Some(1));
        assert!(wide.covers(wide) && Extent::ALL.covers(wide) && !wide.covers(Extent::ALL));
        assert!(wide.covers(range(0x3000, 0x1000, Some(1))));
        assert!(!wide.covers(range(0x3000, 0x1001, Some(1))));
        assert!(!wide.covers(range(0, 0x1001, Some(1))));
        assert!(!wide.covers(range(0x1000, 1, Some(2))), "another space");
        assert!(!wide.covers(range(0x1000, 1, None)), "more spaces");
        assert!(range(0x1000, 1, None).covers(range(0x1000, 1, Some(2))));
        assert_eq!(wide.widened(), range(0, 0, Some(1)));
        assert_eq!(wide.widened().widened(), Extent::ALL);
        assert_eq!(range(0x1000, 1, None).widened(), Extent::ALL);
    }
}
