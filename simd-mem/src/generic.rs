//! The one algorithm: where in a stream of bytes is the first that is not zero?
//!
//! Scanning a slice asks that of its bytes, comparing two slices asks it of their
//! exclusive or. With a stream of `n` bytes and vectors of `w`:
//!
//! 1. while there are `4 w` bytes: or four vectors together and look at the result,
//!    which costs one branch instead of four;
//! 2. while there are `w` bytes: look at one vector;
//! 3. for the rest: look at the last `w` bytes of the stream. The vector overlaps
//!    bytes that are known to be zero, so its first non-zero byte is in the rest.
//!
//! A stream shorter than `w` is looked at in words, one shorter than a word bytewise.

use crate::vector::Vector;

/// Vectors that are looked at together.
const UNROLL: usize = 4;

/// Bytes that can be loaded by the vector.
trait Stream: Copy {
    fn len(self) -> usize;

    fn byte(self, at: usize) -> u8;

    /// # Safety
    /// `at + V::BYTES` must not be beyond the end, and the CPU must have `V`.
    unsafe fn vector<V: Vector>(self, at: usize) -> V;
}

impl Stream for &[u8] {
    #[inline(always)]
    fn len(self) -> usize {
        self.len()
    }

    #[inline(always)]
    fn byte(self, at: usize) -> u8 {
        self[at]
    }

    #[inline(always)]
    unsafe fn vector<V: Vector>(self, at: usize) -> V {
        // SAFETY: within the slice and executable, by the caller's promise.
        unsafe { V::load(self.as_ptr().wrapping_add(at)) }
    }
}

/// The exclusive or of two slices of the same length.
#[derive(Clone, Copy)]
struct Difference<'a>(&'a [u8], &'a [u8]);

impl Stream for Difference<'_> {
    #[inline(always)]
    fn len(self) -> usize {
        self.0.len()
    }

    #[inline(always)]
    fn byte(self, at: usize) -> u8 {
        self.0[at] ^ self.1[at]
    }

    #[inline(always)]
    unsafe fn vector<V: Vector>(self, at: usize) -> V {
        // SAFETY: both slices are as long as the stream; the rest is promised by the caller.
        unsafe { self.0.vector::<V>(at).xor(self.1.vector(at)) }
    }
}

/// Index of the first byte in which the slices differ, within the shorter one.
///
/// # Safety
/// The CPU must have `V`.
#[inline(always)]
pub(crate) unsafe fn first_difference<V: Vector>(a: &[u8], b: &[u8]) -> Option<usize> {
    let common = a.len().min(b.len());
    // SAFETY: by the caller's promise.
    unsafe { scan::<V, _>(Difference(&a[..common], &b[..common])) }
}

/// Index of the first byte that is not zero.
///
/// # Safety
/// The CPU must have `V`.
#[inline(always)]
pub(crate) unsafe fn first_nonzero<V: Vector>(bytes: &[u8]) -> Option<usize> {
    // SAFETY: by the caller's promise.
    unsafe { scan::<V, _>(bytes) }
}

/// # Safety
/// The CPU must have `V`.
#[inline(always)]
unsafe fn scan<V: Vector, S: Stream>(stream: S) -> Option<usize> {
    if stream.len() >= V::BYTES {
        // SAFETY: long enough, and the CPU has `V` by the caller's promise.
        unsafe { scan_vectors::<V, S>(stream) }
    } else if stream.len() >= u64::BYTES {
        // SAFETY: long enough, and every CPU has words.
        unsafe { scan_vectors::<u64, S>(stream) }
    } else {
        (0..stream.len()).find(|&at| stream.byte(at) != 0)
    }
}

/// No closure that sees vectors and no array of them in here: neither is sure to be inlined, and
/// vectors that pass through a call go through memory.
///
/// # Safety
/// The stream must hold at least one vector, and the CPU must have `V`.
#[inline(always)]
unsafe fn scan_vectors<V: Vector, S: Stream>(stream: S) -> Option<usize> {
    let len = stream.len();
    let mut at = 0;
    while len - at >= UNROLL * V::BYTES {
        // SAFETY: four vectors are there by the condition; `V` by the caller's promise.
        let (first, second, third, fourth) = unsafe {
            (
                stream.vector::<V>(at),
                stream.vector::<V>(at + V::BYTES),
                stream.vector::<V>(at + 2 * V::BYTES),
                stream.vector::<V>(at + 3 * V::BYTES),
            )
        };
        if !first.or(second).or(third.or(fourth)).is_zero() {
            // One of the next four turns of the loop below finds out which.
            break;
        }
        at += UNROLL * V::BYTES;
    }
    while len - at >= V::BYTES {
        // SAFETY: one vector is there by the condition; `V` by the caller's promise.
        if let Some(index) = unsafe { stream.vector::<V>(at) }.first_nonzero() {
            return Some(at + index);
        }
        at += V::BYTES;
    }
    if at == len {
        return None;
    }
    let last = len - V::BYTES;
    // SAFETY: the stream holds at least one vector, so the last one begins within it.
    unsafe { stream.vector::<V>(last) }.first_nonzero().map(|index| last + index)
}
