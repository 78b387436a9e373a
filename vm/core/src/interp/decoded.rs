//! Decoded code of a hart: its pages by address, and the eviction of lines and pages.
//!
//! Lines are evicted in the order in which they were decoded. The heat of their blocks and what
//! was executed stay known.

use rustc_hash::FxHashMap;

use super::page::{DecodedPage, Tables};
use crate::addr::{GuestPhys, PAGE_BYTES, PAGE_MASK, PAGE_SHIFT, to_usize};
use crate::hart::{Exception, ExceptionCause, Hart};

/// Number of decoded pages kept; each takes about 1 KiB.
const MAX_PAGES: usize = 4096;

/// Pages evicted at once, at least.
const EVICTED_PAGES: usize = MAX_PAGES / 4;

/// Number of decoded lines kept, on all pages; each takes about 600 bytes.
const MAX_LINES: usize = 12_288;

/// Lines evicted at once.
const EVICTED_LINES: usize = 64;

/// Number of slots of the fetch cache: more than a kernel has pages of code.
const FETCH_SLOTS: usize = 8192;

/// Entry of the fetch cache.
#[derive(Clone, Copy, Debug)]
struct FetchSlot {
    /// Virtual address of the page, with the index of the decoded page in the low bits.
    page: u64,
    /// [Generation](crate::mmu::FetchSpace::generation) of its address space.
    generation: u64,
}

/// No space has this generation.
const NO_FETCH: FetchSlot = FetchSlot { page: 0, generation: 0 };

impl FetchSlot {
    fn new(page: u64, generation: u64, decoded: usize) -> Self {
        const _: () = assert!(MAX_PAGES <= PAGE_BYTES);
        Self { page: page | decoded as u64, generation }
    }

    fn page(self) -> u64 {
        self.page & !PAGE_MASK
    }

    fn decoded(self) -> usize {
        to_usize(self.page & PAGE_MASK)
    }
}

/// Decoded code of a hart.
#[derive(Debug)]
pub(super) struct Decoded {
    pages: Vec<DecodedPage>,
    tables: Tables,
    by_number: FxHashMap<u64, usize>,
    fetch: Box<[FetchSlot; FETCH_SLOTS]>,
    /// Translation epoch of the hart that `fetch` is valid for.
    translation_epoch: u64,
}

impl Default for Decoded {
    fn default() -> Self {
        Self {
            pages: Vec::new(),
            tables: Tables::default(),
            by_number: FxHashMap::default(),
            fetch: Box::new([NO_FETCH; FETCH_SLOTS]),
            translation_epoch: 0,
        }
    }
}

impl Decoded {
    /// The page that `pc` is on, with what belongs to all pages; `None` if its instructions must
    /// be fetched one by one.
    #[inline(always)]
    pub(super) fn at(
        &mut self,
        hart: &mut Hart,
        pc: u64,
    ) -> Result<Option<(&mut DecodedPage, &mut Tables)>, Exception> {
        let index = self.index_at(hart, pc)?;
        Ok(index.map(|index| (&mut self.pages[index], &mut self.tables)))
    }

    /// The physical page of `phys`, if it is known.
    pub(super) fn page(&self, phys: GuestPhys) -> Option<&DecodedPage> {
        self.by_number.get(&phys.page_number()).map(|&page| &self.pages[page])
    }

    #[inline(always)]
    fn index_at(&mut self, hart: &mut Hart, pc: u64) -> Result<Option<usize>, Exception> {
        if hart.translation_epoch() != self.translation_epoch {
            self.forget_flushed(hart);
        }
        if self.tables.lines.len() > MAX_LINES {
            self.evict_lines();
        }
        let (page, generation) = (pc & !PAGE_MASK, hart.fetch_space().generation);
        let slot = self.fetch[(pc >> PAGE_SHIFT) as usize % FETCH_SLOTS];
        if slot.page() == page && slot.generation == generation {
            let decoded = slot.decoded();
            self.pages[decoded].refresh(hart.ram(), hart.fetch_fences(), &mut self.tables.heat);
            return Ok(Some(decoded));
        }
        self.look_up(hart, pc)
    }

    /// As [`Decoded::index_at`], for a page that is not in the fetch cache.
    #[inline(never)]
    fn look_up(&mut self, hart: &mut Hart, pc: u64) -> Result<Option<usize>, Exception> {
        let fetch = hart.translate_fetch(pc)?;
        if !fetch.whole_page {
            return Ok(None);
        }
        let decoded = self.decoded_page(hart, fetch.phys);
        let decoded = decoded.ok_or_else(|| Exception::new(ExceptionCause::InstructionAccessFault, pc))?;
        let (page, generation) = (pc & !PAGE_MASK, hart.fetch_space().generation);
        self.fetch[(pc >> PAGE_SHIFT) as usize % FETCH_SLOTS] = FetchSlot::new(page, generation, decoded);
        Ok(Some(decoded))
    }

    /// Removes flushed entries from the fetch cache.
    #[cold]
    fn forget_flushed(&mut self, hart: &Hart) {
        match hart.flushed_since(self.translation_epoch) {
            Some(flushes) => {
                for flushed in flushes.filter(|flushed| flushed.code) {
                    let slot = &mut self.fetch[(flushed.page >> PAGE_SHIFT) as usize % FETCH_SLOTS];
                    if slot.page() == flushed.page && flushed.concerns(slot.generation) {
                        *slot = NO_FETCH;
                    }
                }
            }
            None => self.fetch.fill(NO_FETCH),
        }
        self.translation_epoch = hart.translation_epoch();
    }

    #[inline]
    fn decoded_page(&mut self, hart: &Hart, phys: GuestPhys) -> Option<usize> {
        if let Some(&index) = self.by_number.get(&phys.page_number()) {
            let page = &mut self.pages[index];
            page.recent = true;
            page.refresh(hart.ram(), hart.fetch_fences(), &mut self.tables.heat);
            return Some(index);
        }
        self.new_page(hart, phys)
    }

    /// Not inlined: the page is on the stack before it is stored, and a frame of that size is
    /// probed page by page on every call.
    #[cold]
    #[inline(never)]
    fn new_page(&mut self, hart: &Hart, phys: GuestPhys) -> Option<usize> {
        if self.pages.len() >= MAX_PAGES {
            self.evict_pages();
        }
        let index = self.pages.len();
        let page = DecodedPage::new(hart.ram(), phys.page_start(), index as u16, hart.fetch_fences())?;
        self.pages.push(page);
        self.by_number.insert(phys.page_number(), index);
        Some(index)
    }

    /// Evicts the lines that were decoded first.
    #[cold]
    fn evict_lines(&mut self) {
        for place in self.tables.lines.drain(..EVICTED_LINES) {
            self.pages[usize::from(place.page)].evict(place);
        }
    }

    /// Evicts the pages that were not entered since this was last done; if those are few, the
    /// ones that were decoded first.
    #[cold]
    fn evict_pages(&mut self) {
        let idle = self.pages.iter().filter(|page| !page.recent).count();
        let mut indices = vec![None; self.pages.len()];
        let mut kept = 0u16;
        self.pages.retain_mut(|page| {
            let goes = if idle >= EVICTED_PAGES { !page.recent } else { usize::from(page.index) < EVICTED_PAGES };
            if goes {
                return false;
            }
            indices[usize::from(page.index)] = Some(kept);
            (page.index, page.recent) = (kept, false);
            kept += 1;
            true
        });
        self.tables.lines.retain_mut(|place| match indices[usize::from(place.page)] {
            Some(index) => {
                place.page = index;
                true
            }
            None => false,
        });
        self.by_number = self.pages.iter().map(|page| (page.number(), usize::from(page.index))).collect();
        // Names pages by their index. It also is how pages that are entered become recent.
        self.fetch.fill(NO_FETCH);
    }
}

#[cfg(test)]
mod tests;
