//! Compares and scans memory with the widest vectors that the CPU has.
//!
//! | target | implementations, best first | bytes a step |
//! |---|---|---|
//! | x86-64 | `avx2` if the CPU has it, `sse2` always | 128, 64 |
//! | AArch64, little-endian | `neon` if the CPU has it | 64 |
//! | every target | `scalar` | 32 |
//!
//! The first call finds out what the CPU has; later ones cost an indirect call more
//! than the work itself. That pays from some 64 bytes on: compare pages with this
//! crate, and names with `==`.
//!
//! ```
//! let before = [0; 4096];
//! let mut after = before;
//! assert!(simd_mem::equal(&before, &after));
//!
//! after[1234] = 1;
//! assert_eq!(simd_mem::first_difference(&before, &after), Some(1234));
//! assert!(!simd_mem::is_zero(&after));
//! ```
//!
//! # Map
//!
//! - `dispatch`: [`Implementation`], and which one the functions of this module use;
//! - `vector`: the few operations that an instruction set has to offer;
//! - `generic`: the one algorithm behind all functions, over any vector;
//! - `arch`: the vectors of each instruction set, compiled for it.
//!
//! No memory outside of the slices is read, not even within the same page.

#![no_std]

#[cfg(feature = "std")]
extern crate std;

mod arch;
mod dispatch;
mod generic;
mod vector;

pub use dispatch::Implementation;

/// Whether two slices have the same length and the same bytes.
///
/// ```
/// assert!(simd_mem::equal(b"hart", b"hart"));
/// assert!(!simd_mem::equal(b"hart", b"hartid"));
/// ```
#[inline]
#[must_use]
pub fn equal(a: &[u8], b: &[u8]) -> bool {
    Implementation::selected().equal(a, b)
}

/// Index of the first byte in which two slices differ, looking no further than the
/// shorter of them reaches.
///
/// ```
/// assert_eq!(simd_mem::first_difference(b"sfence.vma", b"sfence.w.inval"), Some(7));
/// assert_eq!(simd_mem::first_difference(b"fence", b"fence.i"), None);
/// ```
#[inline]
#[must_use]
pub fn first_difference(a: &[u8], b: &[u8]) -> Option<usize> {
    Implementation::selected().first_difference(a, b)
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
    Implementation::selected().is_zero(bytes)
}
