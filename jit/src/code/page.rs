//! Code-cache entry of one page of guest RAM.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, Ordering};

use riscope_core::addr::{PAGE_BYTES, PageOffset};
use riscope_core::event::Tier;
use riscope_core::mem::access;
use rustc_hash::{FxHashMap, FxHashSet};

use super::link::Links;
use crate::arena::Arena;

/// Bytes of one page.
pub(crate) type PageBytes = [u8; PAGE_BYTES];

/// State of the code at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lookup {
    /// Translated; host address of its entry.
    Ready {
        code: *const u8,
        /// Who made it.
        tier: Tier,
    },
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
#[derive(Clone, Debug, Default)]
pub(crate) struct Covered([u64; PAGE_BYTES / 2 / 64]);

impl Covered {
    /// Halfwords of these byte ranges of the page.
    pub(crate) fn of(code: impl Iterator<Item = Range<PageOffset>>) -> Self {
        let mut covered = Self::default();
        for Range { start, end } in code {
            let (mut halfword, end) = (start.index() / 2, end.index() / 2);
            while halfword < end {
                let (word, bit) = (halfword / 64, halfword % 64);
                let count = (end - halfword).min(64 - bit);
                covered.0[word] |= u64::MAX >> (64 - count) << bit;
                halfword += count;
            }
        }
        covered
    }

    /// Whether two copies of the page have the same code.
    pub(super) fn is_same_in(&self, a: &PageBytes, b: &PageBytes) -> bool {
        let halfwords = a.as_chunks::<2>().0.iter().zip(b.as_chunks::<2>().0);
        let covers = |n: usize| self.0[n / 64] >> (n % 64) & 1 != 0;
        halfwords.enumerate().all(|(n, (a, b))| a == b || !covers(n))
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
    /// Jumps to other fragments of the page that are patched.
    pub(super) links: Links,
    /// Link slots by target offset: jump targets within the page, loaded by generated code.
    pub(super) slots: FxHashMap<PageOffset, Box<AtomicPtr<u8>>>,
    /// Code of a lower tier that was requested from a higher one, once and for all.
    pub(super) promoted: FxHashSet<PageOffset>,
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
            links: Links::default(),
            slots: FxHashMap::default(),
            promoted: FxHashSet::default(),
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

    /// Adds a translation of code at `offset`, in place of one of a lower tier. Returns the
    /// tier of that.
    pub(super) fn add(&mut self, offset: PageOffset, code: *const u8, tier: Tier, covered: &Covered) -> Option<Tier> {
        self.covered.add(covered);
        if let Some(slot) = self.slots.get(&offset) {
            slot.store(code.cast_mut(), Ordering::Release);
        }
        match self.translations.insert(offset, Lookup::Ready { code, tier }) {
            Some(Lookup::Ready { tier, .. }) => Some(tier),
            _ => None,
        }
    }

    /// Forgets the translations in this part of the arena, and leads what jumps to them to
    /// `resolve`. Returns their number by tier.
    pub(super) fn evict(&mut self, part: &Range<usize>, arena: &Arena, resolve: *const u8) -> [u32; Tier::ALL.len()] {
        let Self { translations, links, slots, promoted, .. } = self;
        links.forget(part);
        let mut gone = [0; Tier::ALL.len()];
        translations.retain(|&offset, state| {
            let Lookup::Ready { code, tier } = *state else { return true };
            let stays = !part.contains(&arena.offset(code));
            if !stays {
                gone[tier.index()] += 1;
                links.lead(arena, offset, resolve);
                if let Some(slot) = slots.get(&offset) {
                    slot.store(resolve.cast_mut(), Ordering::Release);
                }
                promoted.remove(&offset);
            }
            stays
        });
        gone
    }

    /// Whether there is no translation, and none is being made.
    pub(super) fn is_unused(&self) -> bool {
        !self.translations.values().any(|state| matches!(state, Lookup::Ready { .. } | Lookup::Pending))
    }

    /// The code for `target`; `resolve` while there is none.
    pub(super) fn code(&self, target: PageOffset, resolve: *const u8) -> *const u8 {
        match self.translations.get(&target) {
            Some(Lookup::Ready { code, .. }) => *code,
            _ => resolve,
        }
    }

    /// Address of the link slot for jumps to `target`, which leads to `resolve` while there
    /// is no translation.
    pub(super) fn link_slot(&mut self, target: PageOffset, resolve: *const u8) -> *const u8 {
        let code = self.code(target, resolve);
        let slot = self.slots.entry(target).or_insert_with(|| Box::new(AtomicPtr::new(code.cast_mut())));
        slot.as_ptr().cast_const().cast()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page with a translation of two instructions of four bytes at offset 8.
    fn translated() -> CodePage {
        let mut page = CodePage::new([0; PAGE_BYTES], 1);
        let [first, second, end] = [8, 12, 16].map(PageOffset::of);
        page.add(first, std::ptr::dangling(), Tier::Baseline, &Covered::of([first..second, second..end].into_iter()));
        page
    }

    #[test]
    fn ranges_within_words_and_across_them_are_covered_and_nothing_else() {
        for (start, end) in [(0u64, 2i64), (126, 130), (0, 128), (4, 4094), (128, 4096), (8, 8)] {
            let covered = Covered::of([PageOffset::of(start)..PageOffset::of(0).moved(end).unwrap()].into_iter());
            for halfword in 0..PAGE_BYTES / 2 {
                let inside = (start..end.cast_unsigned()).contains(&(2 * halfword as u64));
                assert_eq!(covered.0[halfword / 64] >> (halfword % 64) & 1 != 0, inside, "{start}..{end}: {halfword}");
            }
        }
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
