//! Copies between ranges that may overlap, and non-temporal copies.
//!
//! Up to eight vectors are all loaded before the first is stored, so overlap does not
//! matter. Longer ranges are copied four vectors per iteration, with aligned stores, in the
//! direction in which no store overwrites bytes not loaded yet. The ends, which do not fill
//! an iteration, are vectors loaded before the loop and stored after it.
//!
//! A load across cache lines costs less than such a store, so the destination is aligned
//! rather than the source.

use core::hint::cold_path;

use super::word;
use crate::baseline::Baseline;
use crate::threshold;
use crate::vector::Vector;

/// Maximum length for [`short`].
pub(crate) const fn short_limit<V: Vector>() -> usize {
    4 * V::BYTES
}

/// Copies up to [`short_limit`] bytes, which may overlap.
///
/// # Safety
/// The bytes must be valid for reading at `src` and for writing at `dst`, and the CPU
/// must have `V`.
#[inline(always)]
pub(crate) unsafe fn short<V: Vector>(src: *const u8, dst: *mut u8, len: usize) {
    // SAFETY: each call is for as many bytes as it takes.
    unsafe {
        if len > 2 * V::BYTES {
            two_from_both_ends::<V>(src, dst, len);
        } else if len > 16 {
            one_from_both_ends::<V>(src, dst, len);
        } else {
            word::copy(src, dst, len);
        }
    }
}

/// Copies `len` bytes, which may overlap, and of which there must be at least a vector:
/// what is shorter is copied where the call is.
///
/// # Safety
/// The bytes must be valid for reading at `src` and for writing at `dst`, and the CPU
/// must have `V`; and the length.
#[inline(always)]
pub(crate) unsafe fn copy<V: Vector>(src: *const u8, dst: *mut u8, len: usize) {
    // Each branch that is taken counts where a copy takes a few cycles, so the shortest
    // are first.
    // SAFETY: each call is for as many bytes as it takes.
    unsafe {
        if len <= 2 * V::BYTES {
            one_from_both_ends::<V>(src, dst, len);
        } else if len <= 4 * V::Long::BYTES {
            two_from_both_ends::<V::Long>(src, dst, len);
        } else if len <= 8 * V::Long::BYTES {
            four_from_both_ends::<V::Long>(src, dst, len);
        } else if dst.addr().wrapping_sub(src.addr()) < len {
            cold_path();
            backwards::<V::Long>(src, dst, len);
        } else if len < threshold::copy_nontemporal() || src.addr().wrapping_sub(dst.addr()) < len {
            forwards::<V::Long>(src, dst, len);
        } else {
            cold_path();
            nontemporal::<V>(src, dst, len);
        }
    }
}

/// Copies `len` bytes, which must not overlap, past the caches.
///
/// # Safety
/// As for [`copy`], and the bytes must not overlap.
#[inline(always)]
pub(crate) unsafe fn copy_nontemporal<V: Vector>(src: *const u8, dst: *mut u8, len: usize) {
    // SAFETY: by the caller's contract.
    unsafe {
        if len > 16 * V::BYTES {
            nontemporal::<V>(src, dst, len);
        } else if len > short_limit::<Baseline>() {
            copy::<V>(src, dst, len);
        } else {
            short::<Baseline>(src, dst, len);
        }
    }
}

/// # Safety
/// As for [`copy`], and `len` one or two vectors.
#[inline(always)]
unsafe fn one_from_both_ends<V: Vector>(src: *const u8, dst: *mut u8, len: usize) {
    let (src_end, dst_end) = (src.wrapping_add(len), dst.wrapping_add(len));
    // SAFETY: the first and the last vector lie within the bytes.
    unsafe {
        let (first, last) = (V::load::<0>(src), V::load::<-1>(src_end));
        first.store::<0>(dst);
        last.store::<-1>(dst_end);
    }
}

/// # Safety
/// As for [`copy`], and `len` two to four vectors.
#[inline(always)]
unsafe fn two_from_both_ends<V: Vector>(src: *const u8, dst: *mut u8, len: usize) {
    let (src_end, dst_end) = (src.wrapping_add(len), dst.wrapping_add(len));
    // SAFETY: the first and the last two vectors lie within the bytes.
    unsafe {
        let first = (V::load::<0>(src), V::load::<1>(src));
        let last = (V::load::<-2>(src_end), V::load::<-1>(src_end));
        first.0.store::<0>(dst);
        first.1.store::<1>(dst);
        last.0.store::<-2>(dst_end);
        last.1.store::<-1>(dst_end);
    }
}

/// # Safety
/// As for [`copy`], and `len` four to eight vectors.
#[inline(always)]
unsafe fn four_from_both_ends<V: Vector>(src: *const u8, dst: *mut u8, len: usize) {
    let behind = len - 4 * V::BYTES;
    // SAFETY: the first and the last four vectors lie within the bytes.
    unsafe {
        let first = V::load_four(src);
        let last = V::load_four(src.wrapping_add(behind));
        V::store_four(first, dst);
        V::store_four(last, dst.wrapping_add(behind));
    }
}

/// # Safety
/// As for [`copy`], `len` more than five vectors, and `dst` not within the bytes from
/// `src` on.
#[inline(always)]
unsafe fn forwards<V: Vector>(src: *const u8, dst: *mut u8, len: usize) {
    let behind = len - 4 * V::BYTES;
    // Less than a vector: what only `first` covers.
    let unaligned = dst.addr().wrapping_neg() % V::BYTES;
    let mut at = unaligned;
    // SAFETY: every access begins at `behind` or before, and `behind` leaves room for four vectors.
    unsafe {
        let first = V::load::<0>(src);
        let last = V::load_four(src.wrapping_add(behind));
        while at < behind {
            let four = V::load_four(src.wrapping_add(at));
            V::store_four(four, dst.wrapping_add(at));
            at += 4 * V::BYTES;
        }
        V::store_four(last, dst.wrapping_add(behind));
        if unaligned > 0 {
            first.store::<0>(dst);
        }
    }
}

/// # Safety
/// As for [`copy`], `len` more than five vectors, and `src` not within the bytes from
/// `dst` on, unless they are the same.
#[inline(always)]
unsafe fn backwards<V: Vector>(src: *const u8, dst: *mut u8, len: usize) {
    // How many bytes are still to be copied when `last` is left out: it covers at
    // least one byte and at most a vector.
    let mut left = len - 1 - (dst.addr() + len - 1) % V::BYTES;
    // SAFETY: `left` counts the bytes in front, and every turn of the loop has four vectors of them.
    unsafe {
        let first = V::load_four(src);
        let last = V::load::<-1>(src.wrapping_add(len));
        while left > 4 * V::BYTES {
            left -= 4 * V::BYTES;
            let four = V::load_four(src.wrapping_add(left));
            V::store_four(four, dst.wrapping_add(left));
        }
        last.store::<-1>(dst.wrapping_add(len));
        V::store_four(first, dst);
    }
}

/// # Safety
/// As for [`copy`], `len` at least eight vectors, and the bytes must not overlap.
#[inline(always)]
unsafe fn nontemporal<V: Vector>(src: *const u8, dst: *mut u8, len: usize) {
    let step = 4 * V::BYTES;
    // Whole cache lines of any size up to four vectors.
    let mut at = step - dst.addr() % step;
    // SAFETY: `at` is at most four vectors, every turn has four of them left, and
    // `behind` leaves room for four.
    unsafe {
        V::store_four(V::load_four(src), dst);
        while len - at >= step {
            V::stream(V::load_four(src.wrapping_add(at)), dst.wrapping_add(at));
            at += step;
        }
        V::fence();
        let behind = len - step;
        V::store_four(V::load_four(src.wrapping_add(behind)), dst.wrapping_add(behind));
    }
}
