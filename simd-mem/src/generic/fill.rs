//! Fills: as copies, with one vector that is in a register already.

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
    // SAFETY: the CPU has `V` by the caller's promise; every store lies within the bytes.
    unsafe {
        let vector = V::splat(byte);
        let last = dst.wrapping_add(len - V::BYTES);
        vector.store::<0>(dst);
        if len > 2 * V::BYTES {
            vector.store::<1>(dst);
            vector.store::<0>(last.wrapping_sub(V::BYTES));
        }
        vector.store::<0>(last);
    }
}

/// Fills `len` bytes.
///
/// # Safety
/// The bytes must be valid for writing at `dst`, and the CPU must have `V`.
#[inline(always)]
pub(crate) unsafe fn fill<V: Vector>(dst: *mut u8, byte: u8, len: usize) {
    if len <= 4 * V::Short::BYTES {
        // SAFETY: by the caller's promise.
        unsafe { short::<V::Short>(dst, byte, len) }
        return;
    }
    // SAFETY: the CPU has `V` by the caller's promise; the lengths are checked.
    unsafe {
        let vector = V::splat(byte);
        if len <= 4 * V::BYTES {
            let last = dst.wrapping_add(len - V::BYTES);
            vector.store::<0>(dst);
            if len > 2 * V::BYTES {
                vector.store::<1>(dst);
                vector.store::<0>(last.wrapping_sub(V::BYTES));
            }
            vector.store::<0>(last);
        } else {
            long(dst, vector, len);
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
    // SAFETY: every access begins at `behind` or before, and `behind` leaves room for
    // four vectors; the streaming stores are aligned.
    unsafe {
        if len < threshold::fill_nontemporal() {
            vector.store::<0>(dst);
            let mut at = V::BYTES - dst.addr() % V::BYTES;
            while at < behind {
                V::store_four(four, dst.wrapping_add(at));
                at += step;
            }
        } else {
            V::store_four(four, dst);
            let mut at = step - dst.addr() % step;
            while at < behind {
                V::stream(four, dst.wrapping_add(at));
                at += step;
            }
            V::fence();
        }
        V::store_four(four, dst.wrapping_add(behind));
    }
}
