//! Guest RAM: one host mapping shared by harts, devices and telemetry.
//!
//! Invariants:
//! - No Rust reference points into guest RAM, because other harts write it at any time.
//!   Harts use the atomic accessors of [`access`], devices the volatile ones of `vm-memory`
//!   through [`GuestRam::memory`].
//! - `vm-memory` reports every device write to the [`PageTracker`], so that devices cannot
//!   omit it.

pub mod access;
mod discard;
mod heap;
mod huge;
mod pages;

use std::fmt;
use std::sync::Arc;

use vm_memory::bitmap::ArcSlice;
use vm_memory::mmap::MmapRegionBuilder;
use vm_memory::{GuestAddress, GuestRegionMmap};

use crate::addr::{GuestPhys, PAGE_SIZE, to_usize};
pub use discard::discard;
pub use heap::share_heap;
pub use pages::{MAX_HARTS, PageTracker};

/// Guest RAM as `vm-memory` sees it, for devices and loaders.
pub type GuestMemory = vm_memory::GuestMemoryMmap<ArcSlice<PageTracker>>;

/// Errors of setting up guest RAM.
#[derive(Debug, thiserror::Error)]
pub enum GuestRamError {
    /// The size is zero, not a multiple of the page size, or exceeds the address space.
    #[error("guest memory of {0:#x} bytes is not a whole number of 4 KiB pages within the address space")]
    BadSize(u64),
    /// The host refused the mapping.
    #[error("the host cannot map {size:#x} bytes of guest memory: {source}")]
    Map {
        /// Requested size in bytes.
        size: u64,
        /// The host's error.
        source: vm_memory::mmap::MmapRegionError,
    },
}

/// Contiguous guest RAM.
pub struct GuestRam {
    memory: GuestMemory,
    tracker: Arc<PageTracker>,
    base: u64,
    size: u64,
    host: *mut u8,
}

// SAFETY: the host mapping lives as long as `memory`, which is owned here, and every access
// through `host` is atomic or volatile (see the module head).
unsafe impl Send for GuestRam {}
// SAFETY: as for `Send`.
unsafe impl Sync for GuestRam {}

impl GuestRam {
    /// Maps `size` bytes of zeroed RAM at guest physical address `base`.
    /// Host pages are committed when first touched.
    ///
    /// # Errors
    /// [`GuestRamError`] if the size is not a positive multiple of 4 KiB, or the host
    /// cannot map it.
    pub fn new(base: GuestPhys, size: u64) -> Result<Self, GuestRamError> {
        let bad_size = || GuestRamError::BadSize(size);
        if size == 0 || !size.is_multiple_of(PAGE_SIZE) || base.checked_add(size).is_none() {
            return Err(bad_size());
        }
        let host_size = usize::try_from(size).map_err(|_| bad_size())?;
        let tracker = Arc::new(PageTracker::new(host_size));
        let region = MmapRegionBuilder::new_with_bitmap(host_size, ArcSlice::new(Arc::clone(&tracker), 0))
            .with_mmap_prot(PROT_READ_WRITE)
            .with_mmap_flags(MAP_ANONYMOUS_NORESERVE_PRIVATE)
            .build()
            .map_err(|source| GuestRamError::Map { size, source })?;
        let host = region.as_ptr();
        huge::prefer(host, host_size);
        let region = GuestRegionMmap::new(region, GuestAddress(base.0)).ok_or_else(bad_size)?;
        let memory = GuestMemory::from_regions(vec![region]).map_err(|_| bad_size())?;
        Ok(Self { memory, tracker, base: base.0, size, host })
    }

    /// The RAM for devices and loaders; cheap to clone.
    pub fn memory(&self) -> &GuestMemory {
        &self.memory
    }

    /// Tracker of code pages and their writers.
    pub fn tracker(&self) -> &Arc<PageTracker> {
        &self.tracker
    }

    /// First physical address.
    pub fn base(&self) -> GuestPhys {
        GuestPhys(self.base)
    }

    /// Size in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Whether `[addr, addr + len)` lies in the RAM.
    pub fn contains(&self, addr: GuestPhys, len: u64) -> bool {
        let offset = addr.0.wrapping_sub(self.base);
        offset < self.size && self.size - offset >= len
    }

    /// Host address of `addr` if `[addr, addr + len)` is RAM. Valid for `len` bytes while
    /// this `GuestRam` lives, for atomic or volatile accesses only.
    pub fn host_ptr(&self, addr: GuestPhys, len: u64) -> Option<*mut u8> {
        let offset = addr.0.wrapping_sub(self.base);
        // The offset is below `size`, which fits a `usize`.
        self.contains(addr, len).then(|| self.host.wrapping_add(to_usize(offset)))
    }

    /// Index of the page of `addr` in the [`PageTracker`], if it is RAM.
    pub fn page_index(&self, addr: GuestPhys) -> Option<usize> {
        let offset = addr.0.wrapping_sub(self.base);
        (offset < self.size).then(|| to_usize(offset / PAGE_SIZE))
    }
}

impl fmt::Debug for GuestRam {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuestRam").field("base", &self.base()).field("size", &self.size).finish_non_exhaustive()
    }
}

/// `PROT_READ | PROT_WRITE` of the host.
const PROT_READ_WRITE: i32 = 0x1 | 0x2;
/// `MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE` of Linux on x86-64 and AArch64: untouched
/// guest memory must not count against the host's commit limit.
const MAP_ANONYMOUS_NORESERVE_PRIVATE: i32 = 0x02 | 0x20 | 0x4000;
