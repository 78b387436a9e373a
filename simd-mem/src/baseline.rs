//! Vector that every CPU of the target has, for code inlined into callers.

#[cfg(target_arch = "x86_64")]
pub(crate) type Baseline = core::arch::x86_64::__m128i;

#[cfg(all(target_arch = "aarch64", target_endian = "little", target_feature = "neon"))]
pub(crate) type Baseline = core::arch::aarch64::uint8x16_t;

#[cfg(not(any(
    target_arch = "x86_64",
    all(target_arch = "aarch64", target_endian = "little", target_feature = "neon")
)))]
pub(crate) type Baseline = u64;
