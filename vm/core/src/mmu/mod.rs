//! Virtual to physical: the only way from one to the other.
//!
//! ```text
//!  load/store ──► TLB bank (tlb.rs) ──hit──► host pointer
//!                    │ miss
//!                    ▼
//!  access.rs     translate() ──► walk.rs (Sv39/48/57) ──► pmp.rs
//!                    │ RAM: fill the TLB       │ fault
//!                    ▼                         ▼
//!              MMIO (mmio.rs)              Exception
//! ```

mod access;
mod flush_log;
mod pmp;
mod superpages;
mod tlb;
mod walk;

use crate::addr::{GuestPhys, PAGE_MASK, PAGE_SIZE};
use crate::arch::{Exception, PrivilegeMode, status};
use crate::counters::{FlushScope, WalkResult};
use crate::hart::Hart;

pub use crate::arch::Access;
use flush_log::FlushLog;
use pmp::{Pmp, Verdict};
use tlb::{CONTEXTS, Context, TlbContext};
pub use tlb::{RANGE_LIMIT, TLB_ENTRIES, TlbBank, TlbEntry};
pub use walk::MmuType;
pub(crate) use walk::PagingMode;
use walk::{Leaf, WalkFault};

/// A translated instruction fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fetch {
    /// Physical address.
    pub phys: GuestPhys,
    /// Whether the whole page is RAM and executable alike. If not (PMP tells parts
    /// of it apart), every fetch has to be translated on its own.
    pub whole_page: bool,
}

/// A hart's translation state.
#[derive(Debug)]
pub(crate) struct Mmu {
    contexts: [TlbContext; CONTEXTS],
    current: Context,
    pub(crate) pmp: Pmp,
    /// RAM pages for which this hart is registered as a writer.
    written_pages: Vec<usize>,
    /// Number of `fence.i` executed here, and of what counts as one.
    pub(crate) fetch_fences: u64,
    /// [`crate::mem::PageTracker::code_writes`] that were acted upon.
    pub(crate) code_writes: u64,
    flushes: FlushLog,
}

/// A translated address and the range around it that translates alike.
#[derive(Clone, Copy, Debug)]
struct Translation {
    phys: GuestPhys,
    /// Virtual start of the range.
    start: u64,
    /// Bytes in the range, at most [`RANGE_LIMIT`]; 0 when PMP tells bytes of the
    /// page apart, so that nothing may be cached.
    length: u64,
    /// Virtual start and bytes of the leaf that the range is part of, if that is a
    /// superpage.
    superpage: Option<(u64, u64)>,
}

impl Mmu {
    pub(crate) fn new() -> Self {
        Self {
            contexts: std::array::from_fn(|_| TlbContext::new()),
            current: Context::Machine,
            pmp: Pmp::default(),
            written_pages: Vec::new(),
            fetch_fences: 0,
            code_writes: 0,
            flushes: FlushLog::default(),
        }
    }

    /// As after reset. The numbers by which engines see what has become stale go on.
    pub(crate) fn reset(&mut self) {
        *self = Self {
            fetch_fences: self.fetch_fences.wrapping_add(1),
            code_writes: self.code_writes,
            flushes: self.flushes.successor(),
            ..Self::new()
        };
    }
}

impl Hart {
    /// Translates a fetch at `va` in the current mode.
    ///
    /// # Errors
    /// The exception that the fetch raises, with `va` as its value.
    pub fn translate_fetch(&mut self, va: u64) -> Result<Fetch, Exception> {
        self.config.counters.count_tlb_miss(Access::Fetch);
        let translation = self.translate(va, 2, Access::Fetch, self.mode)?;
        if let Some((start, size)) = translation.superpage {
            self.mmu.flushes.superpages.note(start, size);
        }
        Ok(Fetch { phys: translation.phys, whole_page: translation.length >= PAGE_SIZE })
    }

    /// A number that differs whenever fetches at the same address may translate
    /// differently than before, apart from the mode.
    pub fn translation_epoch(&self) -> u64 {
        self.mmu.flushes.latest()
    }

    /// Pages whose fetches may translate differently than at an earlier
    /// [`Hart::translation_epoch`], or `None` if that may be all of them.
    pub fn flushed_pages_since(&self, epoch: u64) -> Option<impl Iterator<Item = u64>> {
        self.mmu.flushes.since(epoch)
    }

    /// Privilege of data accesses: MPRV lets M-mode use that of MPP.
    fn data_mode(&self) -> PrivilegeMode {
        let bits = self.state.status;
        if self.mode == PrivilegeMode::Machine && bits & status::MPRV != 0 {
            PrivilegeMode::from_bits(bits >> status::MPP_SHIFT)
        } else {
            self.mode
        }
    }

    /// Selects the TLB bank that fits mode and status. Call after any change of
    /// either.
    pub(crate) fn update_context(&mut self) {
        let context = match self.data_mode() {
            PrivilegeMode::Machine => Context::Machine,
            PrivilegeMode::User => Context::User,
            PrivilegeMode::Supervisor if self.state.status & status::SUM != 0 => Context::SupervisorUserMemory,
            PrivilegeMode::Supervisor => Context::Supervisor,
        };
        self.mmu.current = context;
        self.state.tlb = &raw mut *self.mmu.contexts[context as usize].bank;
    }

    /// Forgets all translations, as `sfence.vma` without operands does. `scope` is for
    /// the count: [`FlushScope::Remote`] when another hart asked for it.
    pub(crate) fn flush_translations(&mut self, scope: FlushScope) {
        for context in &mut self.mmu.contexts {
            context.flush();
        }
        self.release_writers();
        self.mmu.flushes.record_all();
        self.config.counters.count_flush(scope);
    }

    /// Forgets the translations of one virtual address, as `sfence.vma` does.
    pub(crate) fn flush_address(&mut self, va: u64) {
        for context in &mut self.mmu.contexts {
            context.flush_address(va);
        }
        self.mmu.flushes.record_address(va);
        self.config.counters.count_flush(FlushScope::Page);
    }

    /// Gives up the hart's writer registrations; all write entries must be gone.
    pub(crate) fn release_writers(&mut self) {
        let tracker = self.config.ram.tracker();
        for page in self.mmu.written_pages.drain(..) {
            tracker.remove_writer(page, self.config.id);
        }
    }

    /// Translates `va` for an access of `len` bytes that does not leave its page.
    fn translate(&mut self, va: u64, len: u64, access: Access, mode: PrivilegeMode) -> Result<Translation, Exception> {
        let paging = if mode == PrivilegeMode::Machine {
            PagingMode::Bare
        } else {
            PagingMode::from_satp(self.csr.satp).unwrap_or(PagingMode::Bare)
        };
        let leaf = match paging {
            PagingMode::Bare => {
                let start = va & !(RANGE_LIMIT - 1);
                Leaf { start, phys: GuestPhys(start), size: RANGE_LIMIT }
            }
            PagingMode::Levels(levels) => {
                let leaf = self.walk(va, access, mode, levels);
                self.config.counters.count_walk(match leaf {
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
        if self.mmu.pmp.check(phys, len, access, mode) == Verdict::Denied {
            return Err(Exception::new(access.access_fault(), va));
        }
        Ok(self.cacheable_range(va, phys, leaf))
    }

    /// The largest range around `va` that may be one TLB entry: within the leaf,
    /// within [`RANGE_LIMIT`], within RAM, and alike for PMP.
    fn cacheable_range(&self, va: u64, phys: GuestPhys, leaf: Leaf) -> Translation {
        let superpage = (leaf.size > PAGE_SIZE).then_some((leaf.start, leaf.size));
        let limit = leaf.size.min(RANGE_LIMIT);
        for size in [limit, PAGE_SIZE] {
            let offset = va & (size - 1);
            let first = GuestPhys(phys.0.wrapping_sub(offset));
            if self.config.ram.contains(first, size) && self.mmu.pmp.is_uniform(first, size) {
                return Translation { phys, start: va - offset, length: size, superpage };
            }
        }
        Translation { phys, start: va & !PAGE_MASK, length: 0, superpage }
    }

    /// Puts a RAM translation into the current bank. A range for stores is one
    /// page, because filling it registers the hart as a writer of that page.
    fn fill(&mut self, va: u64, access: Access, translation: Translation, host: *mut u8) {
        if translation.length == 0 {
            return;
        }
        let addend = (host.expose_provenance() as u64).wrapping_sub(va);
        let context = &mut self.mmu.contexts[self.mmu.current as usize];
        if let Some((start, size)) = translation.superpage {
            context.superpages.note(start, size);
        }
        if access == Access::Store {
            let Some(page) = self.config.ram.page_index(translation.phys) else { return };
            context.fill_write(va, TlbEntry { start: va & !PAGE_MASK, length: PAGE_SIZE, addend });
            self.mmu.note_writer(&self.config.ram, page, self.config.id);
        } else {
            context.fill_read(va, TlbEntry { start: translation.start, length: translation.length, addend });
        }
    }

    /// Host pointer for a data access of `len` bytes at `va` in plain RAM, filling
    /// the TLB. `Ok(None)` when the access is none of the sort: it leaves its page
    /// or is a device's.
    ///
    /// # Errors
    /// The exception that the access raises.
    pub fn refill(&mut self, va: u64, len: u64, access: Access) -> Result<Option<*mut u8>, Exception> {
        if va & PAGE_MASK > PAGE_SIZE - len {
            return Ok(None);
        }
        let translation = self.translate(va, len, access, self.data_mode());
        let host = translation.as_ref().ok().and_then(|found| self.config.ram.host_ptr(found.phys, len));
        // Accesses to devices are never in the TLB and so miss nothing.
        if host.is_some() || translation.is_err() {
            self.config.counters.count_tlb_miss(access);
        }
        let translation = translation?;
        if let Some(host) = host {
            if access == Access::Store {
                // Register before the first store, even where nothing is cached.
                if let Some(page) = self.config.ram.page_index(translation.phys) {
                    self.mmu.note_writer(&self.config.ram, page, self.config.id);
                }
            }
            self.fill(va, access, translation, host);
        }
        Ok(host)
    }
}
