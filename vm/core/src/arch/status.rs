//! Bits of `mstatus` and `sstatus` (privileged specification, "Machine Status Registers").

/// Supervisor interrupt enable.
pub const SIE: u64 = 1 << 1;
/// Machine interrupt enable.
pub const MIE: u64 = 1 << 3;
/// Previous SIE.
pub const SPIE: u64 = 1 << 5;
/// Previous MIE.
pub const MPIE: u64 = 1 << 7;
/// Previous mode of a trap into S-mode.
pub const SPP: u64 = 1 << 8;
/// Previous mode of a trap into M-mode.
pub const MPP: u64 = 3 << 11;
/// Position of MPP.
pub const MPP_SHIFT: u32 = 11;
/// Floating-point state: off, initial, clean, dirty.
pub const FS: u64 = 3 << 13;
/// Loads and stores of M-mode use the privilege in MPP.
pub const MPRV: u64 = 1 << 17;
/// S-mode may access user pages.
pub const SUM: u64 = 1 << 18;
/// Loads may read execute-only pages.
pub const MXR: u64 = 1 << 19;
/// Trap `satp` accesses and `sfence.vma` of S-mode.
pub const TVM: u64 = 1 << 20;
/// Trap `wfi` below M-mode.
pub const TW: u64 = 1 << 21;
/// Trap `sret` of S-mode.
pub const TSR: u64 = 1 << 22;
/// Fields that `sstatus` has, without the read-only ones.
pub const SUPERVISOR: u64 = SIE | SPIE | SPP | FS | SUM | MXR;
/// UXL = 64 and SXL = 64, read-only.
pub const XL64: u64 = 2 << 32 | 2 << 34;
/// UXL = 64, as `sstatus` shows it.
pub const UXL64: u64 = 2 << 32;
/// Some extension state is dirty, read-only.
pub const SD: u64 = 1 << 63;
