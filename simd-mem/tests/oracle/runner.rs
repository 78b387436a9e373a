//! One runner for every implementation.

use simd_mem::Implementation;

use crate::naive;

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

/// As [`check_compare`], for what takes one slice.
pub(crate) fn check_scan(bytes: &[u8]) {
    let zero = naive::is_zero(bytes);
    for implementation in Implementation::available() {
        assert_eq!(implementation.is_zero(bytes), zero, "{}: {} bytes", implementation.name(), bytes.len());
    }
    assert_eq!(simd_mem::is_zero(bytes), zero);
}

/// Bytes that differ from their neighbours.
pub(crate) fn pattern(len: usize) -> Vec<u8> {
    (0..=u8::MAX).map(|byte| byte.wrapping_mul(167).wrapping_add(13)).cycle().take(len).collect()
}
