//! Log of single-page flushes, for what is cached by virtual address elsewhere: in engines,
//! and in the TLB banks of address spaces that are not in use.
//!
//! Linux flushes a single page on most page faults, in all address spaces. Whoever caches
//! translations applies the flushes that it has not seen when it next uses them.

use super::superpages::Superpages;
use crate::addr::{PAGE_MASK, PAGE_SHIFT, to_usize};

/// Single-page flushes remembered; who is further behind flushes everything.
const RECENT: usize = 512;

/// [`Flushed::space`] of a flush in every address space; no generation has this number.
const EVERY_SPACE: u64 = 0;

/// A page whose translation was flushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flushed {
    /// Virtual address of the page.
    pub page: u64,
    /// Whether code may have been fetched there, in this or another space. Most pages that are
    /// flushed hold data.
    pub code: bool,
    /// Generation of the address space, or [`EVERY_SPACE`].
    space: u64,
}

impl Flushed {
    /// Whether it concerns the address space of this
    /// [generation](crate::mmu::FetchSpace::generation).
    #[inline]
    pub fn concerns(&self, generation: u64) -> bool {
        self.space == EVERY_SPACE || self.space == generation
    }
}

/// Numbered log of flushes; the first is 1.
#[derive(Debug)]
pub(super) struct FlushLog {
    latest: u64,
    /// Number of the latest full flush.
    latest_full: u64,
    /// Flush `n`, at `n % RECENT`.
    pages: Box<[Flushed; RECENT]>,
    /// Superpages that code was fetched from.
    pub(super) superpages: Superpages,
    /// Filter of the pages that code was fetched from: a bit per page number modulo
    /// [`FETCH_BITS`].
    fetched: Box<[u64; FETCH_BITS / 64]>,
}

/// Size of the filter in bits.
const FETCH_BITS: usize = 1 << 16;

impl Default for FlushLog {
    fn default() -> Self {
        Self {
            latest: 0,
            latest_full: 0,
            pages: Box::new([Flushed { page: 0, code: true, space: EVERY_SPACE }; RECENT]),
            superpages: Superpages::default(),
            fetched: Box::new([0; FETCH_BITS / 64]),
        }
    }
}

impl FlushLog {
    /// Number of the latest flush.
    pub(super) fn latest(&self) -> u64 {
        self.latest
    }

    /// Records a full flush.
    pub(super) fn record_all(&mut self) {
        self.latest += 1;
        self.latest_full = self.latest;
        self.superpages.clear();
        self.fetched.fill(0);
    }

    /// Records that code is fetched from the page of `va`.
    pub(super) fn note_fetch(&mut self, va: u64) {
        let (word, bit) = fetch_bit(va);
        self.fetched[word] |= bit;
    }

    /// Records a flush of the translation of `va`, in the address space of a generation or in
    /// all.
    pub(super) fn record_page(&mut self, va: u64, generation: Option<u64>) {
        self.latest += 1;
        let space = generation.unwrap_or(EVERY_SPACE);
        let (word, bit) = fetch_bit(va);
        let code = self.fetched[word] & bit != 0;
        self.pages[place(self.latest)] = Flushed { page: va & !PAGE_MASK, code, space };
    }

    /// Pages flushed after flush `seen`; `None` if all may have been.
    pub(super) fn since(&self, seen: u64) -> Option<impl Iterator<Item = Flushed>> {
        let known = seen >= self.latest_full && self.latest.wrapping_sub(seen) <= RECENT as u64;
        let pages = (seen + 1..=self.latest).map(|n| self.pages[place(n)]);
        known.then_some(pages)
    }
}

/// Word and mask of a page's bit in the filter of fetches.
fn fetch_bit(va: u64) -> (usize, u64) {
    let number = (va >> PAGE_SHIFT) as usize % FETCH_BITS;
    (number / 64, 1 << (number % 64))
}

/// Index of flush `n` in the log.
fn place(n: u64) -> usize {
    to_usize(n % RECENT as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn since(log: &FlushLog, seen: u64) -> Option<Vec<u64>> {
        Some(log.since(seen)?.map(|flushed| flushed.page).collect())
    }

    #[test]
    fn pages_are_listed_until_too_many_or_everything() {
        let mut log = FlushLog::default();
        assert_eq!(since(&log, 0), Some(vec![]));
        log.record_page(0x1234, None);
        log.record_page(0x5000, None);
        assert_eq!(since(&log, 0), Some(vec![0x1000, 0x5000]));
        assert_eq!(since(&log, 1), Some(vec![0x5000]));
        log.record_all();
        assert_eq!(since(&log, 1), None);
        assert_eq!(since(&log, log.latest()), Some(vec![]));
        let seen = log.latest();
        (0..RECENT as u64).for_each(|n| log.record_page(n << 12, None));
        assert_eq!(since(&log, seen).map(|pages| pages.len()), Some(RECENT));
        log.record_page(0, None);
        assert_eq!(since(&log, seen), None);
    }

    #[test]
    fn a_page_that_code_was_fetched_from_is_told_from_data() {
        let mut log = FlushLog::default();
        log.note_fetch(0x1ffe);
        log.record_page(0x1000, None);
        log.record_page(0x2000, None);
        let code: Vec<_> = log.since(0).unwrap().map(|flushed| flushed.code).collect();
        assert_eq!(code, [true, false]);
    }

    #[test]
    fn a_flush_in_one_space_concerns_that_space_only() {
        let mut log = FlushLog::default();
        log.record_page(0x1000, Some(7));
        log.record_page(0x2000, None);
        let concerned = |generation| {
            let flushes = log.since(0).unwrap().filter(|flushed| flushed.concerns(generation));
            flushes.map(|flushed| flushed.page).collect::<Vec<_>>()
        };
        assert_eq!(concerned(7), [0x1000, 0x2000]);
        assert_eq!(concerned(8), [0x2000]);
    }
}
