//! Which implementation runs: detected once, then one pointer away.
//!
//! The pointer starts at [`DETECT`], whose functions put the best implementation in
//! their own place and pass the call on to it. So there is no "is it initialised?"
//! on the way of later calls, and no start-up code.

use core::sync::atomic::{AtomicPtr, Ordering};

use crate::arch;

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
    /// Safe to call if `is_available` says so.
    pub(crate) first_difference: unsafe fn(&[u8], &[u8]) -> Option<usize>,
    /// Index of the first byte that is not zero. Safe to call if `is_available` says so.
    pub(crate) first_nonzero: unsafe fn(&[u8]) -> Option<usize>,
}

/// Stands in until the first call.
static DETECT: Implementation = Implementation {
    name: "detect",
    is_available: || true,
    first_difference: |a, b| detect().first_difference(a, b),
    first_nonzero: |bytes| detect().first_nonzero(bytes),
};

/// Always points to a static that this CPU can execute: one of
/// [`arch::IMPLEMENTATIONS`] that is available, or [`DETECT`]. Relaxed accesses are
/// enough, because what it points to never changes.
static SELECTED: AtomicPtr<Implementation> = AtomicPtr::new((&raw const DETECT).cast_mut());

fn current() -> &'static Implementation {
    // SAFETY: it points to a static; see there.
    unsafe { &*SELECTED.load(Ordering::Relaxed) }
}

/// Selects the best implementation, unless somebody has selected one already.
#[cold]
fn detect() -> &'static Implementation {
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
    /// are `avx2`, `sse2`, `neon` and `scalar`.
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
        SELECTED.store((&raw const *self).cast_mut(), Ordering::Relaxed);
    }

    /// The instruction set's name in lower case, or `scalar`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// As [`equal`](crate::equal).
    #[inline]
    #[must_use]
    pub fn equal(&self, a: &[u8], b: &[u8]) -> bool {
        a.len() == b.len() && self.first_difference(a, b).is_none()
    }

    /// As [`first_difference`](crate::first_difference).
    #[inline]
    #[must_use]
    pub fn first_difference(&self, a: &[u8], b: &[u8]) -> Option<usize> {
        // SAFETY: only what is available is ever handed out.
        unsafe { (self.first_difference)(a, b) }
    }

    /// As [`is_zero`](crate::is_zero).
    #[inline]
    #[must_use]
    pub fn is_zero(&self, bytes: &[u8]) -> bool {
        self.first_nonzero(bytes).is_none()
    }

    fn first_nonzero(&self, bytes: &[u8]) -> Option<usize> {
        // SAFETY: only what is available is ever handed out.
        unsafe { (self.first_nonzero)(bytes) }
    }
}
