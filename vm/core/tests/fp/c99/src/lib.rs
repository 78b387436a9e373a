//! The `<stdint.h>` types that `softfloat-sys` refers to.
//!
//! The registry's package of this name runs CMake and a C program to determine them, which
//! would make CMake a requirement of every `cargo test`. `softfloat-sys` builds on x86-64
//! Linux only, whose ABI fixes them.

#![no_std]
#![expect(non_camel_case_types, reason = "these are the names of C")]

/// At least 8 bits.
pub type uint_fast8_t = u8;

/// At least 32 bits; glibc takes a register.
#[cfg(not(target_env = "musl"))]
pub type int_fast32_t = i64;
/// At least 32 bits; glibc takes a register.
#[cfg(not(target_env = "musl"))]
pub type uint_fast32_t = u64;

/// At least 32 bits; musl takes exactly these.
#[cfg(target_env = "musl")]
pub type int_fast32_t = i32;
/// At least 32 bits; musl takes exactly these.
#[cfg(target_env = "musl")]
pub type uint_fast32_t = u32;

/// At least 64 bits.
pub type int_fast64_t = i64;
/// At least 64 bits.
pub type uint_fast64_t = u64;
