//! Hottest pages of a guest's code, from samples of its harts' program counters.

use std::sync::atomic::{AtomicU64, Ordering};

/// Pages that are told: the hottest ones.
pub const HOTTEST: usize = 8;

/// Pages that are kept. A page that executes more than this part of the time is among them.
const KEPT: usize = 64;

/// Samples after which all counts are halved, so that what was hot long ago is forgotten: five
/// minutes of one busy hart.
const HALVED_AFTER: u64 = 300;

/// log2 of the size of a page in bytes.
const PAGE_SHIFT: u32 = 12;

/// Samples of a guest's code by virtual page, of all address spaces. A new page takes the place and
/// the count of the coldest one (the algorithm *Space-Saving*), so that memory is bounded.
///
/// One thread records; any thread may read. 64-bit words, which may live in memory shared with
/// another process.
#[derive(Debug)]
#[repr(C, align(64))]
pub struct HotPages {
    /// Numbers of pages.
    pages: [AtomicU64; KEPT],
    /// Samples of each; 0 for an unused place.
    samples: [AtomicU64; KEPT],
    /// Samples since the counts were halved.
    recorded: AtomicU64,
}

impl Default for HotPages {
    fn default() -> Self {
        let zeros = || [const { AtomicU64::new(0) }; KEPT];
        Self { pages: zeros(), samples: zeros(), recorded: AtomicU64::new(0) }
    }
}

/// One of the hottest pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HotPage {
    /// Virtual address of its first byte.
    pub address: u64,
    /// Samples in it.
    pub samples: u64,
    /// Samples in all pages, at least as many.
    pub of: u64,
}

impl HotPages {
    /// Records that a hart was at `pc`. Only for the thread that samples the harts.
    pub fn record(&self, pc: u64) {
        let page = pc >> PAGE_SHIFT;
        let places = || self.pages.iter().zip(&self.samples);
        let known = places().position(|(it, samples)| load(samples) > 0 && load(it) == page);
        let coldest = || (0..KEPT).min_by_key(|place| load(&self.samples[*place])).unwrap_or(0);
        let place = known.unwrap_or_else(coldest);
        self.pages[place].store(page, Ordering::Relaxed);
        self.samples[place].store(load(&self.samples[place]).saturating_add(1), Ordering::Relaxed);
        let recorded = load(&self.recorded).saturating_add(1);
        self.recorded.store(recorded % HALVED_AFTER, Ordering::Relaxed);
        if recorded >= HALVED_AFTER {
            self.samples.iter().for_each(|samples| samples.store(load(samples) / 2, Ordering::Relaxed));
        }
    }

    /// The hottest pages, hottest first; fewer than [`HOTTEST`] if fewer were seen.
    pub fn hottest(&self) -> Vec<HotPage> {
        let places = self.pages.iter().zip(&self.samples).map(|(page, samples)| (load(page), load(samples)));
        let mut seen: Vec<_> = places.filter(|(_, samples)| *samples > 0).collect();
        let all = seen.iter().fold(0_u64, |sum, (_, samples)| sum.saturating_add(*samples));
        seen.sort_by_key(|(page, samples)| (std::cmp::Reverse(*samples), *page));
        let told = |(page, samples)| HotPage { address: page << PAGE_SHIFT, samples, of: all };
        seen.into_iter().take(HOTTEST).map(told).collect()
    }
}

fn load(word: &AtomicU64) -> u64 {
    word.load(Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_told_hottest_first_with_their_share() {
        let pages = HotPages::default();
        assert_eq!(pages.hottest(), []);
        for pc in [0xffff_ffff_8001_2344, 0x1000, 0xffff_ffff_8001_2fff, 0xffff_ffff_8001_2000] {
            pages.record(pc);
        }
        let page = |address, samples| HotPage { address, samples, of: 4 };
        assert_eq!(pages.hottest(), [page(0xffff_ffff_8001_2000, 3), page(0x1000, 1)]);
    }

    #[test]
    fn a_page_that_is_hot_stays_among_many_that_are_not_and_is_forgotten_later() {
        let pages = HotPages::default();
        for cold in 0..2 * KEPT as u64 {
            pages.record(0x8000_0000);
            pages.record(0x10_0000 + cold * 0x1000);
        }
        let hottest = pages.hottest();
        assert_eq!((hottest.len(), hottest[0].address), (HOTTEST, 0x8000_0000));
        for _ in 0..10 * HALVED_AFTER {
            pages.record(0x2000);
        }
        let hottest = pages.hottest();
        assert_eq!((hottest.len(), hottest[0].address), (1, 0x2000));
        assert_eq!(hottest[0].samples, hottest[0].of);
    }
}
