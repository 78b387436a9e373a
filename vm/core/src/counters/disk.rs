//! Counter page of a disk: what its requests were and how long they took.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::event::monotonic_ns;
use crate::labels;

labels! {
    /// Operations on a disk.
    pub enum DiskOperation {
        /// Reads sectors.
        Read "read",
        /// Writes sectors.
        Write "write",
        /// Makes completed writes durable.
        Flush "flush",
        /// Gives up the contents of sectors.
        Discard "discard",
        /// Zeroes sectors.
        WriteZeroes "write_zeroes",
    }
}

/// Upper bounds of the durations that [`DiskPage::durations`] tells apart, in nanoseconds: 5 µs to
/// 10 s. A read of what the host has cached takes some microseconds, a disk that hangs seconds.
pub const DISK_DURATION_BOUNDS_NS: [u64; 16] = [
    5_000,
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    50_000_000,
    100_000_000,
    500_000_000,
    1_000_000_000,
    10_000_000_000,
];

const OPERATIONS: usize = DiskOperation::ALL.len();
/// Ranges of durations: the last has no bound.
const RANGES: usize = DISK_DURATION_BOUNDS_NS.len() + 1;

/// Counters of one disk. One thread at a time counts, the one that holds the device; any thread may
/// read. Values only grow, except [`DiskPage::since`], and wrap at 2^64.
///
/// Layout: 64-bit words without padding in between; an all-zero page is valid and no word is a
/// pointer, so a page may live in memory shared with another process.
#[derive(Debug, Default)]
#[repr(C, align(64))]
pub struct DiskPage {
    /// When the operation in progress began.
    since: AtomicU64,
    operations: [AtomicU64; OPERATIONS],
    bytes: [AtomicU64; OPERATIONS],
    errors: [AtomicU64; OPERATIONS],
    ns: [AtomicU64; OPERATIONS],
    durations: [[AtomicU64; RANGES]; OPERATIONS],
}

/// An operation in progress.
#[derive(Debug)]
pub struct Started {
    operation: DiskOperation,
    at: u64,
}

impl DiskPage {
    /// Records the start of an operation.
    pub fn start(&self, operation: DiskOperation) -> Started {
        let at = monotonic_ns();
        // 0 stands for no operation.
        self.since.store(at.max(1), Ordering::Relaxed);
        Started { operation, at }
    }

    /// Records the end of an operation on `bytes` bytes.
    pub fn finish(&self, started: &Started, bytes: u64, failed: bool) {
        let ns = monotonic_ns().saturating_sub(started.at);
        let operation = started.operation.index();
        self.since.store(0, Ordering::Relaxed);
        add(&self.operations[operation], 1);
        add(&self.bytes[operation], if failed { 0 } else { bytes });
        add(&self.errors[operation], failed.into());
        add(&self.ns[operation], ns);
        let range = DISK_DURATION_BOUNDS_NS.iter().position(|bound| ns <= *bound);
        add(&self.durations[operation][range.unwrap_or(RANGES - 1)], 1);
    }

    /// When the operation in progress began, on the clock of [`monotonic_ns`]; `None` without one.
    pub fn since(&self) -> Option<u64> {
        Some(self.since.load(Ordering::Relaxed)).filter(|since| *since != 0)
    }

    /// Operations that have ended, failed ones included.
    pub fn operations(&self, operation: DiskOperation) -> u64 {
        self.operations[operation.index()].load(Ordering::Relaxed)
    }

    /// Bytes of operations that succeeded.
    pub fn bytes(&self, operation: DiskOperation) -> u64 {
        self.bytes[operation.index()].load(Ordering::Relaxed)
    }

    /// Operations that failed, whoever caused that.
    pub fn errors(&self, operation: DiskOperation) -> u64 {
        self.errors[operation.index()].load(Ordering::Relaxed)
    }

    /// Nanoseconds that operations took.
    pub fn ns(&self, operation: DiskOperation) -> u64 {
        self.ns[operation.index()].load(Ordering::Relaxed)
    }

    /// Operations by duration: those up to each of [`DISK_DURATION_BOUNDS_NS`] and above the one
    /// before, and those above the last.
    pub fn durations(&self, operation: DiskOperation) -> [u64; RANGES] {
        self.durations[operation.index()].each_ref().map(|range| range.load(Ordering::Relaxed))
    }
}

/// Adds to a counter that only one thread at a time writes.
fn add(counter: &AtomicU64, n: u64) {
    counter.store(counter.load(Ordering::Relaxed).wrapping_add(n), Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_is_in_progress_until_it_is_counted() {
        let page = DiskPage::default();
        assert_eq!(page.since(), None);
        let started = page.start(DiskOperation::Write);
        assert_eq!(page.since(), Some(started.at.max(1)));
        assert_eq!(page.operations(DiskOperation::Write), 0);
        page.finish(&started, 512, false);
        let failed = page.start(DiskOperation::Write);
        page.finish(&failed, 512, true);
        assert_eq!(page.since(), None);
        let write = DiskOperation::Write;
        assert_eq!((page.operations(write), page.bytes(write), page.errors(write)), (2, 512, 1));
        assert_eq!(page.durations(write).iter().sum::<u64>(), 2);
        assert_eq!(page.operations(DiskOperation::Read), 0);
    }

    #[test]
    fn durations_are_told_apart_by_their_bounds() {
        assert!(DISK_DURATION_BOUNDS_NS.is_sorted());
        let page = DiskPage::default();
        let started = Started { operation: DiskOperation::Flush, at: monotonic_ns().saturating_sub(20_000_000_000) };
        page.finish(&started, 0, false);
        assert_eq!(page.durations(DiskOperation::Flush)[RANGES - 1], u64::from(started.at > 0));
        assert!(page.ns(DiskOperation::Flush) >= 20_000_000_000 || started.at == 0);
    }
}
