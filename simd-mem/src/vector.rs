//! Operations that an instruction set must provide.

/// Vector register of bytes.
///
/// Only [`load`](Self::load) and [`splat`](Self::splat) create vectors, and they require a
/// CPU that has the instructions; a vector is therefore proof that the safe operations may
/// be used.
///
/// Operations on registers have no `target_feature` and must be `inline(always)`: they
/// become part of a function that has it (see `arch`), in which the intrinsics compile to
/// single instructions. Memory accesses are assembly, which the compiler accepts only where
/// the feature is known; they have the attribute, and are inlined because they are single
/// instructions.
///
/// # Memory that other threads write
/// Every access is an instruction that the compiler neither repeats nor omits. To the
/// compiler, an assembly access may be anything that Rust code could do in its place: here
/// one relaxed atomic access per byte, in any order. The hardware guarantees at least that.
/// No access is therefore a data race in Rust's memory model, whatever other threads or
/// harts do to the same bytes.
pub(crate) trait Vector: Copy {
    /// Size in bytes.
    const BYTES: usize;

    /// Vector for lengths too short for this one, compiled without further features.
    type Short: Vector;

    /// The vector for copies that are longer than a few of this one: the widest for
    /// which the CPU has a data path, because an access that crosses a cache line is
    /// dearer the wider it is.
    type Long: Vector;

    /// Every byte this one.
    ///
    /// # Safety
    /// The CPU must have the instruction set.
    unsafe fn splat(byte: u8) -> Self;

    /// The `N`th vector from `at` on, or before it, which need not be aligned.
    ///
    /// # Safety
    /// Those [`Self::BYTES`] bytes must be valid for reading, by instructions if not
    /// by references, and the CPU must have the instruction set.
    unsafe fn load<const N: isize>(at: *const u8) -> Self;

    /// Puts it in the place of the `N`th vector from `at` on, or before it, which need not be aligned.
    ///
    /// # Safety
    /// Those [`Self::BYTES`] bytes must be valid for writing, by instructions if not
    /// by references.
    unsafe fn store<const N: isize>(self, at: *mut u8);

    /// Stores four, the first at `at`, past the caches if the CPU can do that.
    ///
    /// # Safety
    /// As for four calls of [`store`](Self::store), and `at` must be aligned to
    /// [`Self::BYTES`].
    unsafe fn stream(four: (Self, Self, Self, Self), at: *mut u8);

    /// Puts the stores of [`stream`](Self::stream) before all later stores of this thread.
    fn fence();

    /// Bitwise exclusive or: zero in the bytes that are equal.
    fn xor(self, other: Self) -> Self;

    /// Bitwise or: zero in the bytes that are zero in both.
    fn or(self, other: Self) -> Self;

    /// Whether all bytes are zero.
    fn is_zero(self) -> bool;

    /// Index of the first byte, in the order of memory, that is not zero.
    fn first_nonzero(self) -> Option<usize>;

    /// [`or`](Self::or) with the `N`th vector from `at` on.
    ///
    /// # Safety
    /// As for [`load`](Self::load).
    #[inline(always)]
    unsafe fn or_from<const N: isize>(self, at: *const u8) -> Self {
        // SAFETY: by the caller's contract.
        self.or(unsafe { Self::load::<N>(at) })
    }

    /// [`xor`](Self::xor) with the `N`th vector from `at` on.
    ///
    /// # Safety
    /// As for [`load`](Self::load).
    #[inline(always)]
    unsafe fn xor_from<const N: isize>(self, at: *const u8) -> Self {
        // SAFETY: by the caller's contract.
        self.xor(unsafe { Self::load::<N>(at) })
    }

    /// Four vectors from `at` on.
    ///
    /// # Safety
    /// As for [`load`](Self::load).
    #[inline(always)]
    unsafe fn load_four(at: *const u8) -> (Self, Self, Self, Self) {
        // SAFETY: by the caller's contract.
        unsafe { (Self::load::<0>(at), Self::load::<1>(at), Self::load::<2>(at), Self::load::<3>(at)) }
    }

    /// Stores four vectors from `at` on.
    ///
    /// # Safety
    /// As for [`store`](Self::store).
    #[inline(always)]
    unsafe fn store_four(four: (Self, Self, Self, Self), at: *mut u8) {
        // SAFETY: by the caller's contract.
        unsafe {
            four.0.store::<0>(at);
            four.1.store::<1>(at);
            four.2.store::<2>(at);
            four.3.store::<3>(at);
        }
    }
}
