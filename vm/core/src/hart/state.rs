//! Architectural state that generated code addresses directly.
//!
//! The layout is the interface between the runtime and generated code: fields are
//! only ever named by `offset_of!`, and a test pins what the JIT relies on.

use crate::mmu::TlbBank;

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
