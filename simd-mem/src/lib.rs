//! SIMD copy, fill, compare and scan of memory, with the widest vectors of the CPU selected
//! at run time.
//!
//! | target | implementations, best first | bytes a step |
//! |---|---|---|
//! | x86-64 | `avx512` and `avx2` if the CPU has them, `sse2` always | 256, 128, 64 |
//! | AArch64, little-endian | `neon` if the CPU has it | 64 |
//! | every target | `scalar` | 32 |
//!
//! The first call detects the CPU's features; later ones cost an indirect call in addition
//! to the work, and copies and fills of a few vectors not even that.
//!
//! ```
//! let before = [0; 4096];
//! let mut after = [1; 4096];
//! simd_mem::copy(&before, &mut after);
//! assert!(simd_mem::equal(&before, &after));
//!
//! after[1234] = 1;
//! assert_eq!(simd_mem::first_difference(&before, &after), Some(1234));
//! assert!(!simd_mem::is_zero(&after));
//! ```
//!
//! Memory that other threads may write concurrently, such as guest RAM, is not a Rust
//! slice: [`raw`] has the same functions for it.
//!
//! # Map
//!
//! - `slice`: checks of the functions of this module; [`raw`]: functions without them;
//! - `implementation`, `methods`: [`Implementation`] and its methods;
//! - `dispatch`: run-time selection;
//! - `vector`: operations that an instruction set must provide;
//! - `generic`: algorithms over any vector;
//! - `threshold`: lengths from which copies and fills bypass the caches, and scans use
//!   narrow loads;
//! - `baseline`: the vector that every CPU of the target has;
//! - `arch`: the vectors of each instruction set, and the algorithms compiled for it.
//!
//! No memory outside of the slices is accessed, not even within the same page.

#![no_std]

#[cfg(feature = "std")]
extern crate std;

mod arch;
mod baseline;
mod dispatch;
mod generic;
mod implementation;
mod methods;
pub mod raw;
mod slice;
mod threshold;
mod vector;

use core::ops::RangeBounds;

pub use implementation::Implementation;

/// Bytes of a page in [`zero_pages`] and [`diff_pages`].
pub const PAGE_BYTES: usize = 4096;

/// Copies a slice over another one.
///
/// ```
/// let mut copy = [0; 5];
/// simd_mem::copy(b"guest", &mut copy);
/// assert_eq!(&copy, b"guest");
/// ```
///
/// # Panics
/// If the lengths differ.
#[inline(always)]
#[track_caller]
pub fn copy(src: &[u8], dst: &mut [u8]) {
    slice::copy(raw::SELECTED, src, dst);
}

/// Copies part of a slice to another place in it, which may overlap (a move).
///
/// ```
/// let mut bytes = *b"0123456789";
/// simd_mem::copy_within(&mut bytes, 0..8, 2);
/// assert_eq!(&bytes, b"0101234567");
/// ```
///
/// # Panics
/// If either range is not within the slice.
#[inline]
#[track_caller]
pub fn copy_within(bytes: &mut [u8], src: impl RangeBounds<usize>, dst: usize) {
    slice::copy_within(raw::SELECTED, bytes, src, dst);
}

/// Copies a slice over another one with non-temporal stores, if they are long enough.
///
/// The destination is not brought into the caches, and their contents are preserved, for
/// copies that are not read soon, such as snapshots. [`copy`] does the same from the size
/// of the last-level cache on.
///
/// ```
/// let ram = vec![1; 1 << 20];
/// let mut snapshot = vec![0; 1 << 20];
/// simd_mem::copy_nontemporal(&ram, &mut snapshot);
/// assert!(simd_mem::equal(&ram, &snapshot));
/// ```
///
/// # Panics
/// If the lengths differ.
#[inline]
#[track_caller]
pub fn copy_nontemporal(src: &[u8], dst: &mut [u8]) {
    slice::copy_nontemporal(raw::SELECTED, src, dst);
}

/// Sets every byte.
///
/// ```
/// let mut bytes = [0; 100];
/// simd_mem::fill(&mut bytes, 0xff);
/// assert_eq!(bytes, [0xff; 100]);
/// ```
#[inline(always)]
pub fn fill(bytes: &mut [u8], byte: u8) {
    slice::fill(raw::SELECTED, bytes, byte);
}

/// Whether two slices have the same length and the same bytes.
///
/// ```
/// assert!(simd_mem::equal(b"hart", b"hart"));
/// assert!(!simd_mem::equal(b"hart", b"hartid"));
/// ```
#[inline]
#[must_use]
pub fn equal(a: &[u8], b: &[u8]) -> bool {
    slice::equal(raw::SELECTED, a, b)
}

/// Index of the first byte in which two slices differ, within the length of the shorter
/// one.
///
/// ```
/// assert_eq!(simd_mem::first_difference(b"sfence.vma", b"sfence.w.inval"), Some(7));
/// assert_eq!(simd_mem::first_difference(b"fence", b"fence.i"), None);
/// ```
#[inline]
#[must_use]
pub fn first_difference(a: &[u8], b: &[u8]) -> Option<usize> {
    slice::first_difference(raw::SELECTED, a, b)
}

/// Whether every byte is zero; true for an empty slice.
///
/// ```
/// let mut page = [0; 4096];
/// assert!(simd_mem::is_zero(&page));
/// page[4095] = 0x80;
/// assert!(!simd_mem::is_zero(&page));
/// ```
#[inline]
#[must_use]
pub fn is_zero(bytes: &[u8]) -> bool {
    slice::is_zero(raw::SELECTED, bytes)
}

/// Finds the pages that are zero: bit `i % 64` of `bitmap[i / 64]` becomes whether
/// page `i` is. Returns how many are.
///
/// A page has [`PAGE_BYTES`] bytes, the last one those that are left. The other bits
/// of a word that has a page are cleared, words behind it stay.
///
/// ```
/// let mut memory = vec![0; 3 * simd_mem::PAGE_BYTES];
/// memory[5000] = 1;
/// let mut bitmap = [0];
/// assert_eq!(simd_mem::zero_pages(&memory, &mut bitmap), 2);
/// assert_eq!(bitmap, [0b101]);
/// ```
///
/// # Panics
/// If the bitmap has fewer bits than there are pages.
#[inline]
#[track_caller]
pub fn zero_pages(memory: &[u8], bitmap: &mut [u64]) -> usize {
    slice::zero_pages(raw::SELECTED, memory, bitmap)
}

/// Finds the pages in which two slices differ: bit `i % 64` of `bitmap[i / 64]`
/// becomes whether page `i` does. Returns how many do.
///
/// Pages and bits are those of [`zero_pages`].
///
/// ```
/// let before = vec![0; 3 * simd_mem::PAGE_BYTES];
/// let mut after = before.clone();
/// after[5000] = 1;
/// let mut bitmap = [0];
/// assert_eq!(simd_mem::diff_pages(&before, &after, &mut bitmap), 1);
/// assert_eq!(bitmap, [0b010]);
/// ```
///
/// # Panics
/// If the lengths differ, or the bitmap has fewer bits than there are pages.
#[inline]
#[track_caller]
pub fn diff_pages(a: &[u8], b: &[u8], bitmap: &mut [u64]) -> usize {
    slice::diff_pages(raw::SELECTED, a, b, bitmap)
}
