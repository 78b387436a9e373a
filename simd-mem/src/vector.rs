//! What an instruction set has to offer.

/// A register full of bytes.
///
/// Only [`load`](Self::load) makes one out of nothing, and it asks for a CPU that
/// has the instructions; so whoever holds a vector may use the other operations.
///
/// The operations carry no `target_feature` and have to be `inline(always)`: they
/// become part of a function that does carry it (see `arch`), and only there do the
/// intrinsics become single instructions.
pub(crate) trait Vector: Copy {
    /// Bytes in it.
    const BYTES: usize;

    /// The [`Self::BYTES`] bytes from `at` on, which need not be aligned.
    ///
    /// # Safety
    /// `at` must be valid for reading that many bytes, and the CPU must have the
    /// instruction set.
    unsafe fn load(at: *const u8) -> Self;

    /// Bitwise exclusive or: zero in the bytes that are equal.
    fn xor(self, other: Self) -> Self;

    /// Bitwise or: zero in the bytes that are zero in both.
    fn or(self, other: Self) -> Self;

    /// Whether all bytes are zero.
    fn is_zero(self) -> bool;

    /// Index of the first byte, in the order of memory, that is not zero.
    fn first_nonzero(self) -> Option<usize>;
}
