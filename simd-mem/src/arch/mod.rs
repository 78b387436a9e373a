//! Implementations of each instruction set, and the list for the target.

pub(crate) mod all;

#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
#[path = "aarch64/mod.rs"]
mod host;
#[cfg(target_arch = "x86_64")]
#[path = "x86_64/mod.rs"]
mod host;
#[cfg(not(any(target_arch = "x86_64", all(target_arch = "aarch64", target_endian = "little"))))]
#[path = "other.rs"]
mod host;

pub(crate) use host::{IMPLEMENTATIONS, last_cache_bytes};

/// Whether the CPU has features: detected at run time with `std`, at compile time without.
#[allow(unused_macros, reason = "targets without vectors detect nothing")]
macro_rules! has_features {
    ($detect:ident, $($feature:tt),+) => {{
        #[cfg(feature = "std")]
        {
            $(std::arch::$detect!($feature))&&+
        }
        #[cfg(not(feature = "std"))]
        {
            $(cfg!(target_feature = $feature))&&+
        }
    }};
}

/// Declares `IMPLEMENTATION`: the generic algorithms over a vector, compiled with the
/// instruction set's features.
macro_rules! implementation {
    ($name:literal, $vector:ty, $is_available:expr $(, $features:literal)?) => {
        pub(crate) static IMPLEMENTATION: $crate::implementation::Implementation = $crate::implementation::Implementation {
            name: $name,
            is_available: $is_available,
            copy,
            copy_nontemporal,
            fill,
            first_difference,
            first_nonzero,
            zero_pages,
            diff_pages,
        };

        $(#[target_feature(enable = $features)])?
        unsafe fn copy(src: *const u8, dst: *mut u8, len: usize) {
            // SAFETY: by the caller's contract; whoever may call this has the vector's features.
            unsafe { $crate::generic::copy::copy::<$vector>(src, dst, len) }
        }

        $(#[target_feature(enable = $features)])?
        unsafe fn copy_nontemporal(src: *const u8, dst: *mut u8, len: usize) {
            // SAFETY: by the caller's contract; whoever may call this has the vector's features.
            unsafe { $crate::generic::copy::copy_nontemporal::<$vector>(src, dst, len) }
        }

        $(#[target_feature(enable = $features)])?
        unsafe fn fill(dst: *mut u8, byte: u8, len: usize) {
            // SAFETY: by the caller's contract; whoever may call this has the vector's features.
            unsafe { $crate::generic::fill::fill::<$vector>(dst, byte, len) }
        }

        $(#[target_feature(enable = $features)])?
        unsafe fn first_difference(a: *const u8, b: *const u8, len: usize) -> Option<usize> {
            let stream = $crate::generic::scan::Difference(a, b);
            // SAFETY: by the caller's contract; whoever may call this has the vector's features.
            unsafe { $crate::generic::scan::first_nonzero::<$vector, _>(stream, len) }
        }

        $(#[target_feature(enable = $features)])?
        unsafe fn first_nonzero(at: *const u8, len: usize) -> Option<usize> {
            let stream = $crate::generic::scan::Bytes(at);
            // SAFETY: by the caller's contract; whoever may call this has the vector's features.
            unsafe { $crate::generic::scan::first_nonzero::<$vector, _>(stream, len) }
        }

        $(#[target_feature(enable = $features)])?
        unsafe fn zero_pages(at: *const u8, len: usize, bitmap: &mut [u64]) -> usize {
            let stream = $crate::generic::scan::Bytes(at);
            // SAFETY: by the caller's contract; whoever may call this has the vector's features.
            unsafe { $crate::generic::page::mark::<$vector, _>(stream, len, true, bitmap) }
        }

        $(#[target_feature(enable = $features)])?
        unsafe fn diff_pages(a: *const u8, b: *const u8, len: usize, bitmap: &mut [u64]) -> usize {
            let stream = $crate::generic::scan::Difference(a, b);
            // SAFETY: by the caller's contract; whoever may call this has the vector's features.
            unsafe { $crate::generic::page::mark::<$vector, _>(stream, len, false, bitmap) }
        }
    };
}

/// The accesses of a [`Vector`](crate::vector::Vector): one instruction each.
#[allow(unused_macros, reason = "targets without vectors have none")]
macro_rules! accesses {
    ($class:ident, $feature:literal, $bytes:literal, $load:literal, $store:literal) => {
        #[inline]
        #[target_feature(enable = $feature)]
        unsafe fn load<const N: isize>(at: *const u8) -> Self {
            let vector: Self;
            // SAFETY: one load of readable bytes, by the caller's contract.
            unsafe {
                core::arch::asm!($load, vector = lateout($class) vector, at = in(reg) at, offset = const N * $bytes,
                    options(nostack, preserves_flags, readonly));
            }
            vector
        }

        #[inline]
        #[target_feature(enable = $feature)]
        unsafe fn store<const N: isize>(self, at: *mut u8) {
            // SAFETY: one store to writable bytes, by the caller's contract.
            unsafe {
                core::arch::asm!($store, vector = in($class) self, at = in(reg) at, offset = const N * $bytes,
                    options(nostack, preserves_flags));
            }
        }
    };
}

#[allow(unused_imports, reason = "targets without vectors detect nothing")]
pub(crate) use {accesses, has_features, implementation};
