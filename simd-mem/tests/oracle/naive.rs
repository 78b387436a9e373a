//! Oracles: one-line implementations.

use simd_mem::PAGE_BYTES;

pub(crate) fn equal(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a == b)
}

pub(crate) fn first_difference(a: &[u8], b: &[u8]) -> Option<usize> {
    a.iter().zip(b).position(|(a, b)| a != b)
}

pub(crate) fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

/// `bytes` with `len` of them copied from `src` to `dst`.
pub(crate) fn moved(bytes: &[u8], src: usize, dst: usize, len: usize) -> Vec<u8> {
    let from = |at| if (dst..dst + len).contains(&at) { bytes[at - dst + src] } else { bytes[at] };
    (0..bytes.len()).map(from).collect()
}

/// For each page of `memory` whether it is zero.
pub(crate) fn zero_pages(memory: &[u8]) -> Vec<bool> {
    memory.chunks(PAGE_BYTES).map(is_zero).collect()
}

/// For each page whether it differs.
pub(crate) fn diff_pages(a: &[u8], b: &[u8]) -> Vec<bool> {
    a.chunks(PAGE_BYTES).zip(b.chunks(PAGE_BYTES)).map(|(a, b)| !equal(a, b)).collect()
}
