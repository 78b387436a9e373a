//! Code cache: translations by physical page, shared by the harts of one machine.
//!
//! **Invalidation.** Translations are made from a copy of the page, of which the parts that they
//! depend on are kept (`excerpt.rs`). At `fence.i` the hart calls [`CodeCache::validate`], which
//! compares every page that may have been written since ([`PageTracker::take_suspects`]) with
//! these, under the lock, and drops its translations if translated code differs. A hart whose `fence.i` finds the lock taken
//! interprets until it has validated, so it never executes or publishes stale code.
//!
//! **Locking.** Harts only try the lock and interpret on failure; the compiler thread
//! blocks on it. No hart waits for the compiler or for another hart.
//!
//! **Reclamation.** Epoch-based, since other harts may still execute dropped code or hold
//! it in their jump caches. Each drop raises the *epoch*, at which a hart leaves generated
//! code by the end of its quantum. Outside of it and with a current jump cache, a hart announces
//! the epoch that it has observed ([`super::Online`]). Metadata dropped at an epoch is freed once every
//! hart has observed it.
//!
//! The code of a dropped page keeps its space until its segment is evicted; see `evict.rs`.
//!
//! [`PageTracker::take_suspects`]: riscope_core::mem::PageTracker::take_suspects

use std::collections::hash_map::Entry;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use riscope_core::addr::{GuestPhys, PAGE_BYTES, PAGE_SIZE};
use riscope_core::counters::EngineCounters;
use riscope_core::event::{InvalidationReason, Tier};
use riscope_core::mem::{GuestRam, MAX_HARTS, access};
use rustc_hash::FxHashMap;

use super::excerpt::PageBytes;
use super::page::{CodePage, Lookup};
use super::segment::{NoSpace, Segments};
use super::unit::{Built, Claim, Dropped, PublishError, Source};
use crate::arena::Arena;
use crate::perf::PerfLog;
use crate::thunk::Thunks;

/// Epoch of a hart that executes no generated code: it has observed every epoch.
pub(super) const OFFLINE: u64 = u64::MAX;

#[derive(Debug)]
pub(super) struct Inner {
    /// Pages by physical page number.
    pub(super) pages: FxHashMap<u64, Box<CodePage>>,
    /// Bytes that they take.
    pub(super) entries: usize,
    /// The page that was read last.
    pub(super) source: Box<PageBytes>,
    pub(super) segments: Segments,
    /// Epoch that harts have to observe before there is room again.
    pub(super) awaited: u64,
    pub(super) next_version: u64,
    /// Bytes of the arena and translations, by tier.
    pub(super) bytes: [u64; Tier::ALL.len()],
    pub(super) blocks: [u64; Tier::ALL.len()],
    /// Dropped pages, each with the epoch that its drop began.
    pub(super) dropped: Vec<(u64, Box<CodePage>)>,
}

/// The code cache of one machine.
#[derive(Debug)]
pub(crate) struct CodeCache {
    pub(super) ram: Arc<GuestRam>,
    counters: Arc<EngineCounters>,
    pub(super) arena: Arena,
    pub(super) thunks: Thunks,
    /// Where published code is logged.
    pub(super) perf: Option<Arc<PerfLog>>,
    inner: Mutex<Inner>,
    pub(super) epoch: AtomicU64,
    pub(super) seen: [AtomicU64; MAX_HARTS],
}

impl CodeCache {
    /// An empty cache of `size` bytes for the code of `ram`, which is logged to `perf`.
    ///
    /// # Errors
    /// Fails when the host refuses the memory or the thunks do not compile.
    pub(crate) fn new(
        ram: Arc<GuestRam>,
        counters: Arc<EngineCounters>,
        size: usize,
        perf: Option<Arc<PerfLog>>,
    ) -> io::Result<Self> {
        let arena = if perf.is_some() { Arena::anonymous(size) } else { Arena::new(size) }?;
        let thunks = Thunks::compile(&arena).map_err(io::Error::other)?;
        if let Some(perf) = &perf {
            // SAFETY: the thunks are at the start of the arena and never written again.
            let bytes = unsafe { std::slice::from_raw_parts(arena.write_view(0), thunks.bytes) };
            perf.static_code(arena.executable(arena.write_view(0)), bytes, "riscope thunks");
        }
        counters.code_cache_limit.store(size as u64, Ordering::Relaxed);
        let inner = Inner {
            pages: FxHashMap::default(),
            entries: 0,
            source: Box::new([0; PAGE_BYTES]),
            segments: Segments::new(thunks.bytes..size),
            awaited: 0,
            next_version: 0,
            bytes: [0; Tier::ALL.len()],
            blocks: [0; Tier::ALL.len()],
            dropped: Vec::new(),
        };
        Ok(Self {
            ram,
            counters,
            arena,
            thunks,
            perf,
            inner: Mutex::new(inner),
            epoch: AtomicU64::new(0),
            seen: [const { AtomicU64::new(OFFLINE) }; MAX_HARTS],
        })
    }

    /// The epoch, see the head of this file.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::SeqCst)
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
    pub(super) fn try_lock(&self) -> Option<MutexGuard<'_, Inner>> {
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

    /// Marks the code at `phys` as being compiled, unless it is known already. `None` if the lock
    /// is taken.
    pub(crate) fn claim(&self, phys: GuestPhys) -> Option<(Dropped, Option<Claim>)> {
        let number = phys.page_number();
        let mut inner = self.try_lock()?;
        let changed = inner.pages.get_mut(&number).is_some_and(|page| self.has_changed(number, page));
        let mut dropped = self.drop_pages(&mut inner, changed.then_some(number), InvalidationReason::CodeChanged);
        dropped.evicted = self.vacate(&mut inner);
        let claim = self.page(&mut inner, phys).and_then(|page| {
            let claim = Claim { phys, promotion: false, version: page.version };
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

    /// Claims code of a lower tier for compilation in a higher one, the first time that it is
    /// asked for. `None` if the lock is taken.
    pub(crate) fn claim_promotion(&self, phys: GuestPhys) -> Option<Option<Claim>> {
        let mut inner = self.try_lock()?;
        let page = inner.pages.get_mut(&phys.page_number());
        Some(page.and_then(|page| {
            let new = page.promoted.insert(phys.page_offset());
            new.then_some(Claim { phys, promotion: true, version: page.version })
        }))
    }

    /// Releases a claim; the code can be requested again.
    pub(crate) fn unclaim(&self, claim: Claim) {
        self.end_claim(claim, false);
    }

    /// Records that claimed code cannot be translated.
    pub(crate) fn reject(&self, claim: Claim) {
        self.end_claim(claim, true);
    }

    fn end_claim(&self, claim: Claim, rejected: bool) {
        let mut inner = self.lock();
        // A page dropped since may have been replaced; the entry then belongs to another
        // claim.
        let Inner { pages, entries, .. } = &mut *inner;
        let page = pages.get_mut(&claim.phys.page_number()).filter(|page| page.version == claim.version);
        let Some(page) = page else { return };
        let offset = claim.phys.page_offset();
        match (claim.promotion, rejected) {
            // Never asked for again.
            (true, true) => {}
            (true, false) => {
                page.promoted.remove(&offset);
            }
            (false, true) => {
                page.reject(offset);
                page.count(entries);
            }
            (false, false) => {
                page.translations.remove(&offset);
            }
        }
    }

    /// Snapshot of the page of `phys` to translate from.
    pub(crate) fn source(&self, phys: GuestPhys) -> Option<Source> {
        let mut inner = self.lock();
        let version = self.page(&mut inner, phys)?.version;
        let mut bytes = Box::new([0; PAGE_BYTES]);
        self.read_page(phys, &mut bytes)?;
        Some(Source { bytes, version })
    }

    /// Reads the page of `phys`, which has an entry: every later store makes it suspect.
    fn read_page(&self, phys: GuestPhys, bytes: &mut PageBytes) -> Option<()> {
        let host = self.ram.host_ptr(phys.page_start(), PAGE_SIZE)?;
        // SAFETY: `host_ptr` covers the whole page, and RAM is page-aligned.
        unsafe { access::copy_out(host, bytes) };
        Some(())
    }

    /// Entry of the page of `phys`, which is made on first use. `None` outside of RAM.
    pub(super) fn page<'a>(&self, inner: &'a mut Inner, phys: GuestPhys) -> Option<&'a mut CodePage> {
        let number = phys.page_number();
        if !inner.pages.contains_key(&number) {
            self.ram.host_ptr(phys.page_start(), PAGE_SIZE)?;
            self.ram.tracker().set_code(self.ram.page_index(phys)?);
            inner.next_version += 1;
            let mut page = Box::new(CodePage::new(inner.next_version));
            page.count(&mut inner.entries);
            inner.pages.insert(number, page);
            inner.segments.note(number);
        }
        inner.pages.get_mut(&number).map(Box::as_mut)
    }

    /// Address of the link slot for jumps to `target` from its own page.
    pub(crate) fn link_slot(&self, target: GuestPhys) -> *const u8 {
        let mut inner = self.lock();
        let resolve = self.thunks.resolve;
        let Some(page) = inner.pages.get_mut(&target.page_number()) else {
            return self.thunks.resolve_slot();
        };
        page.link_slot(target.page_offset(), resolve)
    }

    /// Makes a translation visible to all harts.
    pub(crate) fn publish(&self, source: &Source, built: Built<'_>) -> (Dropped, Result<(), PublishError>) {
        let mut guard = self.lock();
        let inner = &mut *guard;
        self.free_unreachable(inner);
        let dropped = Dropped { evicted: self.vacate(inner), ..Dropped::default() };
        if !self.is_current(inner, source, &built) {
            return (dropped, Err(PublishError::Stale));
        }
        let outcome = match self.place(inner, built) {
            Ok(_) => Ok(()),
            Err(NoSpace::NotYet { .. }) => Err(PublishError::Full),
            Err(NoSpace::Never) => Err(PublishError::TooLarge),
        };
        (dropped, outcome)
    }

    /// Whether code is that of its page still, which nothing has compared since the snapshot was
    /// made. Reads the page again.
    fn is_current(&self, inner: &mut Inner, source: &Source, built: &Built<'_>) -> bool {
        let Inner { pages, source: now, .. } = inner;
        let page = pages.get(&built.phys.page_number()).filter(|page| page.version == source.version);
        let Some(page) = page else { return false };
        self.read_page(built.phys, now).is_some()
            && built.covered.is_same_in(now, &source.bytes)
            && page.excerpt.agrees(built.covered, now)
    }

    /// Drops the translations of pages whose code has changed, as `fence.i` requires, or an
    /// event treated as one; `reason` says which. Returns the number of pages compared as
    /// well. `None` if the lock is taken: the hart must not enter generated code until a call
    /// succeeds.
    pub(crate) fn validate(&self, reason: InvalidationReason) -> Option<(Dropped, usize)> {
        let mut inner = self.try_lock()?;
        let first = self.ram.base().page_number();
        let suspects = self.ram.tracker().take_suspects();
        let numbers = suspects.iter().map(|&page| first + page as u64);
        let has_new_code =
            |number: &u64| inner.pages.get_mut(number).is_some_and(|page| self.has_new_code(*number, page));
        let changed: Vec<u64> = numbers.filter(has_new_code).collect();
        Some((self.drop_pages(&mut inner, changed, reason), suspects.len()))
    }

    /// Drops the pages with these numbers.
    pub(super) fn drop_pages(
        &self,
        inner: &mut Inner,
        changed: impl IntoIterator<Item = u64>,
        reason: InvalidationReason,
    ) -> Dropped {
        let mut changed = changed.into_iter().peekable();
        if changed.peek().is_none() {
            return Dropped::default();
        }
        let blocks = changed.map(|number| self.drop_page(inner, number)).sum();
        self.epoch.fetch_add(1, Ordering::SeqCst);
        self.count(inner);
        Dropped { invalidated: Some((blocks, reason)), ..Dropped::default() }
    }

    /// Whether the page must be dropped.
    pub(super) fn has_changed(&self, number: u64, page: &mut CodePage) -> bool {
        self.is_suspect(number) && self.has_new_code(number, page)
    }

    /// Whether the page may have been written. To be compared then, as the record of
    /// completed writes is cleared.
    fn is_suspect(&self, number: u64) -> bool {
        let index = self.ram.page_index(GuestPhys(number * PAGE_SIZE));
        index.is_none_or(|index| self.ram.tracker().take_suspect(index))
    }

    /// Compares a page with what translations were made from: whether it must be dropped.
    fn has_new_code(&self, number: u64, page: &mut CodePage) -> bool {
        let Some(host) = self.ram.host_ptr(GuestPhys(number * PAGE_SIZE), PAGE_SIZE) else { return true };
        // SAFETY: `host_ptr` covers the whole page, and RAM is page-aligned.
        unsafe { !page.renew(host) }
    }

    /// Drops a page; returns its number of translations.
    pub(super) fn drop_page(&self, inner: &mut Inner, number: u64) -> u32 {
        let Some(page) = inner.pages.remove(&number) else { return 0 };
        page.discount(&mut inner.entries);
        page.links.lead_all(&self.arena, self.thunks.resolve);
        for slot in page.slots.values() {
            slot.store(self.thunks.resolve.cast_mut(), Ordering::Release);
        }
        if let Some(index) = self.ram.page_index(GuestPhys(number * PAGE_SIZE)) {
            self.ram.tracker().clear_code(index);
        }
        let mut ready = 0;
        for state in page.translations.values() {
            if let Lookup::Ready { tier, .. } = state {
                inner.blocks[tier.index()] -= 1;
                ready += 1;
            }
        }
        inner.dropped.push((self.epoch.load(Ordering::SeqCst) + 1, page));
        ready
    }

    /// Number of harts that execute, in generated code or elsewhere in their engines.
    pub(crate) fn executing_harts(&self) -> usize {
        self.seen.iter().filter(|seen| seen.load(Ordering::Relaxed) != OFFLINE).count()
    }

    pub(super) fn oldest_seen(&self) -> u64 {
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

    pub(super) fn count(&self, inner: &Inner) {
        let tiers = self.counters.code_cache_used.iter().zip(&self.counters.resident_blocks);
        for ((used, resident), (bytes, blocks)) in tiers.zip(inner.bytes.iter().zip(inner.blocks)) {
            used.store(*bytes, Ordering::Relaxed);
            resident.store(blocks, Ordering::Relaxed);
        }
    }
}
