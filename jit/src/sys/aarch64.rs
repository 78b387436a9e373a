//! AArch64 host: AAPCS64 entry and exit, instruction-cache maintenance.

use std::arch::{asm, naked_asm};

use crate::abi::{self, Anchor, Leave, Word};

const HOST_STACK: i32 = abi::word(Word::HostStack);

/// The leave thunk, if it is not the compiled one.
pub(crate) const LEAVE: Option<unsafe extern "C" fn(*mut Anchor, u64) -> u64> = None;

/// Calls the entry thunk `thunk(cpu, code, pc)`: saves the callee-saved registers and
/// records the stack pointer for [`abandon`].
///
/// # Safety
/// `cpu` is the anchor of the state of the calling thread's hart with all engine words set,
/// `code` is a translation for `pc`, `thunk` is the entry thunk.
#[unsafe(naked)]
pub(crate) unsafe extern "C" fn enter(cpu: *mut Anchor, code: *const u8, pc: u64, thunk: *const u8) -> u64 {
    naked_asm!(
        "stp x29, x30, [sp, #-160]!",
        "mov x29, sp",
        "stp x19, x20, [sp, #16]",
        "stp x21, x22, [sp, #32]",
        "stp x23, x24, [sp, #48]",
        "stp x25, x26, [sp, #64]",
        "stp x27, x28, [sp, #80]",
        "stp d8, d9, [sp, #96]",
        "stp d10, d11, [sp, #112]",
        "stp d12, d13, [sp, #128]",
        "stp d14, d15, [sp, #144]",
        "mov x9, sp",
        "str x9, [x0, #{host_stack}]",
        "blr x3",
        "ldp x19, x20, [sp, #16]",
        "ldp x21, x22, [sp, #32]",
        "ldp x23, x24, [sp, #48]",
        "ldp x25, x26, [sp, #64]",
        "ldp x27, x28, [sp, #80]",
        "ldp d8, d9, [sp, #96]",
        "ldp d10, d11, [sp, #112]",
        "ldp d12, d13, [sp, #128]",
        "ldp d14, d15, [sp, #144]",
        "ldp x29, x30, [sp], #160",
        "ret",
        host_stack = const HOST_STACK,
    )
}

/// Unwinds from a helper out of generated code: [`enter`] returns [`Leave::Abandoned`].
///
/// # Safety
/// Called by a thunk within an active [`enter`] with the same `cpu`, with no Rust frame in
/// between.
#[unsafe(naked)]
pub(crate) unsafe extern "C" fn abandon(cpu: *mut Anchor) -> ! {
    naked_asm!(
        "ldr x9, [x0, #{host_stack}]",
        "mov sp, x9",
        "mov x0, #{abandoned}",
        "ldp x19, x20, [sp, #16]",
        "ldp x21, x22, [sp, #32]",
        "ldp x23, x24, [sp, #48]",
        "ldp x25, x26, [sp, #64]",
        "ldp x27, x28, [sp, #80]",
        "ldp d8, d9, [sp, #96]",
        "ldp d10, d11, [sp, #112]",
        "ldp d12, d13, [sp, #128]",
        "ldp d14, d15, [sp, #144]",
        "ldp x29, x30, [sp], #160",
        "ret",
        host_stack = const HOST_STACK,
        abandoned = const Leave::Abandoned as u64,
    )
}

/// Makes code written through the writable view visible to instruction fetch on all cores:
/// cleans the data cache, then invalidates the instruction cache, by lines of the smallest
/// size (Arm ARM, "Ordering of cache maintenance").
pub(crate) fn make_visible(code: *const u8, len: usize) {
    const LINE: usize = 16;
    let lines = || (code.addr() & !(LINE - 1)..code.addr() + len).step_by(LINE);
    // SAFETY: cache maintenance by address changes no memory.
    unsafe {
        for line in lines() {
            asm!("dc cvau, {}", in(reg) line);
        }
        asm!("dsb ish");
        for line in lines() {
            asm!("ic ivau, {}", in(reg) line);
        }
        asm!("dsb ish", "isb");
    }
    // Other cores may have fetched ahead what was there.
    super::synchronise_cores();
}

pub(crate) mod float {
    //! Floating-point unit of AArch64 hosts. Not used: it detects tininess before rounding,
    //! RISC-V after it, which changes the underflow flag.

    use riscope_core::fp::{Flags, RoundingMode};

    use crate::abi::Anchor;

    /// Whether generated code may use the host's floating-point unit.
    pub(crate) const AVAILABLE: bool = false;

    /// Whether the host has fused multiply-adds.
    pub(crate) fn fuses() -> bool {
        AVAILABLE
    }

    /// Whether the host rounds to integral values in every mode.
    pub(crate) fn rounds() -> bool {
        AVAILABLE
    }

    /// Control register value for a rounding mode; 0 if the host lacks the mode.
    pub(crate) fn control(_: RoundingMode) -> u64 {
        0
    }

    /// The control register; never asked for.
    pub(crate) fn in_force() -> u64 {
        0
    }

    /// Sets the control register; never called.
    pub(crate) fn put_in_force(_: u64) {}

    /// What generated code would call.
    pub(crate) type Thunk = unsafe extern "C" fn(*mut Anchor);

    /// Stores the control register; never called.
    pub(crate) const STORE_STATUS: Thunk = nothing;

    /// Loads the control register; never called.
    pub(crate) const LOAD_CONTROL: Thunk = nothing;

    unsafe extern "C" fn nothing(_: *mut Anchor) {}

    /// The control register, whose flags are cleared; never asked for.
    pub(crate) fn take_flags() -> u64 {
        0
    }

    /// Flags accrued in the control register.
    pub(crate) fn flags(_: u64) -> Flags {
        Flags::NONE
    }
}
