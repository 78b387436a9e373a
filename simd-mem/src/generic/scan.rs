//! Search for the first non-zero byte of a stream.
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
//! Up to `8 w` bytes are vectors from both ends that overlap in the middle, with one
//! branch for all of them. A stream shorter than `w` is looked at in shorter vectors,
//! then in words.
//!
//! Where four together hold something, they are looked at again one by one. Should
//! somebody else have made them zero meanwhile, that goes on to the end: the answer is
//! an index within the stream or none, and right for bytes that were there at some
//! time during the call.

use core::hint::cold_path;

use super::word::{Word, load_partial};
use crate::threshold;
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

    /// `vector` or the `N`th vector.
    ///
    /// # Safety
    /// As for [`vector`](Self::vector).
    unsafe fn or_vector<V: Vector, const N: isize>(self, vector: V) -> V;
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
        // SAFETY: by the caller's contract.
        unsafe { load_partial(self.0, len) }
    }

    #[inline(always)]
    unsafe fn vector<V: Vector, const N: isize>(self) -> V {
        // SAFETY: by the caller's contract.
        unsafe { V::load::<N>(self.0) }
    }

    #[inline(always)]
    unsafe fn or_vector<V: Vector, const N: isize>(self, vector: V) -> V {
        // SAFETY: by the caller's contract.
        unsafe { vector.or_from::<N>(self.0) }
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
        // SAFETY: by the caller's contract.
        unsafe { load_partial(self.0, len) ^ load_partial(self.1, len) }
    }

    #[inline(always)]
    unsafe fn vector<V: Vector, const N: isize>(self) -> V {
        // SAFETY: by the caller's contract.
        unsafe { V::load::<N>(self.0).xor_from::<N>(self.1) }
    }

    #[inline(always)]
    unsafe fn or_vector<V: Vector, const N: isize>(self, vector: V) -> V {
        // SAFETY: by the caller's contract.
        vector.or(unsafe { self.vector::<V, N>() })
    }
}

/// From how many bytes on [`Vector::Long`] is the better one: as many as the first
/// cache has. The further away the bytes are, the better CPUs fetch ahead for narrow
/// loads: from memory, [`Vector::Short`] reads a quarter more a second (Zen 4).
pub(super) const LONG: usize = 32 << 10;

/// Index of the first byte that is not zero.
///
/// # Safety
/// `len` bytes of the stream must be valid for reading, and the CPU must have `V`.
#[inline(always)]
pub(crate) unsafe fn first_nonzero<V: Vector, S: Stream>(stream: S, len: usize) -> Option<usize> {
    // SAFETY: by the caller's contract.
    unsafe {
        if len < LONG {
            up_to_long::<V, S>(stream, len)
        } else if len < threshold::last_cache() {
            vectors::<V::Long, S>(stream, len)
        } else {
            vectors::<V::Short, S>(stream, len)
        }
    }
}

/// As [`first_nonzero`], without the choice of another vector.
///
/// # Safety
/// The same.
#[inline(always)]
pub(super) unsafe fn up_to_long<V: Vector, S: Stream>(stream: S, len: usize) -> Option<usize> {
    // SAFETY: each is given as many bytes as it asks for.
    unsafe {
        if len > 8 * V::BYTES {
            vectors::<V, S>(stream, len)
        } else if len >= V::BYTES {
            from_both_ends::<V, S>(stream, len)
        } else if len >= V::Short::BYTES {
            from_both_ends::<V::Short, S>(stream, len)
        } else if len >= <u64 as Word>::BYTES {
            short::<u64, S>(stream, len)
        } else {
            stream.partial(len).first_nonzero()
        }
    }
}

/// # Safety
/// As for [`first_nonzero`], and `len` one to eight vectors.
#[inline(always)]
unsafe fn from_both_ends<V: Vector, S: Stream>(stream: S, len: usize) -> Option<usize> {
    // SAFETY: the vectors lie within the stream by the conditions.
    unsafe {
        let together = if len > 4 * V::BYTES {
            or_four::<V, S>(stream).or(or_four(stream.from(len - 4 * V::BYTES)))
        } else if len > 2 * V::BYTES {
            or_two::<V, S>(stream).or(or_two(stream.from(len - 2 * V::BYTES)))
        } else {
            stream.from(len - V::BYTES).or_vector::<V, 0>(stream.vector::<V, 0>())
        };
        if together.is_zero() {
            return None;
        }
        cold_path();
        short::<V, S>(stream, len)
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
        let (near, far) = (stream.from(at), stream.from(at + 4 * V::BYTES));
        // SAFETY: eight vectors are there by the condition.
        if !unsafe { or_four::<V, S>(near).or(or_four(far)) }.is_zero() {
            break;
        }
        at += 8 * V::BYTES;
    }
    while len - at >= 4 * V::BYTES {
        // SAFETY: four vectors are there by the condition.
        if !unsafe { or_four::<V, S>(stream.from(at)) }.is_zero() {
            break;
        }
        at += 4 * V::BYTES;
    }
    // What is left, and where it is if something was found.
    if len - at >= V::BYTES {
        // SAFETY: the rest of the stream, a vector at least.
        return unsafe { short::<V, S>(stream.from(at), len - at) }.map(|index| at + index);
    }
    let last = len - V::BYTES;
    // SAFETY: the stream holds at least one vector, so the last one begins within it.
    unsafe { stream.from(last).vector::<V, 0>() }.first_nonzero().map(|index| last + index)
}

/// Two vectors that follow each other, together.
///
/// # Safety
/// As for [`first_nonzero`], and there must be two vectors.
#[inline(always)]
unsafe fn or_two<V: Vector, S: Stream>(stream: S) -> V {
    // SAFETY: by the caller's contract.
    unsafe { stream.or_vector::<V, 1>(stream.vector::<V, 0>()) }
}

/// Four vectors that follow each other, together.
///
/// # Safety
/// As for [`first_nonzero`], and there must be four vectors.
#[inline(always)]
pub(super) unsafe fn or_four<V: Vector, S: Stream>(stream: S) -> V {
    // SAFETY: by the caller's contract.
    unsafe { stream.or_vector::<V, 3>(stream.or_vector::<V, 2>(or_two(stream))) }
}
