//! What goes into the code cache and comes out of it.

use riscope_core::addr::GuestPhys;
use riscope_core::event::{EvictionReason, ExecutionEvent, InvalidationReason, Tier};

use super::excerpt::{Covered, PageBytes};
use super::link::Link;

/// Exclusive claim on compiling the code at an address, tied to one version of its page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claim {
    pub(crate) phys: GuestPhys,
    /// Whether there is code of a lower tier, which stays if nothing comes of it.
    pub(super) promotion: bool,
    pub(super) version: u64,
}

/// Snapshot of a page that a translation is made from.
#[derive(Debug)]
pub(crate) struct Source {
    pub(super) bytes: Box<PageBytes>,
    /// Page version; [`CodeCache::publish`] rejects code of an older one.
    pub(super) version: u64,
}

impl Source {
    /// The page's bytes.
    pub(crate) fn bytes(&self) -> &PageBytes {
        &self.bytes
    }
}

/// Finished translation, ready to publish.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Built<'a> {
    pub(crate) phys: GuestPhys,
    /// Virtual address at which a hart executed it, for [`crate::PerfLog`].
    pub(crate) pc: u64,
    pub(crate) tier: Tier,
    pub(crate) code: Code<'a>,
    /// Parts of the source that the translation depends on.
    pub(crate) covered: &'a Covered,
}

/// Host code in two parts, entered at its start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Code<'a> {
    pub(crate) bytes: &'a [u8],
    /// Where the part starts that rarely runs.
    pub(crate) cold: usize,
    /// What of a part depends on where the other one is.
    pub(crate) crossings: &'a [Crossing],
    /// Jumps to other fragments of the page.
    pub(crate) links: &'a [Link],
}

impl<'a> Code<'a> {
    /// Code in one part.
    pub(crate) fn whole(bytes: &'a [u8]) -> Self {
        Self { bytes, cold: bytes.len(), crossings: &[], links: &[] }
    }
}

/// Four bytes at offset `at` that have to become the distance from behind them to offset
/// `target`, in the other part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Crossing {
    pub(crate) at: usize,
    pub(crate) target: usize,
}

/// Finished translation of [`CodeCache::translate`].
#[derive(Debug)]
pub(crate) struct Made<'a> {
    pub(crate) tier: Tier,
    pub(crate) code: Code<'a>,
    /// Parts of the page that it depends on.
    pub(crate) covered: Covered,
    /// Guest instructions in it.
    pub(crate) instructions: usize,
    /// Guest bytes of them.
    pub(crate) guest_bytes: usize,
}

/// What came of [`CodeCache::translate`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Translated {
    /// Its entry.
    Ready(*const u8),
    /// It cannot be translated.
    Rejected,
    /// There is no room until harts have left code that was evicted.
    Full,
}

/// Reason why a translation could not be published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PublishError {
    /// The page was dropped during compilation.
    Stale,
    /// There is no room until harts have left code that was evicted.
    Full,
    /// There never is room for that much code.
    TooLarge,
}

/// What a call dropped, for the events that report it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Dropped {
    /// Number of translations of changed pages.
    pub(super) invalidated: Option<(u32, InvalidationReason)>,
    pub(super) evicted: Option<Evicted>,
}

/// Code that had to go for other code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Evicted {
    /// Translations.
    pub(crate) blocks: u32,
    /// Bytes of the arena that are free again.
    pub(crate) bytes: u64,
}

impl Dropped {
    /// The events that report the drop.
    pub(crate) fn events(self) -> impl Iterator<Item = ExecutionEvent> {
        let invalidated =
            self.invalidated.map(|(blocks, reason)| ExecutionEvent::CodeBlocksInvalidated { blocks, reason });
        let evicted = self.evicted.map(|Evicted { blocks, bytes }| ExecutionEvent::CodeCacheEvicted {
            blocks,
            bytes,
            reason: EvictionReason::Capacity,
        });
        invalidated.into_iter().chain(evicted)
    }
}
