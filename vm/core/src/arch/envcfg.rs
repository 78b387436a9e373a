//! Bits of `menvcfg` and `senvcfg`, which enable optional behaviour for lower modes.

/// Fences of I/O order memory as well.
pub const FIOM: u64 = 1;
/// `cbo.zero` is enabled in lower modes.
pub const CBZE: u64 = 1 << 7;
/// Hardware updates accessed and dirty bits (Svadu); `menvcfg` only.
pub const ADUE: u64 = 1 << 61;
/// `stimecmp` is accessible (Sstc); `menvcfg` only.
pub const STCE: u64 = 1 << 63;
