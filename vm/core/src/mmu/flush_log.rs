//! Log of flushed fetch translations, for engine caches keyed by virtual address.
//!
//! Linux flushes a single page on most page faults. The log lets an engine invalidate only
//! the pages flushed since its last check.

use super::superpages::Superpages;
use crate::addr::{PAGE_MASK, to_usize};

/// Single-page flushes remembered; an engine that is further behind flushes everything.
const RECENT: usize = 16;

/// Numbered log of flushes; the first is 1.
#[derive(Clone, Debug, Default)]
pub(crate) struct FlushLog {
    latest: u64,
    /// Number of the latest full flush.
    latest_full: u64,
    /// Page of flush `n`, at `n % RECENT`.
    pages: [u64; RECENT],
    /// Superpages that code was fetched from.
    pub(super) superpages: Superpages,
}

impl FlushLog {
    /// An empty log that continues the numbering, for a hart after reset: engine caches are
    /// older.
    pub(super) fn successor(&self) -> Self {
        let latest = self.latest + 1;
        Self { latest, latest_full: latest, ..Self::default() }
    }

    /// Number of the latest flush.
    pub(crate) fn latest(&self) -> u64 {
        self.latest
    }

    /// Records a full flush.
    pub(crate) fn record_all(&mut self) {
        self.latest += 1;
        self.latest_full = self.latest;
        self.superpages.clear();
    }

    /// Records a flush of the translation of `va`; of a superpage, as a full flush.
    pub(crate) fn record_address(&mut self, va: u64) {
        if self.superpages.contain(va) {
            return self.record_all();
        }
        self.latest += 1;
        self.pages[place(self.latest)] = va & !PAGE_MASK;
    }

    /// Pages flushed after flush `seen`; `None` if all may have been.
    pub(crate) fn since(&self, seen: u64) -> Option<impl Iterator<Item = u64>> {
        let known = seen >= self.latest_full && self.latest.wrapping_sub(seen) <= RECENT as u64;
        let pages = (seen + 1..=self.latest).map(|n| self.pages[place(n)]);
        known.then_some(pages)
    }
}

/// Index of flush `n` in the log.
fn place(n: u64) -> usize {
    to_usize(n % RECENT as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn since(log: &FlushLog, seen: u64) -> Option<Vec<u64>> {
        log.since(seen).map(Iterator::collect)
    }

    #[test]
    fn pages_are_listed_until_too_many_or_everything() {
        let mut log = FlushLog::default();
        assert_eq!(since(&log, 0), Some(vec![]));
        log.record_address(0x1234);
        log.record_address(0x5000);
        assert_eq!(since(&log, 0), Some(vec![0x1000, 0x5000]));
        assert_eq!(since(&log, 1), Some(vec![0x5000]));
        log.record_all();
        assert_eq!(since(&log, 1), None);
        assert_eq!(since(&log, log.latest()), Some(vec![]));
        let seen = log.latest();
        (0..RECENT as u64).for_each(|n| log.record_address(n << 12));
        assert_eq!(since(&log, seen).map(|pages| pages.len()), Some(16));
        log.record_address(0);
        assert_eq!(since(&log, seen), None);
    }

    #[test]
    fn an_address_in_a_superpage_stands_for_everything() {
        let mut log = FlushLog::default();
        log.superpages.note(0x20_0000, 0x20_0000);
        log.record_address(0x10_0000);
        assert_eq!(since(&log, 0), Some(vec![0x10_0000]));
        log.record_address(0x3f_f000);
        assert_eq!(since(&log, 0), None);
        log.record_address(0x3f_f000);
        assert_eq!(since(&log, 2), Some(vec![0x3f_f000]), "nothing was fetched from it since");
    }
}
