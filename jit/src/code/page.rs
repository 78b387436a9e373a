//! Code-cache entry of one page of guest RAM.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicPtr;

use riscope_core::addr::{PAGE_BYTES, PageOffset};
use riscope_core::mem::access;
use rustc_hash::FxHashMap;

/// Bytes of one page.
pub(crate) type PageBytes = [u8; PAGE_BYTES];

/// State of the code at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lookup {
    /// Translated; host address of its entry.
    Ready(*const u8),
    /// It is being compiled.
    Pending,
    /// Not translatable.
    Rejected,
    /// Not requested yet.
    Absent,
}

/// Copies the page at `host`.
///
/// # Safety
/// `host` must be the address of a whole, page-aligned page of guest RAM.
pub(super) unsafe fn copy_page(host: *mut u8) -> PageBytes {
    let mut bytes = [0; PAGE_BYTES];
    // SAFETY: the caller guarantees it.
    unsafe { access::copy_out(host, &mut bytes) };
    bytes
}

/// Halfwords of a page that translations were made from. The others may change without
/// invalidating any: many programs keep data beside code.
#[derive(Clone, Debug)]
pub(crate) struct Covered([bool; PAGE_BYTES / 2]);

impl Default for Covered {
    fn default() -> Self {
        Self([false; PAGE_BYTES / 2])
    }
}

impl Covered {
    /// Halfwords of the instructions at these byte ranges of the page.
    pub(crate) fn of(instructions: impl Iterator<Item = Range<PageOffset>>) -> Self {
        let mut covered = Self::default();
        for Range { start, end } in instructions {
            covered.0[start.index() / 2..end.index() / 2].fill(true);
        }
        covered
    }

    /// Whether two copies of the page have the same code.
    pub(super) fn is_same_in(&self, a: &PageBytes, b: &PageBytes) -> bool {
        let halfwords = a.as_chunks::<2>().0.iter().zip(b.as_chunks::<2>().0);
        halfwords.zip(self.0).all(|((a, b), covered)| !covered || a == b)
    }

    fn add(&mut self, other: &Self) {
        for (mine, other) in self.0.iter_mut().zip(other.0) {
            *mine |= other;
        }
    }
}

/// A page with translations.
#[derive(Debug)]
pub(super) struct CodePage {
    pub(super) bytes: Arc<PageBytes>,
    /// Distinguishes it from earlier entries of the same page.
    pub(super) version: u64,
    covered: Covered,
    /// State of the code by offset in the page.
    pub(super) translations: FxHashMap<PageOffset, Lookup>,
    /// Link slots by target offset: jump targets within the page, loaded by generated code.
    pub(super) links: FxHashMap<PageOffset, Box<AtomicPtr<u8>>>,
}

// SAFETY: the pointers refer to code in the arena, which outlives the page.
unsafe impl Send for CodePage {}

impl CodePage {
    /// An entry without translations.
    pub(super) fn new(bytes: PageBytes, version: u64) -> Self {
        Self {
            bytes: Arc::new(bytes),
            version,
            covered: Covered::default(),
            translations: FxHashMap::default(),
            links: FxHashMap::default(),
        }
    }

    /// Replaces the copy of the page. False if translated code changed: the page must then
    /// be dropped.
    pub(super) fn renew(&mut self, now: &PageBytes) -> bool {
        if *now == *self.bytes {
            return true;
        }
        if !self.covered.is_same_in(now, &self.bytes) {
            return false;
        }
        self.bytes = Arc::new(*now);
        // An untranslatable instruction may have been replaced.
        self.translations.retain(|_, state| *state != Lookup::Rejected);
        true
    }

    /// Adds a translation of code at `offset`.
    pub(super) fn add(&mut self, offset: PageOffset, code: *const u8, covered: &Covered) {
        self.covered.add(covered);
        self.translations.insert(offset, Lookup::Ready(code));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page with a translation of two instructions of four bytes at offset 8.
    fn translated() -> CodePage {
        let mut page = CodePage::new([0; PAGE_BYTES], 1);
        let [first, second, end] = [8, 12, 16].map(PageOffset::of);
        page.add(first, std::ptr::dangling(), &Covered::of([first..second, second..end].into_iter()));
        page
    }

    #[test]
    fn data_beside_code_may_change() {
        for at in [0, 7, 16, 4095] {
            let mut page = translated();
            let mut now = *page.bytes;
            now[at] ^= 1;
            assert!(page.renew(&now), "offset {at}");
            assert_eq!(*page.bytes, now);
            assert!(page.translations.contains_key(&PageOffset::of(8)));
        }
    }

    #[test]
    fn code_may_not() {
        for at in 8..16 {
            let mut page = translated();
            let mut now = *page.bytes;
            now[at] ^= 1;
            assert!(!page.renew(&now), "offset {at}");
        }
    }

    #[test]
    fn what_was_rejected_is_looked_at_again_after_a_change() {
        let mut page = translated();
        page.translations.insert(PageOffset::of(64), Lookup::Rejected);
        assert!(page.renew(&page.bytes.clone()));
        assert!(page.translations.contains_key(&PageOffset::of(64)), "nothing changed");
        let mut now = *page.bytes;
        now[64] = 1;
        assert!(page.renew(&now));
        assert!(!page.translations.contains_key(&PageOffset::of(64)));
    }
}
