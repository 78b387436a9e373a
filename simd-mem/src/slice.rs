//! Argument checks of the functions on slices, which then call the raw ones.

use core::ops::{Bound, Range, RangeBounds};

use crate::PAGE_BYTES;
use crate::raw::Raw;

/// A length that has to be the same twice.
#[track_caller]
fn same_length(a: &[u8], b: &[u8]) -> usize {
    assert!(a.len() == b.len(), "slices of {} and {} bytes: they have to be of one length", a.len(), b.len());
    a.len()
}

/// A bitmap that has to hold a bit for each page of `len` bytes.
#[track_caller]
fn enough_bits(len: usize, bitmap: &[u64]) {
    let pages = len.div_ceil(PAGE_BYTES);
    assert!(pages.div_ceil(64) <= bitmap.len(), "{} words of bitmap do not hold {pages} pages", bitmap.len());
}

/// The range as offsets into `len` bytes.
#[track_caller]
fn within(range: impl RangeBounds<usize>, len: usize) -> Range<usize> {
    let start = match range.start_bound() {
        Bound::Included(&start) => start,
        Bound::Excluded(&start) => start.saturating_add(1),
        Bound::Unbounded => 0,
    };
    let end = match range.end_bound() {
        Bound::Included(&end) => end.saturating_add(1),
        Bound::Excluded(&end) => end,
        Bound::Unbounded => len,
    };
    assert!(start <= end && end <= len, "the range {start}..{end} does not lie within {len} bytes");
    start..end
}

#[inline(always)]
#[track_caller]
pub(crate) fn copy(raw: Raw, src: &[u8], dst: &mut [u8]) {
    let len = same_length(src, dst);
    // SAFETY: both are valid for their length.
    unsafe { raw.copy(src.as_ptr(), dst.as_mut_ptr(), len) }
}

#[inline(always)]
#[track_caller]
pub(crate) fn copy_within(raw: Raw, bytes: &mut [u8], src: impl RangeBounds<usize>, dst: usize) {
    let Range { start, end } = within(src, bytes.len());
    let len = end - start;
    assert!(dst <= bytes.len() - len, "{len} bytes from {dst} on do not lie within {} bytes", bytes.len());
    let bytes = bytes.as_mut_ptr();
    // SAFETY: both ranges lie within the slice.
    unsafe { raw.copy(bytes.wrapping_add(start), bytes.wrapping_add(dst), len) }
}

#[inline(always)]
#[track_caller]
pub(crate) fn copy_nontemporal(raw: Raw, src: &[u8], dst: &mut [u8]) {
    let len = same_length(src, dst);
    // SAFETY: both are valid for their length; what is borrowed mutably overlaps with nothing.
    unsafe { raw.copy_nontemporal(src.as_ptr(), dst.as_mut_ptr(), len) }
}

#[inline(always)]
pub(crate) fn fill(raw: Raw, bytes: &mut [u8], byte: u8) {
    // SAFETY: valid for its length.
    unsafe { raw.fill(bytes.as_mut_ptr(), byte, bytes.len()) }
}

#[inline(always)]
pub(crate) fn equal(raw: Raw, a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && first_difference(raw, a, b).is_none()
}

#[inline(always)]
pub(crate) fn first_difference(raw: Raw, a: &[u8], b: &[u8]) -> Option<usize> {
    // SAFETY: both are valid for the shorter length.
    unsafe { raw.first_difference(a.as_ptr(), b.as_ptr(), a.len().min(b.len())) }
}

#[inline(always)]
pub(crate) fn is_zero(raw: Raw, bytes: &[u8]) -> bool {
    // SAFETY: valid for its length.
    unsafe { raw.is_zero(bytes.as_ptr(), bytes.len()) }
}

#[inline(always)]
#[track_caller]
pub(crate) fn zero_pages(raw: Raw, memory: &[u8], bitmap: &mut [u64]) -> usize {
    enough_bits(memory.len(), bitmap);
    // SAFETY: valid for its length.
    unsafe { raw.zero_pages(memory.as_ptr(), memory.len(), bitmap) }
}

#[inline(always)]
#[track_caller]
pub(crate) fn diff_pages(raw: Raw, a: &[u8], b: &[u8], bitmap: &mut [u64]) -> usize {
    let len = same_length(a, b);
    enough_bits(len, bitmap);
    // SAFETY: both are valid for their length.
    unsafe { raw.diff_pages(a.as_ptr(), b.as_ptr(), len, bitmap) }
}
