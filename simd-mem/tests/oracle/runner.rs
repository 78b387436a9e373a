//! Runner of the tests for every implementation.

use simd_mem::Implementation;

use crate::naive;

/// Value of a destination and its surroundings before a call.
const BEFORE: u8 = 0x5a;

/// Bytes around a destination that must not change.
pub(crate) const MARGIN: usize = 128;

/// Compares every implementation, and what the crate has selected, with the oracles.
pub(crate) fn check_compare(a: &[u8], b: &[u8]) {
    let equal = naive::equal(a, b);
    let difference = naive::first_difference(a, b);
    for implementation in Implementation::available() {
        let name = implementation.name();
        let lengths = (a.len(), b.len());
        assert_eq!(implementation.equal(a, b), equal, "{name}: equal, {lengths:?} bytes, {difference:?}");
        assert_eq!(implementation.first_difference(a, b), difference, "{name}: first difference, {lengths:?} bytes");
    }
    assert_eq!(simd_mem::equal(a, b), equal);
    assert_eq!(simd_mem::first_difference(a, b), difference);
}

/// Like [`check_compare`], for operations on one slice.
pub(crate) fn check_scan(bytes: &[u8]) {
    let zero = naive::is_zero(bytes);
    for implementation in Implementation::available() {
        assert_eq!(implementation.is_zero(bytes), zero, "{}: {} bytes", implementation.name(), bytes.len());
    }
    assert_eq!(simd_mem::is_zero(bytes), zero);
}

/// Copies `src` to `shift` bytes after a multiple of 128, in both directions, with every
/// implementation.
pub(crate) fn check_copy(src: &[u8], shift: usize) {
    let mut place = Place::new(src.len(), shift);
    for implementation in Implementation::available() {
        let name = implementation.name();
        place.check(src, &format!("{name}: copy"), |dst| implementation.copy(src, dst));
        place.check(src, &format!("{name}: copy_nontemporal"), |dst| implementation.copy_nontemporal(src, dst));
    }
    place.check(src, "copy", |dst| simd_mem::copy(src, dst));
    place.check(src, "copy_nontemporal", |dst| simd_mem::copy_nontemporal(src, dst));
}

/// Fills `len` bytes starting `shift` bytes after a multiple of 128.
pub(crate) fn check_fill(len: usize, shift: usize, byte: u8) {
    let expected = vec![byte; len];
    let mut place = Place::new(len, shift);
    for implementation in Implementation::available() {
        let name = format!("{}: fill", implementation.name());
        place.check(&expected, &name, |dst| implementation.fill(dst, byte));
    }
    place.check(&expected, "fill", |dst| simd_mem::fill(dst, byte));
}

/// Moves `len` bytes from `src` to `dst` within `bytes`.
pub(crate) fn check_within(bytes: &[u8], src: usize, dst: usize, len: usize) {
    let expected = naive::moved(bytes, src, dst, len);
    let mut moved = bytes.to_vec();
    for implementation in Implementation::available() {
        moved.copy_from_slice(bytes);
        implementation.copy_within(&mut moved, src..src + len, dst);
        assert!(moved == expected, "{}: {len} bytes from {src} to {dst}", implementation.name());
    }
    moved.copy_from_slice(bytes);
    simd_mem::copy_within(&mut moved, src..src + len, dst);
    assert!(moved == expected, "{len} bytes from {src} to {dst}");
}

/// Marks the pages of `a` that are zero, and those in which it differs from `b`.
pub(crate) fn check_pages(a: &[u8], b: &[u8]) {
    let (zero, different) = (naive::zero_pages(a), naive::diff_pages(a, b));
    for implementation in Implementation::available() {
        let name = implementation.name();
        check_bitmap(&format!("{name}: zero_pages"), &zero, |bitmap| implementation.zero_pages(a, bitmap));
        check_bitmap(&format!("{name}: diff_pages"), &different, |bitmap| implementation.diff_pages(a, b, bitmap));
    }
    check_bitmap("zero_pages", &zero, |bitmap| simd_mem::zero_pages(a, bitmap));
    check_bitmap("diff_pages", &different, |bitmap| simd_mem::diff_pages(a, b, bitmap));
}

/// `mark` must set and clear the bits of `expected`, and leave the words after them
/// unchanged.
fn check_bitmap(what: &str, expected: &[bool], mark: impl FnOnce(&mut [u64]) -> usize) {
    const UNUSED: u64 = 0x1234_5678_9abc_def0;
    let used = expected.len().div_ceil(64);
    let mut bitmap = vec![UNUSED; used + 1];
    assert_eq!(mark(&mut bitmap), expected.iter().filter(|bit| **bit).count(), "{what}: count");
    for at in 0..64 * used {
        let bit = bitmap[at / 64] >> (at % 64) & 1 == 1;
        assert_eq!(bit, expected.get(at) == Some(&true), "{what}: page {at} of {}", expected.len());
    }
    assert_eq!(bitmap[used], UNUSED, "{what}: the word behind");
}

/// Reusable destination with known surroundings.
struct Place {
    buffer: Vec<u8>,
    start: usize,
    len: usize,
}

impl Place {
    fn new(len: usize, shift: usize) -> Self {
        let buffer = vec![BEFORE; len + 3 * MARGIN + shift];
        let start = MARGIN + buffer.as_ptr().align_offset(MARGIN) + shift;
        Self { buffer, start, len }
    }

    /// Checks that after `write` the destination holds `expected` and its surroundings are
    /// unchanged.
    fn check(&mut self, expected: &[u8], what: &str, write: impl FnOnce(&mut [u8])) {
        let range = self.start..self.start + self.len;
        write(&mut self.buffer[range.clone()]);
        assert!(&self.buffer[range.clone()] == expected, "{what}: {} bytes at {}", self.len, self.start);
        let around = self.buffer[..range.start].iter().chain(&self.buffer[range.end..]);
        assert!(around.copied().all(|byte| byte == BEFORE), "{what}: wrote around {} bytes", self.len);
        self.buffer[range].fill(BEFORE);
    }
}

/// Bytes that differ from their neighbours.
pub(crate) fn pattern(len: usize) -> Vec<u8> {
    (0..=250_u8).map(|byte| byte.wrapping_mul(167).wrapping_add(13)).cycle().take(len).collect()
}
