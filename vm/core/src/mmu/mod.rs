//! MMU: the only translation from virtual to physical addresses.
//!
//! ```text
//!  load/store ──► TLB bank (tlb.rs) ──hit──► host pointer
//!                    │ miss
//!                    ▼
//!                Mmu::data ──► walk.rs (Sv39/48/57) ──► pmp.rs
//!                    │
//!                    ▼
//!  Answer: Ram (now in the TLB) │ Device │ Crosses │ Fault
//! ```
//!
//! A `Regime` gives the MMU what the hart's registers imply for an access.

mod answer;
mod extent;
mod flush_log;
mod paging;
mod peek;
mod pmp;
mod regime;
mod spaces;
mod superpages;
mod tlb;
mod walk;
mod walk_cache;
mod writers;

use std::sync::Arc;

use crate::addr::{GuestPhys, PAGE_MASK, PAGE_SIZE};
use crate::arch::{Exception, PrivilegeMode};
use crate::counters::{CounterPage, FlushScope, WalkResult};
use crate::mem::GuestRam;

pub use crate::arch::Access;
pub use answer::Answer;
use answer::{Memo, Request};
pub use extent::Extent;
pub use flush_log::Flushed;
pub use paging::MmuType;
pub(crate) use paging::PagingMode;
pub use peek::Peek;
use pmp::{Pmp, Verdict};
pub(crate) use regime::Regime;
pub use spaces::FetchSpace;
use spaces::Spaces;
use tlb::Context;
pub(crate) use tlb::slot;
pub use tlb::{RANGE_LIMIT, TLB_ENTRIES, TlbBank, TlbEntry, TlbSlot};
use walk::{Leaf, Walk, WalkFault};
use writers::Writers;

/// Translated instruction fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fetch {
    /// Physical address.
    pub phys: GuestPhys,
    /// Whether the whole page is RAM with uniform permissions. If not, because PMP divides
    /// it, every fetch needs its own translation.
    pub whole_page: bool,
}

/// MMU of a hart.
#[derive(Debug)]
pub(crate) struct Mmu {
    ram: Arc<GuestRam>,
    counters: Arc<CounterPage>,
    pub(crate) pmp: Pmp,
    spaces: Spaces,
    current: Context,
    writers: Writers,
    /// Number of `fence.i` executed, and of events treated as one.
    fetch_fences: u64,
    /// Value of [`crate::mem::PageTracker::code_writes`] last handled.
    code_writes: u64,
    /// How many of the fences stood for such writes.
    unfenced_changes: u64,
    memo: Memo,
}

/// Translated address with the surrounding range that translates alike.
#[derive(Clone, Copy, Debug)]
struct Translation {
    phys: GuestPhys,
    /// Virtual start of the range.
    start: u64,
    /// Length of the range in bytes, at most [`RANGE_LIMIT`]; 0 if PMP divides the page, so
    /// that nothing may be cached.
    length: u64,
    /// Virtual start and size in bytes of the superpage that contains the range, if any.
    superpage: Option<(u64, u64)>,
    /// Whether it holds in all address spaces.
    global: bool,
}

impl Mmu {
    /// MMU of hart `hart`, 0 to 7, with empty caches.
    pub(crate) fn new(ram: Arc<GuestRam>, counters: Arc<CounterPage>, hart: usize) -> Self {
        Self {
            writers: Writers::new(Arc::clone(&ram), hart),
            ram,
            counters,
            pmp: Pmp::default(),
            spaces: Spaces::default(),
            current: Context::Machine,
            fetch_fences: 0,
            code_writes: 0,
            unfenced_changes: 0,
            memo: Memo::default(),
        }
    }

    /// Resets the MMU. The epochs that engines observe continue.
    pub(crate) fn reset(&mut self) {
        self.pmp = Pmp::default();
        self.forget();
        self.fence_fetches();
    }

    /// Selects address space and TLB bank for accesses under `regime`; call after every change
    /// of it. The bank is owned by the MMU and does not move.
    pub(crate) fn select(&mut self, regime: &Regime) -> *mut TlbBank {
        self.memo.clear();
        if let Some(found) = self.spaces.switch(regime.satp) {
            self.counters.count_space_switch(found);
        }
        self.current = regime.context();
        self.spaces.bank(self.current)
    }

    /// Flushes all translations, as `sfence.vma` without operands does. `scope` is for the
    /// counter.
    pub(crate) fn flush(&mut self, scope: FlushScope) {
        self.forget();
        self.counters.count_flush(scope);
    }

    fn forget(&mut self) {
        self.memo.clear();
        self.spaces.flush();
        // No writable translation remains.
        self.writers.release();
    }

    /// Executes `sfence.vma` for a virtual address, an ASID, both or neither ("Supervisor
    /// Memory-Management Fence Instruction"). With an ASID, global mappings may stay.
    pub(crate) fn fence(&mut self, va: Option<u64>, asid: Option<u16>) {
        self.flush_extent(Extent::of_operands(va, asid));
        self.counters.count_flush(match (va, asid) {
            (None, None) => FlushScope::All,
            (None, Some(_)) => FlushScope::AddressSpace,
            (Some(_), _) => FlushScope::Page,
        });
    }

    /// Executes a fence at another hart's request.
    pub(crate) fn fence_for_other(&mut self, extent: Extent) {
        self.flush_extent(extent);
        self.counters.count_flush(FlushScope::Remote);
    }

    fn flush_extent(&mut self, extent: Extent) {
        self.memo.clear();
        let spaces = &mut self.spaces;
        match (extent.pages(), extent.asid()) {
            (None, None) => self.forget(),
            (None, Some(asid)) => spaces.flush_asid(asid),
            (Some(pages), None) => pages.for_each(|va| spaces.flush_address(va)),
            (Some(pages), Some(asid)) => pages.for_each(|va| spaces.flush_address_of(va, asid)),
        }
    }

    /// Address space of fetches in `mode`. Differs whenever all of them may translate
    /// differently.
    pub(crate) fn fetch_space(&self, mode: PrivilegeMode) -> FetchSpace {
        self.spaces.fetch_space(mode)
    }

    /// Number of flushes of a page so far, and of everything.
    pub(crate) fn translation_epoch(&self) -> u64 {
        self.spaces.log.latest()
    }

    /// Pages flushed since `epoch`, an earlier [`Mmu::translation_epoch`]; `None` if all may
    /// have been.
    pub(crate) fn flushed_since(&self, epoch: u64) -> Option<impl Iterator<Item = Flushed>> {
        self.spaces.log.since(epoch)
    }

    /// Drops the translations of stores, so that the hart is no writer of any page.
    pub(crate) fn drop_writable(&mut self) {
        self.spaces.drop_writable();
        self.writers.release();
    }

    /// Executes `fence.i`: increments the number by which engines find stale code.
    pub(crate) fn fence_fetches(&mut self) {
        self.fetch_fences = self.fetch_fences.wrapping_add(1);
    }

    /// Number of `fence.i` so far, and of events with the same effect.
    pub(crate) fn fetch_fences(&self) -> u64 {
        self.fetch_fences
    }

    /// How many of [`Mmu::fetch_fences`] stand for code that was written without a `fence.i`.
    pub(crate) fn unfenced_changes(&self) -> u64 {
        self.unfenced_changes
    }

    /// Treats new [`crate::mem::PageTracker::code_writes`] as a `fence.i`, and drops the writable
    /// translations if they are many: not while code runs, which may have looked one up.
    pub(crate) fn notice_code_writes(&mut self) {
        if self.writers.are_many() {
            self.drop_writable();
        }
        let writes = self.ram.tracker().code_writes();
        if writes != self.code_writes {
            self.code_writes = writes;
            self.unfenced_changes = self.unfenced_changes.wrapping_add(1);
            self.fence_fetches();
        }
    }

    /// Translates an instruction fetch of two bytes at `va`.
    ///
    /// # Errors
    /// Returns the exception that the fetch raises, with `va` as its value.
    pub(crate) fn fetch(&mut self, regime: &Regime, va: u64) -> Result<Fetch, Exception> {
        self.counters.count_tlb_miss(Access::Fetch);
        let translation = self.translate(regime, Request { va, len: 2, access: Access::Fetch })?;
        self.spaces.log.note_fetch(va);
        if let Some((start, size)) = translation.superpage {
            self.spaces.log.superpages.note(start, size);
        }
        if regime.mode == PrivilegeMode::Supervisor && !translation.global {
            self.spaces.note_local();
        }
        Ok(Fetch { phys: translation.phys, whole_page: translation.length >= PAGE_SIZE })
    }

    /// Translates a data access of `len` bytes, 1 to 8, at `va` under the selected regime,
    /// after a TLB miss. Fills the TLB with RAM that may be cached.
    pub(crate) fn data(&mut self, regime: &Regime, va: u64, len: u64, access: Access) -> Answer {
        let request = Request { va, len, access };
        self.memo.take(request).unwrap_or_else(|| self.answer(regime, request))
    }

    /// Like [`Mmu::data`], for an access that is repeated unless it hits RAM: keeps the
    /// answer for the repetition until any other operation.
    pub(crate) fn ask(&mut self, regime: &Regime, va: u64, len: u64, access: Access) -> Answer {
        let request = Request { va, len, access };
        let answer = self.answer(regime, request);
        self.memo.keep(request, answer);
        answer
    }

    /// Discards the answer kept by [`Mmu::ask`].
    pub(crate) fn forget_answer(&mut self) {
        self.memo.clear();
    }

    fn answer(&mut self, regime: &Regime, request: Request) -> Answer {
        let Request { va, len, access } = request;
        if va & PAGE_MASK > PAGE_SIZE - len {
            return Answer::Crosses;
        }
        if let Some(host) = self.spaces.context(self.current).recall(va, len, access == Access::Store) {
            return Answer::Ram(host);
        }
        let translation = match self.translate(regime, request) {
            Ok(translation) => translation,
            Err(exception) => {
                self.counters.count_tlb_miss(access);
                return Answer::Fault(exception);
            }
        };
        // Device accesses are never cached and do not count as misses.
        let Some(host) = self.ram.host_ptr(translation.phys, len) else { return Answer::Device(translation.phys) };
        self.counters.count_tlb_miss(access);
        if access == Access::Store {
            // Before the first store, even if the translation is not cached.
            self.writers.note(translation.phys);
        }
        self.fill(va, access, translation, host);
        Answer::Ram(host)
    }

    /// Translates an access within one page.
    fn translate(&mut self, regime: &Regime, request: Request) -> Result<Translation, Exception> {
        let Request { va, len, access } = request;
        let leaf = match regime.paging() {
            PagingMode::Bare => {
                let start = va & !(RANGE_LIMIT - 1);
                Leaf { start, phys: GuestPhys(start), size: RANGE_LIMIT, global: true }
            }
            PagingMode::Levels(levels) => {
                let (ram, pmp, writers) = (&self.ram, &self.pmp, &mut self.writers);
                let leaf = Walk { regime, ram, pmp, writers, known: self.spaces.walks() }.leaf(va, access, levels);
                self.counters.count_walk(match leaf {
                    Ok(_) => WalkResult::Ok,
                    Err(WalkFault::Page) => WalkResult::PageFault,
                    Err(WalkFault::Access) => WalkResult::AccessFault,
                });
                leaf.map_err(|fault| {
                    let cause = match fault {
                        WalkFault::Page => access.page_fault(),
                        WalkFault::Access => access.access_fault(),
                    };
                    Exception::new(cause, va)
                })?
            }
        };
        let phys = GuestPhys(leaf.phys.0.wrapping_add(va.wrapping_sub(leaf.start)));
        if self.pmp.check(phys, len, access, regime.mode) == Verdict::Denied {
            return Err(Exception::new(access.access_fault(), va));
        }
        Ok(self.cacheable_range(va, phys, leaf))
    }

    /// Largest range around `va` that one TLB entry may hold: within the leaf,
    /// [`RANGE_LIMIT`] and RAM, with uniform PMP permissions.
    fn cacheable_range(&self, va: u64, phys: GuestPhys, leaf: Leaf) -> Translation {
        let Leaf { global, .. } = leaf;
        let superpage = (leaf.size > PAGE_SIZE).then_some((leaf.start, leaf.size));
        let limit = leaf.size.min(RANGE_LIMIT);
        for size in [limit, PAGE_SIZE] {
            let offset = va & (size - 1);
            let first = GuestPhys(phys.0.wrapping_sub(offset));
            if self.ram.contains(first, size) && self.pmp.is_uniform(first, size) {
                return Translation { phys, start: va - offset, length: size, superpage, global };
            }
        }
        Translation { phys, start: va & !PAGE_MASK, length: 0, superpage, global }
    }

    /// Inserts a RAM translation into the current bank. A writable range is one page, as
    /// the hart registers as a writer of that page.
    fn fill(&mut self, va: u64, access: Access, translation: Translation, host: *mut u8) {
        if translation.length == 0 {
            return;
        }
        let addend = (host.expose_provenance() as u64).wrapping_sub(va);
        if self.current == Context::Supervisor && !translation.global {
            self.spaces.note_local();
        }
        let context = self.spaces.context(self.current);
        if let Some((start, size)) = translation.superpage {
            context.superpages.note(start, size);
        }
        if access == Access::Store {
            context.fill_write(va, TlbEntry { start: va & !PAGE_MASK, length: PAGE_SIZE, addend });
        } else {
            context.fill_read(va, TlbEntry { start: translation.start, length: translation.length, addend });
        }
    }
}

#[cfg(test)]
mod tests;
