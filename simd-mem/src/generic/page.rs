//! Bitmaps of the pages of a stream that contain a non-zero byte.

use super::scan::{LONG, Stream, or_four, up_to_long};
use crate::PAGE_BYTES;
use crate::threshold;
use crate::vector::Vector;

/// Sets bit `i % 64` of word `i / 64` for each page `i` of the stream that is zero
/// throughout (`zero` true) or is not (`zero` false), clears the other bits of the
/// words in use, and returns how many it set. The last page may be shorter.
///
/// # Safety
/// As for [`first_nonzero`](super::scan::first_nonzero).
///
/// # Panics
/// If there are fewer words than pages by 64.
#[inline(always)]
pub(crate) unsafe fn mark<V: Vector, S: Stream>(stream: S, len: usize, zero: bool, bitmap: &mut [u64]) -> usize {
    // SAFETY: by the caller's contract.
    unsafe {
        if len < LONG {
            mark_by::<V, S>(stream, len, zero, bitmap)
        } else if len < threshold::last_cache() {
            mark_by::<V::Long, S>(stream, len, zero, bitmap)
        } else {
            mark_by::<V::Short, S>(stream, len, zero, bitmap)
        }
    }
}

/// # Safety
/// As for [`mark`].
#[inline(always)]
unsafe fn mark_by<V: Vector, S: Stream>(stream: S, len: usize, zero: bool, bitmap: &mut [u64]) -> usize {
    let aligned = stream.misalignment(V::BYTES) == 0;
    let used = &mut bitmap[..len.div_ceil(PAGE_BYTES).div_ceil(64)];
    let mut at = 0;
    let mut marked = 0;
    for word in used {
        let mut bits = 0_u64;
        for bit in 0..64 {
            if at == len {
                break;
            }
            let page = (len - at).min(PAGE_BYTES);
            // SAFETY: the page lies within the stream.
            let is_zero = unsafe {
                if aligned && page == PAGE_BYTES {
                    is_zero_page::<V, S>(stream.from(at))
                } else {
                    up_to_long::<V, S>(stream.from(at), page).is_none()
                }
            };
            bits |= u64::from(is_zero == zero) << bit;
            marked += usize::from(is_zero == zero);
            at += page;
        }
        *word = bits;
    }
    marked
}

/// Whether a whole page is zero: no more than that, and without a remainder.
///
/// # Safety
/// As for [`mark`], and the stream must hold a page.
#[inline(always)]
unsafe fn is_zero_page<V: Vector, S: Stream>(stream: S) -> bool {
    (0..PAGE_BYTES).step_by(8 * V::BYTES).all(|at| {
        // SAFETY: a page is a multiple of eight vectors.
        let together = unsafe { or_four::<V, S>(stream.from(at)).or(or_four(stream.from(at + 4 * V::BYTES))) };
        together.is_zero()
    })
}
