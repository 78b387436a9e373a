//! Architectural state that generated code addresses directly.
//!
//! The layout is the interface between the runtime and generated code: fields are
//! only ever named by `offset_of!`, and a test pins what the JIT relies on.

use crate::mmu::TlbBank;

/// Privilege modes, by their encoding in `mstatus.MPP`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum PrivilegeMode {
    /// U-mode
    User = 0,
    /// S-mode
    Supervisor = 1,
    /// M-mode
    Machine = 3,
}

impl PrivilegeMode {
    /// The mode of a two-bit field; the reserved code 2 counts as U-mode.
    pub fn from_bits(bits: u64) -> Self {
        match bits & 3 {
            3 => Self::Machine,
            1 => Self::Supervisor,
            _ => Self::User,
        }
    }
}

/// Words that belong to the engine which runs the hart; core never looks at them.
pub(super) const ENGINE_WORDS: usize = 32;

/// State of a hart as generated code sees it.
#[derive(Debug)]
#[repr(C)]
pub struct HartState {
    /// Integer registers; `x[0]` is always 0.
    pub x: [u64; 32],
    /// Floating-point registers; single-precision values are NaN-boxed.
    pub f: [u64; 32],
    /// Address of the next instruction.
    pub pc: u64,
    /// Instructions that may still retire before the runtime wants control back.
    /// Every engine counts it down; at zero or below it leaves the guest.
    pub countdown: i64,
    /// `mstatus` without the read-only fields (SD, SXL, UXL).
    pub status: u64,
    /// Accrued exception flags, `fflags`.
    pub fflags: u64,
    /// Rounding mode, `frm`.
    pub frm: u64,
    /// TLB bank of the current data-access context.
    pub tlb: *mut TlbBank,
    /// Host address of the reservation, 0 if none.
    pub reservation: u64,
    /// Value that the reserving load saw.
    pub reserved_value: u64,
    /// Scratch of the engine.
    pub engine: [u64; ENGINE_WORDS],
}

// SAFETY: the TLB pointer refers to memory owned by the same hart, which moves
// between threads only as a whole.
unsafe impl Send for HartState {}

impl Default for HartState {
    fn default() -> Self {
        Self {
            x: [0; 32],
            f: [0; 32],
            pc: 0,
            countdown: 0,
            status: 0,
            fflags: 0,
            frm: 0,
            tlb: std::ptr::null_mut(),
            reservation: 0,
            reserved_value: 0,
            engine: [0; ENGINE_WORDS],
        }
    }
}

/// Bits of `mstatus` and `sstatus` (privileged specification, section "Machine
/// Status Registers").
pub mod status {
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
    /// UXL = 64 and SXL = 64, read-only.
    pub const XL64: u64 = 2 << 32 | 2 << 34;
    /// UXL = 64, as `sstatus` shows it.
    pub const UXL64: u64 = 2 << 32;
    /// Some extension state is dirty, read-only.
    pub const SD: u64 = 1 << 63;
}
