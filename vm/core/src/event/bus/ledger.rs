//! Account of one subscription: what became of each event that its filter selected.
//!
//! Publishers count an event before anything becomes of it, and what becomes of it after that.
//! Whoever reads the number of published events last therefore finds at least as many as have
//! become something; the others wait, and
//!
//! ```text
//! published = delivered + dropped + coalesced + queued
//! ```
//!
//! at any moment.

use super::sync::{AtomicU64, Ordering};

/// Repetitions of a reading that publications disturb.
const READINGS: usize = 64;

/// Written by publishers.
#[derive(Debug)]
#[repr(align(64))]
struct Offered {
    published: AtomicU64,
    dropped: AtomicU64,
    coalesced: AtomicU64,
}

/// Written by the subscriber, and so on a cache line of its own.
#[derive(Debug)]
#[repr(align(64))]
struct Taken {
    delivered: AtomicU64,
}

/// The account.
#[derive(Debug)]
pub(super) struct Ledger {
    offered: Offered,
    taken: Taken,
}

/// Balance of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Balance {
    pub(super) published: u64,
    pub(super) delivered: u64,
    pub(super) dropped: u64,
    pub(super) coalesced: u64,
    /// What is in the queue, on its way into it, or on its way out.
    pub(super) queued: u64,
}

impl Ledger {
    pub(super) fn new() -> Self {
        let zero = || AtomicU64::new(0);
        Self {
            offered: Offered { published: zero(), dropped: zero(), coalesced: zero() },
            taken: Taken { delivered: zero() },
        }
    }

    /// Counts an event, before anything becomes of it.
    #[inline]
    pub(super) fn publish(&self) {
        self.offered.published.fetch_add(1, Ordering::Relaxed);
    }

    #[inline]
    pub(super) fn deliver(&self) {
        self.taken.delivered.fetch_add(1, Ordering::Release);
    }

    pub(super) fn drop_one(&self) {
        self.offered.dropped.fetch_add(1, Ordering::Release);
    }

    pub(super) fn coalesce(&self) {
        self.offered.coalesced.fetch_add(1, Ordering::Release);
    }

    /// The balance, that of one moment unless publications disturb every reading. The equation
    /// holds in any case; then some of what is `queued` has been delivered meanwhile.
    pub(super) fn balance(&self) -> Balance {
        let mut reading = self.read();
        for _ in 1..READINGS {
            let (before, balance) = reading;
            if before == balance.published {
                break;
            }
            reading = self.read();
        }
        reading.1
    }

    /// A balance, and the number of published events before it.
    fn read(&self) -> (u64, Balance) {
        let before = self.offered.published.load(Ordering::Acquire);
        let delivered = self.taken.delivered.load(Ordering::Acquire);
        let dropped = self.offered.dropped.load(Ordering::Acquire);
        let coalesced = self.offered.coalesced.load(Ordering::Acquire);
        let published = self.offered.published.load(Ordering::Acquire);
        let queued = published - delivered - dropped - coalesced;
        (before, Balance { published, delivered, dropped, coalesced, queued })
    }
}
