//! What can be done with an implementation: choosing it, and calling its functions.

use core::ops::RangeBounds;

use crate::dispatch::{self, Choice};
use crate::implementation::Implementation;
use crate::raw::Raw;
use crate::slice;

impl Implementation {
    /// Those that this CPU can execute, best first. `scalar` is always the last.
    pub fn available() -> impl Iterator<Item = &'static Self> {
        dispatch::available()
    }

    /// The one of this name, `None` if there is none or this CPU lacks it. The names
    /// are `avx512`, `avx2`, `sse2`, `neon` and `scalar`.
    #[must_use]
    pub fn by_name(name: &str) -> Option<&'static Self> {
        Self::available().find(|implementation| implementation.name == name)
    }

    /// What the functions of this crate use: the best one, unless another has been
    /// [selected](Self::select).
    #[must_use]
    pub fn selected() -> &'static Self {
        dispatch::selected()
    }

    /// Makes the functions of this crate use this one from now on, in every thread; while
    /// several threads select, or call a function for the first time, some functions may
    /// be another one's until all of that is over. Meant for tests and measurements.
    ///
    /// ```
    /// use simd_mem::Implementation;
    ///
    /// let scalar = Implementation::by_name("scalar").expect("every CPU has it");
    /// scalar.select();
    /// assert_eq!(Implementation::selected().name(), "scalar");
    /// ```
    pub fn select(&'static self) {
        dispatch::select(self);
    }

    /// Its functions for memory that others may write meanwhile, as in [`raw`](crate::raw).
    #[inline]
    #[must_use]
    pub fn raw(&'static self) -> Raw {
        Raw(Choice::Only(self))
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
