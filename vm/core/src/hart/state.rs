//! Architectural state addressed by generated code.
//!
//! The layout is part of the ABI of generated code: fields are addressed only by
//! `offset_of!`, and a test pins the properties that the JIT relies on.

use crate::mmu::TlbBank;

/// Number of words reserved for the engine; core does not access them.
pub(super) const ENGINE_WORDS: usize = 36;

/// Bits of [`HartState::permitted`].
pub mod permission {
    /// `cbo.zero`.
    pub const ZERO_BLOCKS: u8 = 1;
    /// Access to the control and status registers of S-mode that have no condition beyond the
    /// mode.
    pub const SUPERVISOR_REGISTERS: u8 = 2;
}

/// State of a hart that generated code addresses. What it uses most stands at the end, in reach of
/// short displacements from one address.
#[derive(Debug)]
#[repr(C)]
pub struct HartState {
    /// Floating-point registers; single-precision values are NaN-boxed.
    pub f: [u64; 32],
    /// `mstatus` without the read-only fields (SD, SXL, UXL).
    pub status: u64,
    /// Accrued exception flags, `fflags`.
    pub fflags: u64,
    /// Rounding mode, `frm`.
    pub frm: u64,
    /// Host address of the reservation, 0 if none.
    pub reservation: u64,
    /// Value loaded by the load-reserved.
    pub reserved_value: u64,
    /// What instructions may do in the current mode: bits of [`permission`].
    pub permitted: u64,
    /// The control and status register.
    pub sscratch: u64,
    /// The control and status register; always even.
    pub sepc: u64,
    /// The control and status register.
    pub scause: u64,
    /// The control and status register.
    pub stval: u64,
    /// Words for the engine's own use.
    pub engine: [u64; ENGINE_WORDS],
    /// Address of the next instruction.
    pub pc: u64,
    /// Instructions that may still retire in the quantum. Every engine decrements it and
    /// leaves guest code at zero or below.
    pub countdown: i64,
    /// TLB bank of the current data-access context.
    pub tlb: *mut TlbBank,
    /// Integer registers; `x[0]` is always 0.
    pub x: [u64; 32],
}

// SAFETY: the TLB pointer refers to memory of the same hart, which moves between threads
// only as a whole.
unsafe impl Send for HartState {}

impl Default for HartState {
    fn default() -> Self {
        Self {
            f: [0; 32],
            status: 0,
            fflags: 0,
            frm: 0,
            reservation: 0,
            reserved_value: 0,
            permitted: 0,
            sscratch: 0,
            sepc: 0,
            scause: 0,
            stval: 0,
            engine: [0; ENGINE_WORDS],
            pc: 0,
            countdown: 0,
            tlb: std::ptr::null_mut(),
            x: [0; 32],
        }
    }
}
