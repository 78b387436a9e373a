//! Implementation: the functions for one instruction set.

/// Passes the functions of an implementation, one per row, to a macro.
macro_rules! for_each_function {
    ($declare:ident) => {
        $declare! {
            /// For more bytes than [`Raw::copy`](crate::raw::Raw::copy) copies by itself.
            copy(src: *const u8, dst: *mut u8, len: usize);
            /// For bytes that do not overlap.
            copy_nontemporal(src: *const u8, dst: *mut u8, len: usize);
            /// For more bytes than [`Raw::fill`](crate::raw::Raw::fill) fills by itself.
            fill(dst: *mut u8, byte: u8, len: usize);
            first_difference(a: *const u8, b: *const u8, len: usize) -> Option<usize>;
            /// Index of the first byte that is not zero.
            first_nonzero(at: *const u8, len: usize) -> Option<usize>;
            zero_pages(at: *const u8, len: usize, bitmap: &mut [u64]) -> usize;
            diff_pages(a: *const u8, b: *const u8, len: usize, bitmap: &mut [u64]) -> usize;
        }
    };
}
pub(crate) use for_each_function;

macro_rules! declare {
    ($($(#[$documentation:meta])* $function:ident($($argument:ident: $type:ty),*) $(-> $result:ty)?;)*) => {
        /// The functions of this crate for one instruction set.
        ///
        /// Only implementations that this CPU supports can be obtained, so calling one is
        /// safe.
        ///
        /// ```
        /// use simd_mem::Implementation;
        ///
        /// for implementation in Implementation::available() {
        ///     assert!(implementation.is_zero(&[0; 100]), "{}", implementation.name());
        /// }
        /// ```
        #[derive(Debug)]
        pub struct Implementation {
            pub(crate) name: &'static str,
            pub(crate) is_available: fn() -> bool,
            // All of these are executable if `is_available` says so, and ask for valid bytes.
            $($(#[$documentation])* pub(crate) $function: unsafe fn($($type),*) $(-> $result)?,)*
        }
    };
}

for_each_function!(declare);

impl Implementation {
    /// The instruction set's name in lower case, or `scalar`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }
}
