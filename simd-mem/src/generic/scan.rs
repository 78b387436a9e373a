//! Where in a stream of bytes is the first that is not zero?
//!
//! Scanning memory asks that of its bytes, comparing two pieces of memory asks it of
//! their exclusive or. With a stream of `n` bytes and vectors of `w`:
//!
//! 1. look at the first vector, then go on from the next address that is aligned;
//! 2. while there are `4 w` bytes: or four vectors together and look at the result,
//!    which costs one branch instead of four (narrow vectors: eight);
//! 3. while there are `w` bytes: look at one vector;
//! 4. for the rest: look at the last `w` bytes of the stream. The vector overlaps
//!    bytes that are known to be zero, so its first non-zero byte is in the rest.
//!
//! A stream shorter than `w` is looked at in shorter vectors, then in words.
//!
//! A byte may be loaded twice, where vectors overlap or after eight looked as if one
//! of them held something. No conclusion is drawn from both: when somebody
//! else writes meanwhile, the answer is still an index within the stream, and right
//! for bytes that were there at some time during the call.

use super::word::{Word, load_partial};
use crate::vector::Vector;

/// Bytes that can be loaded by the vector.
pub(crate) trait Stream: Copy {
    /// The stream from `at` on.
    fn from(self, at: usize) -> Self;

    /// How far the first byte is behind an address that is a multiple of `to`.
    fn misalignment(self, to: usize) -> usize;

    /// The first `len` bytes, as the low bytes of a word.
    ///
    /// # Safety
    /// The bytes must be valid for reading, and `len` less than eight.
    unsafe fn partial(self, len: usize) -> u64;

    /// The `N`th vector.
    ///
    /// # Safety
    /// The bytes must be valid for reading, and the CPU must have `V`.
    unsafe fn vector<V: Vector, const N: isize>(self) -> V;
}

/// Bytes at an address.
#[derive(Clone, Copy)]
pub(crate) struct Bytes(pub(crate) *const u8);

impl Stream for Bytes {
    #[inline(always)]
    fn from(self, at: usize) -> Self {
        Self(self.0.wrapping_add(at))
    }

    #[inline(always)]
    fn misalignment(self, to: usize) -> usize {
        self.0.addr() % to
    }

    #[inline(always)]
    unsafe fn partial(self, len: usize) -> u64 {
        // SAFETY: by the caller's promise.
        unsafe { load_partial(self.0, len) }
    }

    #[inline(always)]
    unsafe fn vector<V: Vector, const N: isize>(self) -> V {
        // SAFETY: by the caller's promise.
        unsafe { V::load::<N>(self.0) }
    }
}

/// The exclusive or of the bytes at two addresses.
#[derive(Clone, Copy)]
pub(crate) struct Difference(pub(crate) *const u8, pub(crate) *const u8);

impl Stream for Difference {
    #[inline(always)]
    fn from(self, at: usize) -> Self {
        Self(self.0.wrapping_add(at), self.1.wrapping_add(at))
    }

    #[inline(always)]
    fn misalignment(self, to: usize) -> usize {
        self.0.addr() % to
    }

    #[inline(always)]
    unsafe fn partial(self, len: usize) -> u64 {
        // SAFETY: by the caller's promise.
        unsafe { load_partial(self.0, len) ^ load_partial(self.1, len) }
    }

    #[inline(always)]
    unsafe fn vector<V: Vector, const N: isize>(self) -> V {
        // SAFETY: by the caller's promise.
        unsafe { V::load::<N>(self.0).xor(V::load::<N>(self.1)) }
    }
}

/// Index of the first byte that is not zero.
///
/// # Safety
/// `len` bytes of the stream must be valid for reading, and the CPU must have `V`.
#[inline(always)]
pub(crate) unsafe fn first_nonzero<V: Vector, S: Stream>(stream: S, len: usize) -> Option<usize> {
    // SAFETY: each is given as many bytes as it asks for.
    unsafe {
        if len >= V::BYTES {
            vectors::<V, S>(stream, len)
        } else if len >= V::Short::BYTES {
            short::<V::Short, S>(stream, len)
        } else if len >= <u64 as Word>::BYTES {
            short::<u64, S>(stream, len)
        } else {
            stream.partial(len).first_nonzero()
        }
    }
}

/// # Safety
/// As for [`first_nonzero`], and there must be at least one vector.
#[inline(always)]
unsafe fn short<V: Vector, S: Stream>(stream: S, len: usize) -> Option<usize> {
    let mut at = 0;
    while len - at >= V::BYTES {
        // SAFETY: one vector is there by the condition.
        if let Some(index) = unsafe { stream.from(at).vector::<V, 0>() }.first_nonzero() {
            return Some(at + index);
        }
        at += V::BYTES;
    }
    if at == len {
        return None;
    }
    let last = len - V::BYTES;
    // SAFETY: the stream holds at least one vector, so the last one begins within it.
    unsafe { stream.from(last).vector::<V, 0>() }.first_nonzero().map(|index| last + index)
}

/// # Safety
/// As for [`first_nonzero`], and there must be at least one vector.
#[inline(always)]
unsafe fn vectors<V: Vector, S: Stream>(stream: S, len: usize) -> Option<usize> {
    // SAFETY: one vector is there.
    if let Some(index) = unsafe { stream.vector::<V, 0>() }.first_nonzero() {
        return Some(index);
    }
    let mut at = V::BYTES - stream.misalignment(V::BYTES);
    // Vectors narrower than a cache line need more of them for each branch.
    while V::BYTES < 64 && len - at >= 8 * V::BYTES {
        // SAFETY: eight vectors are there by the condition.
        let (near, far) =
            unsafe { (or_four::<V, S>(stream.from(at)), or_four::<V, S>(stream.from(at + 4 * V::BYTES))) };
        if !near.or(far).is_zero() {
            // The loop below finds out which.
            break;
        }
        at += 8 * V::BYTES;
    }
    while len - at >= 4 * V::BYTES {
        let here = stream.from(at);
        // SAFETY: four vectors are there by the condition.
        let (first, second, third, fourth) =
            unsafe { (here.vector::<V, 0>(), here.vector::<V, 1>(), here.vector::<V, 2>(), here.vector::<V, 3>()) };
        if !first.or(second).or(third.or(fourth)).is_zero() {
            return first_of_four(first, second, third, fourth).map(|index| at + index);
        }
        at += 4 * V::BYTES;
    }
    // SAFETY: what is left is within the stream, and a whole vector is before it if it is shorter than one.
    unsafe {
        if len - at >= V::BYTES {
            short::<V, S>(stream.from(at), len - at).map(|index| at + index)
        } else {
            let last = len - V::BYTES;
            stream.from(last).vector::<V, 0>().first_nonzero().map(|index| last + index)
        }
    }
}

/// Four vectors that follow each other, together.
///
/// # Safety
/// As for [`first_nonzero`], and there must be four vectors.
#[inline(always)]
unsafe fn or_four<V: Vector, S: Stream>(stream: S) -> V {
    // SAFETY: by the caller's promise.
    unsafe {
        let near = stream.vector::<V, 0>().or(stream.vector::<V, 1>());
        near.or(stream.vector::<V, 2>().or(stream.vector::<V, 3>()))
    }
}

/// Index of the first byte that is not zero, in four vectors that follow each other.
#[inline(always)]
fn first_of_four<V: Vector>(first: V, second: V, third: V, fourth: V) -> Option<usize> {
    if let Some(index) = first.first_nonzero() {
        return Some(index);
    }
    if let Some(index) = second.first_nonzero() {
        return Some(V::BYTES + index);
    }
    if let Some(index) = third.first_nonzero() {
        return Some(2 * V::BYTES + index);
    }
    fourth.first_nonzero().map(|index| 3 * V::BYTES + index)
}
