//! Code-cache entry of one page of guest RAM.

use std::ops::Range;
use std::sync::atomic::{AtomicPtr, Ordering};

use riscope_core::addr::PageOffset;
use riscope_core::event::Tier;
use rustc_hash::{FxHashMap, FxHashSet};

use super::excerpt::Excerpt;
use super::link::Links;
use crate::arena::Arena;

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

/// Offsets of a page at most that are known to have code which is not translatable.
const MAX_REJECTED: usize = 64;

/// Bytes that an entry without translations is taken for, ...
const EMPTY_BYTES: usize = 1 << 10;
/// ... and, with the room to spare of what holds them, an offset with a state, ...
const STATE_BYTES: usize = 40;
/// ... a patched jump ...
const LINK_BYTES: usize = 12;
/// ... and a link slot.
const SLOT_BYTES: usize = 64;

/// A page with translations.
#[derive(Debug)]
pub(super) struct CodePage {
    /// What they were made from.
    pub(super) excerpt: Excerpt,
    /// Distinguishes it from earlier entries of the same page.
    pub(super) version: u64,
    /// State of the code by offset in the page.
    pub(super) translations: FxHashMap<PageOffset, Lookup>,
    /// Number of these that were set to [`Lookup::Rejected`].
    rejected: usize,
    /// Jumps to other fragments of the page that are patched.
    pub(super) links: Links,
    /// Link slots by target offset: jump targets within the page, loaded by generated code.
    pub(super) slots: FxHashMap<PageOffset, Box<AtomicPtr<u8>>>,
    /// Code of a lower tier that was requested from a higher one, once and for all.
    pub(super) promoted: FxHashSet<PageOffset>,
    /// Bytes that it was last counted as.
    counted: usize,
}

// SAFETY: the pointers refer to code in the arena, which outlives the page.
unsafe impl Send for CodePage {}

impl CodePage {
    /// An entry without translations.
    pub(super) fn new(version: u64) -> Self {
        Self {
            excerpt: Excerpt::default(),
            version,
            translations: FxHashMap::default(),
            rejected: 0,
            links: Links::default(),
            slots: FxHashMap::default(),
            promoted: FxHashSet::default(),
            counted: 0,
        }
    }

    /// Compares a page that may have been written with what translations were made from. False if
    /// translated code changed: the page must then be dropped.
    ///
    /// # Safety
    /// `host` must be the address of a whole, page-aligned page of guest RAM.
    pub(super) unsafe fn renew(&mut self, host: *const u8) -> bool {
        // SAFETY: by the caller's promise.
        if !unsafe { self.excerpt.renew(host) } {
            return false;
        }
        // An untranslatable instruction may have been replaced.
        self.forget_rejected();
        true
    }

    /// Records that code cannot be translated.
    pub(super) fn reject(&mut self, offset: PageOffset) {
        if self.rejected == MAX_REJECTED {
            self.forget_rejected();
        }
        self.translations.insert(offset, Lookup::Rejected);
        self.rejected += 1;
    }

    fn forget_rejected(&mut self) {
        if std::mem::take(&mut self.rejected) != 0 {
            self.translations.retain(|_, state| *state != Lookup::Rejected);
        }
    }

    /// Bytes that the entry takes, roughly.
    pub(super) fn bytes(&self) -> usize {
        let Self { excerpt, translations, links, slots, .. } = self;
        let held = translations.len() * STATE_BYTES + links.len() * LINK_BYTES + slots.len() * SLOT_BYTES;
        EMPTY_BYTES + excerpt.bytes() + held
    }

    /// Brings the bytes of the entry in a total of all entries up to date.
    pub(super) fn count(&mut self, total: &mut usize) {
        let now = self.bytes();
        *total = *total - self.counted + now;
        self.counted = now;
    }

    /// Takes the entry out of a total of all entries.
    pub(super) fn discount(&self, total: &mut usize) {
        *total -= self.counted;
    }

    /// Adds a translation of code at `offset`, in place of one of a lower tier. Returns the
    /// tier of that.
    pub(super) fn add(&mut self, offset: PageOffset, code: *const u8, tier: Tier) -> Option<Tier> {
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
    use riscope_core::addr::PAGE_BYTES;

    use super::*;
    use crate::code::excerpt::{Covered, PageBytes};

    /// A page of guest RAM.
    #[repr(align(4096))]
    struct Page(PageBytes);

    impl Page {
        fn renews(&self, page: &mut CodePage) -> bool {
            // SAFETY: it is a whole page.
            unsafe { page.renew(self.0.as_ptr()) }
        }
    }

    /// Two instructions of four bytes at this offset.
    fn instructions(at: u64) -> Covered {
        let [first, second, end] = [at, at + 4, at + 8].map(PageOffset::of);
        Covered::of([first..second, second..end].into_iter())
    }

    /// A page with a translation of two instructions of four bytes at offset 8.
    fn translated() -> CodePage {
        let mut page = CodePage::new(1);
        page.add(PageOffset::of(8), std::ptr::dangling(), Tier::Baseline);
        page.excerpt.add(&instructions(8), &[0; PAGE_BYTES]);
        page
    }

    #[test]
    fn data_beside_code_may_change() {
        for at in [0, 7, 16, 63, 64, 4095] {
            let (mut page, mut now) = (translated(), Page([0; PAGE_BYTES]));
            now.0[at] ^= 1;
            assert!(now.renews(&mut page), "offset {at}");
            assert!(now.renews(&mut page), "offset {at}");
            assert!(page.translations.contains_key(&PageOffset::of(8)));
        }
    }

    #[test]
    fn code_may_not() {
        for at in 8..16 {
            let (mut page, mut now) = (translated(), Page([0; PAGE_BYTES]));
            now.0[at] ^= 1;
            assert!(!now.renews(&mut page), "offset {at}");
        }
    }

    #[test]
    fn code_beside_data_that_changed_is_compared_with_what_it_was_made_from() {
        let (mut page, mut now) = (translated(), Page([0; PAGE_BYTES]));
        // Data of which a translation is made later.
        now.0[24] = 1;
        page.excerpt.add(&instructions(24), &now.0);
        assert!(now.renews(&mut page));
        now.0[24] = 0;
        assert!(!now.renews(&mut page));
    }

    #[test]
    fn what_was_rejected_is_looked_at_again_after_a_write() {
        let (mut page, now) = (translated(), Page([0; PAGE_BYTES]));
        page.reject(PageOffset::of(64));
        assert!(page.translations.contains_key(&PageOffset::of(64)));
        assert!(now.renews(&mut page));
        assert!(!page.translations.contains_key(&PageOffset::of(64)));
        assert!(page.translations.contains_key(&PageOffset::of(8)));
    }
}
