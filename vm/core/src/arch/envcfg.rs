//! Bits of `menvcfg` and `senvcfg`: which optional behaviour lower modes get.

/// Fences of I/O also order memory.
pub const FIOM: u64 = 1;
/// `cbo.zero` is allowed below.
pub const CBZE: u64 = 1 << 7;
/// Hardware updates accessed and dirty bits (Svadu); `menvcfg` only.
pub const ADUE: u64 = 1 << 61;
/// `stimecmp` exists (Sstc); `menvcfg` only.
pub const STCE: u64 = 1 << 63;
