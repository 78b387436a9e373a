//! What each instruction set has, and which of them a target knows.

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

pub(crate) use host::IMPLEMENTATIONS;

/// Whether the CPU has a feature: asked at run time with `std`, at compile time without.
#[allow(unused_macros, reason = "targets without vectors detect nothing")]
macro_rules! has_feature {
    ($detect:ident, $feature:tt) => {{
        #[cfg(feature = "std")]
        {
            std::arch::$detect!($feature)
        }
        #[cfg(not(feature = "std"))]
        {
            cfg!(target_feature = $feature)
        }
    }};
}

/// Declares `IMPLEMENTATION`: the generic algorithm over a vector, compiled with the
/// instruction set's features.
macro_rules! implementation {
    ($name:literal, $vector:ty, $is_available:expr $(, $feature:literal)?) => {
        pub(crate) static IMPLEMENTATION: $crate::Implementation =
            $crate::Implementation { name: $name, is_available: $is_available, first_difference, first_nonzero };

        $(#[target_feature(enable = $feature)])?
        fn first_difference(a: &[u8], b: &[u8]) -> Option<usize> {
            // SAFETY: whoever may call this function has the vector's features.
            unsafe { $crate::generic::first_difference::<$vector>(a, b) }
        }

        $(#[target_feature(enable = $feature)])?
        fn first_nonzero(bytes: &[u8]) -> Option<usize> {
            // SAFETY: whoever may call this function has the vector's features.
            unsafe { $crate::generic::first_nonzero::<$vector>(bytes) }
        }
    };
}

#[allow(unused_imports, reason = "targets without vectors detect nothing")]
pub(crate) use {has_feature, implementation};
