//! Code cache: translations by physical page, shared by the harts of one machine.
//!
//! **Invalidation.** Translations are made from a copy of the page's bytes. At `fence.i`
//! the hart calls [`CodeCache::validate`], which compares every page that may have been
//! written since ([`PageTracker::take_suspect`]) with its copy, under the lock, and drops
//! its translations if translated code differs. A hart whose `fence.i` finds the lock taken
//! interprets until it has validated, so it never executes or publishes stale code.
//!
//! **Locking.** Harts only try the lock and interpret on failure; the compiler thread
//! blocks on it. No hart waits for the compiler or for another hart.
//!
//! **Reclamation.** Epoch-based, since other harts may still execute dropped code or hold
//! it in their jump caches. Each drop raises the *epoch*. At the start of every quantum,
//! outside of generated code and with a current jump cache, a hart announces the epoch that
//! it has observed ([`super::Online`]). Metadata dropped at an epoch is freed once every
//! hart has observed it. Arena space is reclaimed only as a whole: when the arena is full,
//! all translations are dropped.
//!
//! [`PageTracker::take_suspect`]: riscope_core::mem::PageTracker::take_suspect

use std::collections::hash_map::Entry;
use std::io;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use riscope_core::addr::{GuestPhys, PAGE_SIZE};
use riscope_core::counters::EngineCounters;
use riscope_core::event::{ExecutionEvent, FlushReason, InvalidationReason, Tier};
use riscope_core::mem::{GuestRam, MAX_HARTS, access};
use rustc_hash::FxHashMap;

use super::page::{CodePage, Covered, Lookup, PageBytes, copy_page};
use crate::arena::Arena;
use crate::thunk::Thunks;

/// Epoch of a hart that executes no generated code: it has observed every epoch.
pub(super) const OFFLINE: u64 = u64::MAX;

/// Alignment of translations, in bytes.
const CODE_ALIGN: usize = 32;

/// Exclusive claim on compiling the code at an address, tied to one version of its page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claim {
    pub(crate) phys: GuestPhys,
    version: u64,
}

/// Snapshot of a page that a translation is made from.
#[derive(Debug)]
pub(crate) struct Source {
    bytes: Arc<PageBytes>,
    /// Page version; [`CodeCache::publish`] rejects code of an older one.
    version: u64,
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
    pub(crate) code: &'a [u8],
    /// Parts of the source that the translation depends on.
    pub(crate) covered: &'a Covered,
}

/// Reason why a translation could not be published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PublishError {
    /// The page was dropped during compilation.
    Stale,
    /// The arena is full; [`CodeCache::flush`] makes room.
    Full,
}

#[derive(Debug, Default)]
struct Inner {
    /// Pages by physical page number.
    pages: FxHashMap<u64, CodePage>,
    /// First free byte of the arena.
    next: usize,
    next_version: u64,
    blocks: u64,
    /// Dropped pages, each with the epoch that its drop began.
    dropped: Vec<(u64, CodePage)>,
}

/// What a call dropped, for the event that reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dropped {
    /// Nothing.
    Nothing,
    /// Translations of changed pages.
    Invalidated(u32, InvalidationReason),
    /// All translations.
    Flushed { blocks: u32, bytes: u64, reason: FlushReason },
}

impl Dropped {
    /// The event that reports the drop.
    pub(crate) fn event(self) -> Option<ExecutionEvent> {
        match self {
            Self::Nothing => None,
            Self::Invalidated(blocks, reason) => Some(ExecutionEvent::CodeBlocksInvalidated { blocks, reason }),
            Self::Flushed { blocks, bytes, reason } => Some(ExecutionEvent::CodeCacheFlushed { blocks, bytes, reason }),
        }
    }
}

/// The code cache of one machine.
#[derive(Debug)]
pub(crate) struct CodeCache {
    ram: Arc<GuestRam>,
    counters: Arc<EngineCounters>,
    arena: Arena,
    thunks: Thunks,
    inner: Mutex<Inner>,
    pub(super) epoch: AtomicU64,
    pub(super) seen: [AtomicU64; MAX_HARTS],
}

impl CodeCache {
    /// An empty cache of `size` bytes for the code of `ram`.
    ///
    /// # Errors
    /// Fails when the host refuses the memory or the thunks do not compile.
    pub(crate) fn new(ram: Arc<GuestRam>, counters: Arc<EngineCounters>, size: usize) -> io::Result<Self> {
        let arena = Arena::new(size)?;
        let thunks = Thunks::compile(&arena).map_err(io::Error::other)?;
        counters.code_cache_limit.store(size as u64, Ordering::Relaxed);
        let inner = Inner { next: thunks.bytes, ..Inner::default() };
        Ok(Self {
            ram,
            counters,
            arena,
            thunks,
            inner: Mutex::new(inner),
            epoch: AtomicU64::new(0),
            seen: [const { AtomicU64::new(OFFLINE) }; MAX_HARTS],
        })
    }

    /// Code shared by all translations.
    pub(crate) fn thunks(&self) -> &Thunks {
        &self.thunks
    }

    /// Takes the lock, blocking. For the compiler only.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tries the lock, for harts: `None` while another thread holds it.
    fn try_lock(&self) -> Option<MutexGuard<'_, Inner>> {
        match self.inner.try_lock() {
            Ok(inner) => Some(inner),
            Err(TryLockError::Poisoned(error)) => Some(error.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Holds the lock, as the compiler thread does for short times.
    #[cfg(test)]
    pub(crate) fn hold(&self) -> impl Sized + use<'_> {
        self.lock()
    }

    /// State of the code at `phys`; `None` if the lock is taken.
    pub(crate) fn lookup(&self, phys: GuestPhys) -> Option<Lookup> {
        let inner = self.try_lock()?;
        let page = inner.pages.get(&phys.page_number());
        Some(page.and_then(|page| page.translations.get(&phys.page_offset())).copied().unwrap_or(Lookup::Absent))
    }

    /// Marks the code at `phys` as being compiled, unless it is known already, and
    /// refreshes the copy of its page first: code added since the copy was made may run
    /// without a `fence.i` the first time it is executed. `None` if the lock is taken.
    pub(crate) fn claim(&self, phys: GuestPhys) -> Option<(Dropped, Option<Claim>)> {
        let number = phys.page_number();
        let mut inner = self.try_lock()?;
        let changed = inner.pages.get_mut(&number).is_some_and(|page| self.has_changed(number, page));
        let dropped = self.drop_pages(&mut inner, changed.then_some(number), InvalidationReason::CodeChanged);
        let claim = self.page(&mut inner, phys).and_then(|page| {
            let claim = Claim { phys, version: page.version };
            match page.translations.entry(phys.page_offset()) {
                Entry::Occupied(_) => None,
                Entry::Vacant(entry) => {
                    entry.insert(Lookup::Pending);
                    Some(claim)
                }
            }
        });
        Some((dropped, claim))
    }

    /// Releases a claim; the code can be requested again.
    pub(crate) fn unclaim(&self, claim: Claim) {
        self.end_claim(claim, None);
    }

    /// Records that claimed code cannot be translated.
    pub(crate) fn reject(&self, claim: Claim) {
        self.end_claim(claim, Some(Lookup::Rejected));
    }

    fn end_claim(&self, claim: Claim, outcome: Option<Lookup>) {
        let mut inner = self.lock();
        // A page dropped since may have been replaced; the entry then belongs to another
        // claim.
        let page = inner.pages.get_mut(&claim.phys.page_number()).filter(|page| page.version == claim.version);
        let Some(page) = page else { return };
        match outcome {
            Some(outcome) => page.translations.insert(claim.phys.page_offset(), outcome),
            None => page.translations.remove(&claim.phys.page_offset()),
        };
    }

    /// Snapshot of the page of `phys` to translate from.
    pub(crate) fn source(&self, phys: GuestPhys) -> Option<Source> {
        let mut inner = self.lock();
        let page = self.page(&mut inner, phys)?;
        Some(Source { bytes: Arc::clone(&page.bytes), version: page.version })
    }

    /// Entry of the page of `phys`; copies the page on first use.
    fn page<'a>(&self, inner: &'a mut Inner, phys: GuestPhys) -> Option<&'a mut CodePage> {
        let number = phys.page_number();
        if !inner.pages.contains_key(&number) {
            let host = self.ram.host_ptr(phys.page_start(), PAGE_SIZE)?;
            self.ram.tracker().set_code(self.ram.page_index(phys)?);
            inner.next_version += 1;
            // SAFETY: `host_ptr` covers the whole page, and RAM is page-aligned.
            let bytes = unsafe { copy_page(host) };
            inner.pages.insert(number, CodePage::new(bytes, inner.next_version));
        }
        inner.pages.get_mut(&number)
    }

    /// Address of the link slot for jumps to `target` from its own page.
    pub(crate) fn link_slot(&self, target: GuestPhys) -> *const u8 {
        let mut inner = self.lock();
        let resolve = self.thunks.resolve.cast_mut();
        let Some(page) = inner.pages.get_mut(&target.page_number()) else {
            return self.thunks.resolve_slot();
        };
        let ready = match page.translations.get(&target.page_offset()) {
            Some(Lookup::Ready(code)) => code.cast_mut(),
            _ => resolve,
        };
        let slot = page.links.entry(target.page_offset()).or_insert_with(|| Box::new(AtomicPtr::new(ready)));
        slot.as_ptr().cast_const().cast()
    }

    /// Makes a translation visible to all harts.
    pub(crate) fn publish(&self, source: &Source, built: Built<'_>) -> Result<(), PublishError> {
        let mut guard = self.lock();
        let inner = &mut *guard;
        self.free_unreachable(inner);
        let page = inner.pages.get_mut(&built.phys.page_number()).filter(|page| page.version == source.version);
        // The copy may have been refreshed meanwhile; the code translated must be the same.
        let page = page.filter(|page| built.covered.is_same_in(&page.bytes, &source.bytes));
        let page = page.ok_or(PublishError::Stale)?;
        let at = inner.next.next_multiple_of(CODE_ALIGN);
        if self.arena.size().saturating_sub(at) < built.code.len() {
            return Err(PublishError::Full);
        }
        inner.next = at + built.code.len();
        // SAFETY: the space was just allocated. Nothing has executed there since the last
        // flush, which waited for all harts.
        let code = unsafe { self.arena.write(at, built.code) };
        page.add(built.phys.page_offset(), code, built.covered);
        if let Some(slot) = page.links.get(&built.phys.page_offset()) {
            slot.store(code.cast_mut(), Ordering::Release);
        }
        inner.blocks += 1;
        self.count(inner);
        Ok(())
    }

    /// Drops the translations of pages whose code has changed, as `fence.i` requires, or an
    /// event treated as one; `reason` says which. `None` if the lock is taken: the hart must
    /// not enter generated code until a call succeeds.
    pub(crate) fn validate(&self, reason: InvalidationReason) -> Option<Dropped> {
        let mut inner = self.try_lock()?;
        let changed = |(number, page): (&u64, &mut CodePage)| self.has_changed(*number, page).then_some(*number);
        let changed: Vec<u64> = inner.pages.iter_mut().filter_map(changed).collect();
        Some(self.drop_pages(&mut inner, changed, reason))
    }

    /// Drops the pages with these numbers.
    fn drop_pages(
        &self,
        inner: &mut Inner,
        changed: impl IntoIterator<Item = u64>,
        reason: InvalidationReason,
    ) -> Dropped {
        let mut changed = changed.into_iter().peekable();
        if changed.peek().is_none() {
            return Dropped::Nothing;
        }
        let blocks = changed.map(|number| self.drop_page(inner, number)).sum();
        self.epoch.fetch_add(1, Ordering::SeqCst);
        self.count(inner);
        Dropped::Invalidated(blocks, reason)
    }

    /// Whether the page must be dropped. If not, its copy is current.
    fn has_changed(&self, number: u64, page: &mut CodePage) -> bool {
        let phys = GuestPhys(number * PAGE_SIZE);
        let Some(index) = self.ram.page_index(phys) else { return true };
        if !self.ram.tracker().take_suspect(index) {
            return false;
        }
        let Some(host) = self.ram.host_ptr(phys, PAGE_SIZE) else { return true };
        // SAFETY: `host_ptr` covers the whole page, and RAM is page-aligned.
        unsafe { !access::holds(host, &*page.bytes) && !page.renew(&copy_page(host)) }
    }

    /// Drops a page; returns its number of translations.
    fn drop_page(&self, inner: &mut Inner, number: u64) -> u32 {
        let Some(page) = inner.pages.remove(&number) else { return 0 };
        for slot in page.links.values() {
            slot.store(self.thunks.resolve.cast_mut(), Ordering::Release);
        }
        if let Some(index) = self.ram.page_index(GuestPhys(number * PAGE_SIZE)) {
            self.ram.tracker().clear_code(index);
        }
        let ready = page.translations.values().filter(|state| matches!(state, Lookup::Ready(_))).map(|_| 1).sum();
        inner.blocks -= u64::from(ready);
        inner.dropped.push((self.epoch.load(Ordering::SeqCst) + 1, page));
        ready
    }

    /// Drops all translations and waits until no hart can be executing one. Leaves the
    /// arena empty. Must not be called by an online hart.
    pub(crate) fn flush(&self, reason: FlushReason) -> Dropped {
        let mut inner = self.lock();
        let bytes = (inner.next - self.thunks.bytes) as u64;
        let numbers: Vec<u64> = inner.pages.keys().copied().collect();
        let blocks = numbers.into_iter().map(|number| self.drop_page(&mut inner, number)).sum();
        let epoch = self.epoch.fetch_add(1, Ordering::SeqCst) + 1;
        drop(inner);
        while self.oldest_seen() < epoch {
            std::thread::sleep(std::time::Duration::from_micros(100));
        }
        let mut inner = self.lock();
        inner.next = self.thunks.bytes;
        inner.dropped.clear();
        self.count(&inner);
        Dropped::Flushed { blocks, bytes, reason }
    }

    fn oldest_seen(&self) -> u64 {
        self.seen.iter().map(|seen| seen.load(Ordering::SeqCst)).min().unwrap_or(OFFLINE)
    }

    /// Frees the dropped pages that no hart can reach, if the lock is free; otherwise the
    /// next publication frees them.
    pub(super) fn reclaim(&self) {
        if let Some(mut inner) = self.try_lock() {
            self.free_unreachable(&mut inner);
        }
    }

    fn free_unreachable(&self, inner: &mut Inner) {
        let oldest = self.oldest_seen();
        inner.dropped.retain(|(epoch, _)| *epoch > oldest);
    }

    fn count(&self, inner: &Inner) {
        let used = (inner.next - self.thunks.bytes) as u64;
        self.counters.code_cache_used[Tier::Baseline.index()].store(used, Ordering::Relaxed);
        self.counters.resident_blocks[Tier::Baseline.index()].store(inner.blocks, Ordering::Relaxed);
    }
}
