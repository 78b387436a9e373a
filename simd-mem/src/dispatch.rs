//! Which implementation runs: detected once, then one pointer away.
//!
//! The pointer starts at [`DETECT`], whose functions put the best implementation in
//! their own place and pass the call on to it. So there is no "is it initialised?"
//! on the way of later calls, and no start-up code.

use core::ops::RangeBounds;
use core::sync::atomic::{AtomicPtr, Ordering};

use crate::raw::Raw;
use crate::{arch, slice, threshold};

/// The functions of this crate for one instruction set.
///
/// There is no way to get hold of one that this CPU cannot execute, so calling it is
/// safe.
///
/// ```
/// use simd_mem::Implementation;
///
/// for implementation in Implementation::available() {
///     assert!(implementation.is_zero(&[0; 100]), "{}", implementation.name());
/// }
/// ```
#[derive(Debug)]
pub struct Implementation {
    pub(crate) name: &'static str,
    pub(crate) is_available: fn() -> bool,
    // All of these are executable if `is_available` says so, and ask for valid bytes.
    /// For more bytes than [`Raw::copy`] copies by itself.
    pub(crate) copy: unsafe fn(*const u8, *mut u8, usize),
    /// For bytes that do not overlap.
    pub(crate) copy_nontemporal: unsafe fn(*const u8, *mut u8, usize),
    /// For more bytes than [`Raw::fill`] fills by itself.
    pub(crate) fill: unsafe fn(*mut u8, u8, usize),
    pub(crate) first_difference: unsafe fn(*const u8, *const u8, usize) -> Option<usize>,
    /// Index of the first byte that is not zero.
    pub(crate) first_nonzero: unsafe fn(*const u8, usize) -> Option<usize>,
    pub(crate) zero_pages: unsafe fn(*const u8, usize, &mut [u64]) -> usize,
    pub(crate) diff_pages: unsafe fn(*const u8, *const u8, usize, &mut [u64]) -> usize,
}

/// Stands in until the first call.
static DETECT: Implementation = Implementation {
    name: "detect",
    is_available: || true,
    // SAFETY: each of these passes its caller's promise on.
    copy: |src, dst, len| unsafe { (detect().copy)(src, dst, len) },
    // SAFETY: as above.
    copy_nontemporal: |src, dst, len| unsafe { (detect().copy_nontemporal)(src, dst, len) },
    // SAFETY: as above.
    fill: |dst, byte, len| unsafe { (detect().fill)(dst, byte, len) },
    // SAFETY: as above.
    first_difference: |a, b, len| unsafe { (detect().first_difference)(a, b, len) },
    // SAFETY: as above.
    first_nonzero: |at, len| unsafe { (detect().first_nonzero)(at, len) },
    // SAFETY: as above.
    zero_pages: |at, len, bitmap| unsafe { (detect().zero_pages)(at, len, bitmap) },
    // SAFETY: as above.
    diff_pages: |a, b, len, bitmap| unsafe { (detect().diff_pages)(a, b, len, bitmap) },
};

/// Always points to a static that this CPU can execute: one of
/// [`arch::IMPLEMENTATIONS`] that is available, or [`DETECT`]. Relaxed accesses are
/// enough, because what it points to never changes.
static SELECTED: AtomicPtr<Implementation> = AtomicPtr::new((&raw const DETECT).cast_mut());

#[inline(always)]
pub(crate) fn current() -> &'static Implementation {
    // SAFETY: it points to a static; see there.
    unsafe { &*SELECTED.load(Ordering::Relaxed) }
}

/// Selects the best implementation, unless somebody has selected one already.
#[cold]
fn detect() -> &'static Implementation {
    threshold::adapt();
    let best = Implementation::available().next().unwrap_or(&arch::all::IMPLEMENTATION);
    let undecided = (&raw const DETECT).cast_mut();
    let decided = (&raw const *best).cast_mut();
    match SELECTED.compare_exchange(undecided, decided, Ordering::Relaxed, Ordering::Relaxed) {
        Ok(_) => best,
        Err(_) => current(),
    }
}

impl Implementation {
    /// Those that this CPU can execute, best first. `scalar` is always the last.
    pub fn available() -> impl Iterator<Item = &'static Self> {
        arch::IMPLEMENTATIONS.iter().copied().filter(|implementation| (implementation.is_available)())
    }

    /// The one of this name, `None` if there is none or this CPU lacks it. The names
    /// are `avx512`, `avx2`, `sse2`, `neon` and `scalar`.
    #[must_use]
    pub fn by_name(name: &str) -> Option<&'static Self> {
        Self::available().find(|implementation| implementation.name == name)
    }

    /// What the functions of this crate use: until the first of them is called, that
    /// is a stand-in called `detect`, which decides on the first call.
    #[inline]
    #[must_use]
    pub fn selected() -> &'static Self {
        current()
    }

    /// Makes the functions of this crate use this one from now on, in every thread.
    /// Meant for tests and measurements.
    ///
    /// ```
    /// use simd_mem::Implementation;
    ///
    /// let scalar = Implementation::by_name("scalar").expect("every CPU has it");
    /// scalar.select();
    /// assert_eq!(Implementation::selected().name(), "scalar");
    /// ```
    pub fn select(&'static self) {
        threshold::adapt();
        SELECTED.store((&raw const *self).cast_mut(), Ordering::Relaxed);
    }

    /// The instruction set's name in lower case, or `scalar`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Its functions for memory that others may write meanwhile, as in [`raw`](crate::raw).
    #[inline]
    #[must_use]
    pub fn raw(&'static self) -> Raw {
        Raw(self)
    }

    /// As [`copy`](crate::copy).
    #[inline]
    pub fn copy(&'static self, src: &[u8], dst: &mut [u8]) {
        slice::copy(self.raw(), src, dst);
    }

    /// As [`copy_within`](crate::copy_within).
    #[inline]
    pub fn copy_within(&'static self, bytes: &mut [u8], src: impl RangeBounds<usize>, dst: usize) {
        slice::copy_within(self.raw(), bytes, src, dst);
    }

    /// As [`copy_nontemporal`](crate::copy_nontemporal).
    #[inline]
    pub fn copy_nontemporal(&'static self, src: &[u8], dst: &mut [u8]) {
        slice::copy_nontemporal(self.raw(), src, dst);
    }

    /// As [`fill`](crate::fill).
    #[inline]
    pub fn fill(&'static self, bytes: &mut [u8], byte: u8) {
        slice::fill(self.raw(), bytes, byte);
    }

    /// As [`equal`](crate::equal).
    #[inline]
    #[must_use]
    pub fn equal(&'static self, a: &[u8], b: &[u8]) -> bool {
        slice::equal(self.raw(), a, b)
    }

    /// As [`first_difference`](crate::first_difference).
    #[inline]
    #[must_use]
    pub fn first_difference(&'static self, a: &[u8], b: &[u8]) -> Option<usize> {
        slice::first_difference(self.raw(), a, b)
    }

    /// As [`is_zero`](crate::is_zero).
    #[inline]
    #[must_use]
    pub fn is_zero(&'static self, bytes: &[u8]) -> bool {
        slice::is_zero(self.raw(), bytes)
    }

    /// As [`zero_pages`](crate::zero_pages).
    #[inline]
    pub fn zero_pages(&'static self, memory: &[u8], bitmap: &mut [u64]) -> usize {
        slice::zero_pages(self.raw(), memory, bitmap)
    }

    /// As [`diff_pages`](crate::diff_pages).
    #[inline]
    pub fn diff_pages(&'static self, a: &[u8], b: &[u8], bitmap: &mut [u64]) -> usize {
        slice::diff_pages(self.raw(), a, b, bitmap)
    }
}
