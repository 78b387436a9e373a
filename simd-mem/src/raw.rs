//! The same functions for memory that others may write at the same time: guest memory.
//!
//! They take addresses, and make no Rust reference to what is there.
//!
//! # What may happen meanwhile
//! Other threads, harts that run generated code, other processes and devices may read
//! and write the same bytes during a call. Then
//!
//! - each byte that is copied is one that was there at some time during the call, but
//!   bytes may be of different ages: nothing wider than a byte is atomic;
//! - a comparison or scan answers for bytes each of which was there at some time
//!   during the call; an index is always less than the length;
//! - bytes outside of the given ranges are neither read nor written, not even with
//!   their own value;
//! - nothing is ordered: whoever needs the bytes of a finished write has to
//!   synchronise with the writer first, as with relaxed atomics. `copy_nontemporal`,
//!   and `copy` and `fill` where they stream, end with a fence after which their
//!   stores are ordered like all others.
//!
//! # Why that is sound
//! Two accesses race, which in Rust is undefined, if one is a write and one is not
//! atomic. A read through a reference, `copy_nonoverlapping` and, to the letter,
//! `read_volatile` are not atomic. Here every access is an assembly block of one load
//! or store (`generic::word` and the vectors of `arch`), and of an assembly block the
//! compiler assumes no more than that it does something that Rust code could have
//! done. For these blocks that is: one relaxed atomic access to each byte, in
//! unspecified order. The CPU does at least that, because no CPU tears a byte. So the
//! compiler may not read a byte twice and expect the same, nor invent a read or
//! write, and the other side's accesses race with nothing.
//!
//! What the model leaves open: accesses of different sizes to the same memory at the
//! same time are not defined by Rust even if all are atomic, although every
//! supported CPU defines them; and on targets for which this crate has no assembly,
//! words are volatile accesses, for which LLVM, but not Rust, promises that a race is
//! harmless.
//!
//! ```
//! use std::sync::atomic::{AtomicU8, Ordering};
//!
//! static GUEST: [AtomicU8; 4096] = [const { AtomicU8::new(7) }; 4096];
//!
//! let mut copy = [0; 4096];
//! std::thread::scope(|scope| {
//!     scope.spawn(|| GUEST.iter().for_each(|byte| byte.store(9, Ordering::Relaxed)));
//!     // SAFETY: both ranges are valid; that another thread writes `GUEST` does no harm.
//!     unsafe { simd_mem::raw::copy((&raw const GUEST).cast(), copy.as_mut_ptr(), 4096) };
//! });
//! assert!(copy.iter().all(|&byte| byte == 7 || byte == 9));
//! ```

use crate::baseline::Baseline;
use crate::dispatch::Choice;
use crate::generic;

/// The functions of this module for one [`Implementation`](crate::Implementation); made by
/// [`Implementation::raw`](crate::Implementation::raw).
#[derive(Clone, Copy, Debug)]
pub struct Raw(pub(crate) Choice);

/// The functions of whatever is selected.
pub(crate) const SELECTED: Raw = Raw(Choice::Selected);

// Always inlined: what is left in most of them is one call, and where there is more, it is
// there because a call would cost as much.
macro_rules! functions {
    ($(
        $(#[$documentation:meta])*
        $name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)? = |$choice:ident| $body:expr;
    )*) => {
        $(
            $(#[$documentation])*
            #[inline(always)]
            pub unsafe fn $name($($argument: $type),*) $(-> $result)? {
                // SAFETY: by the caller's contract.
                unsafe { SELECTED.$name($($argument),*) }
            }
        )*

        impl Raw {
            $(
                #[doc = concat!("As [`", stringify!($name), "`](crate::raw::", stringify!($name), ").")]
                ///
                /// # Safety
                /// The same.
                #[inline(always)]
                pub unsafe fn $name(self, $($argument: $type),*) $(-> $result)? {
                    let $choice = self.0;
                    // SAFETY: only what this CPU can execute is ever chosen; the rest is the caller's promise.
                    unsafe { $body }
                }
            )*
        }
    };
}

functions! {
    /// Copies `len` bytes from `src` to `dst`. The ranges may overlap: `dst` is then
    /// what it would be had all bytes been read before the first was written.
    ///
    /// # Safety
    /// `src` must be valid for reading and `dst` for writing `len` bytes, and no Rust
    /// reference may promise that these bytes do not change or are not looked at.
    copy(src: *const u8, dst: *mut u8, len: usize) = |choice| {
        // Inlined: a call would take longer than these few instructions.
        if len <= generic::copy::short_limit::<Baseline>() {
            generic::copy::short::<Baseline>(src, dst, len);
        } else {
            choice.copy()(src, dst, len);
        }
    };

    /// Copies `len` bytes from `src` to `dst` past the caches, if there are enough of
    /// them for that to be possible. For much memory that nobody will read soon.
    ///
    /// # Safety
    /// As for [`copy`], and the ranges must not overlap.
    copy_nontemporal(src: *const u8, dst: *mut u8, len: usize) = |choice| choice.copy_nontemporal()(src, dst, len);

    /// Sets `len` bytes.
    ///
    /// # Safety
    /// `dst` must be valid for writing `len` bytes, and no Rust reference may promise
    /// that these bytes do not change or are not looked at.
    fill(dst: *mut u8, byte: u8, len: usize) = |choice| {
        if len <= generic::copy::short_limit::<Baseline>() {
            generic::fill::short::<Baseline>(dst, byte, len);
        } else {
            choice.fill()(dst, byte, len);
        }
    };

    /// Whether two ranges hold the same bytes.
    ///
    /// # Safety
    /// `a` and `b` must be valid for reading `len` bytes.
    equal(a: *const u8, b: *const u8, len: usize) -> bool = |choice| choice.first_difference()(a, b, len).is_none();

    /// Index of the first byte in which two ranges differ.
    ///
    /// # Safety
    /// `a` and `b` must be valid for reading `len` bytes.
    first_difference(a: *const u8, b: *const u8, len: usize) -> Option<usize> =
        |choice| choice.first_difference()(a, b, len);

    /// Whether all bytes are zero.
    ///
    /// # Safety
    /// `at` must be valid for reading `len` bytes.
    is_zero(at: *const u8, len: usize) -> bool = |choice| choice.first_nonzero()(at, len).is_none();

    /// Marks the pages that are zero; see [`zero_pages`](crate::zero_pages).
    ///
    /// # Panics
    /// If the bitmap is too short.
    ///
    /// # Safety
    /// `at` must be valid for reading `len` bytes.
    zero_pages(at: *const u8, len: usize, bitmap: &mut [u64]) -> usize = |choice| choice.zero_pages()(at, len, bitmap);

    /// Marks the pages that differ; see [`diff_pages`](crate::diff_pages).
    ///
    /// # Panics
    /// If the bitmap is too short.
    ///
    /// # Safety
    /// `a` and `b` must be valid for reading `len` bytes.
    diff_pages(a: *const u8, b: *const u8, len: usize, bitmap: &mut [u64]) -> usize =
        |choice| choice.diff_pages()(a, b, len, bitmap);
}
