//! Fills: like copies, from one vector in a register.

use core::hint::cold_path;

use super::word;
use crate::threshold;
use crate::vector::Vector;

/// Fills up to four vectors.
///
/// # Safety
/// The bytes must be valid for writing at `dst`, and the CPU must have `V`.
#[inline(always)]
pub(crate) unsafe fn short<V: Vector>(dst: *mut u8, byte: u8, len: usize) {
    if len <= 16 {
        // SAFETY: 16 bytes at most.
        unsafe { word::fill(dst, byte, len) }
        return;
    }
    // SAFETY: the CPU has `V` by the caller's contract, and there are two vectors or more than one.
    unsafe { both_ends(dst, V::splat(byte), len) }
}

/// Fills one to four vectors.
///
/// # Safety
/// As for [`short`].
#[inline(always)]
unsafe fn both_ends<V: Vector>(dst: *mut u8, vector: V, len: usize) {
    let end = dst.wrapping_add(len);
    // SAFETY: every store lies within the bytes.
    unsafe {
        vector.store::<0>(dst);
        if len > 2 * V::BYTES {
            vector.store::<1>(dst);
            vector.store::<-2>(end);
        }
        vector.store::<-1>(end);
    }
}

/// Fills `len` bytes, of which there must be at least a vector: what is shorter is
/// filled where the call is.
///
/// # Safety
/// As for [`short`], and the length.
#[inline(always)]
pub(crate) unsafe fn fill<V: Vector>(dst: *mut u8, byte: u8, len: usize) {
    // SAFETY: the CPU has `V` by the caller's contract; each call is for as many bytes as it takes.
    unsafe {
        if len > 4 * V::BYTES {
            if len < threshold::last_cache() {
                long(dst, V::Long::splat(byte), len);
            } else {
                cold_path();
                nontemporal(dst, V::splat(byte), len);
            }
        } else {
            both_ends(dst, V::splat(byte), len);
        }
    }
}

/// # Safety
/// As for [`fill`], and `len` more than four vectors.
#[inline(always)]
unsafe fn long<V: Vector>(dst: *mut u8, vector: V, len: usize) {
    let step = 4 * V::BYTES;
    let four = (vector, vector, vector, vector);
    let behind = len - step;
    let unaligned = dst.addr().wrapping_neg() % V::BYTES;
    let mut at = unaligned;
    // SAFETY: every store begins at `behind` or before, and `behind` leaves room for four vectors.
    unsafe {
        if unaligned > 0 {
            vector.store::<0>(dst);
        }
        while at < behind {
            V::store_four(four, dst.wrapping_add(at));
            at += step;
        }
        V::store_four(four, dst.wrapping_add(behind));
    }
}

/// # Safety
/// As for [`fill`], and `len` at least four vectors.
#[inline(always)]
unsafe fn nontemporal<V: Vector>(dst: *mut u8, vector: V, len: usize) {
    let step = 4 * V::BYTES;
    let four = (vector, vector, vector, vector);
    let behind = len - step;
    // Whole cache lines of any size up to four vectors.
    let mut at = step - dst.addr() % step;
    // SAFETY: as in `long`, and the streaming stores are aligned.
    unsafe {
        V::store_four(four, dst);
        while at < behind {
            V::stream(four, dst.wrapping_add(at));
            at += step;
        }
        V::fence();
        V::store_four(four, dst.wrapping_add(behind));
    }
}
