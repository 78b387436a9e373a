//! x86-64 host: System V entry and exit, SSE floating point.

use std::arch::naked_asm;

use crate::abi::{self, Anchor, Leave, Word};

const HOST_STACK: i32 = abi::word(Word::HostStack);
const CALL_LIMIT: i32 = abi::word(Word::CallLimit);
const FLOAT_CONTROL: i32 = abi::word(Word::FloatControl);
const HOST_FLOAT_CONTROL: i32 = abi::word(Word::HostFloatControl);

/// Restores the host's floating-point control register, given the address of the state and
/// the saved registers on the stack, and returns. Preserves `rax`.
macro_rules! return_to_host {
    () => {
        concat!(
            "add rsp, 16\n",
            "pop rdi\n",
            "cmp dword ptr [rdi + {float_control}], 0\n",
            "je 2f\n",
            "stmxcsr [rdi + {float_control}]\n",
            "ldmxcsr [rdi + {host_float_control}]\n",
            "2:\n",
            "pop r15\n",
            "pop r14\n",
            "pop r13\n",
            "pop r12\n",
            "pop rbx\n",
            "pop rbp\n",
            "ret",
        )
    };
}

/// Calls of the guest that generated code has on the host's stack at most, and the bytes of
/// one: the guest's return address and the host's.
const CALLS: i32 = 512;
const CALL_BYTES: i32 = 16;

/// What stands where a call has its guest's return address: no such address.
const NO_RETURN_ADDRESS: i32 = 1;

/// Calls the translation `code` for `pc`: saves the callee-saved registers, records
/// the stack pointer for [`leave`], and loads the guest's floating-point control register
/// unless it is 0.
///
/// # Safety
/// `cpu` is the anchor of the state of the calling thread's hart with all engine words set,
/// `code` is a translation for `pc`. The entry thunk is not needed here: arguments of
/// Cranelift's `tail` convention are where System V has them.
#[unsafe(naked)]
pub(crate) unsafe extern "sysv64" fn enter(cpu: *mut Anchor, code: *const u8, pc: u64, _thunk: *const u8) -> u64 {
    naked_asm!(
        "push rbp",
        "mov rbp, rsp",
        "push rbx",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        "push rdi", // which also keeps the stack 16-byte aligned at the call
        "push {no_return_address}", // twice for the alignment
        "push {no_return_address}",
        "lea rax, [rsp - 8]", // where the return address will be
        "mov [rdi + {host_stack}], rax",
        "sub rax, {calls}",
        "mov [rdi + {call_limit}], rax",
        "cmp dword ptr [rdi + {float_control}], 0",
        "je 2f",
        "stmxcsr [rdi + {host_float_control}]",
        "ldmxcsr [rdi + {float_control}]",
        "2:",
        "mov rax, rsi",
        "mov rsi, rdx",
        "call rax",
        return_to_host!(),
        host_stack = const HOST_STACK,
        call_limit = const CALL_LIMIT,
        calls = const CALLS * CALL_BYTES,
        no_return_address = const NO_RETURN_ADDRESS,
        float_control = const FLOAT_CONTROL,
        host_float_control = const HOST_FLOAT_CONTROL,
    )
}

/// The leave thunk, if it is not the compiled one.
pub(crate) const LEAVE: Option<unsafe extern "sysv64" fn(*mut Anchor, u64) -> u64> = Some(leave);

/// How generated code returns: [`enter`] returns `code`, whatever calls are on the stack.
///
/// # Safety
/// Jumped to by generated code within an active [`enter`] with the same `cpu`.
#[unsafe(naked)]
unsafe extern "sysv64" fn leave(cpu: *mut Anchor, code: u64) -> u64 {
    naked_asm!("mov rax, rsi", "mov rsp, [rdi + {host_stack}]", "ret", host_stack = const HOST_STACK)
}

/// Unwinds from a helper out of generated code: [`enter`] returns [`Leave::Abandoned`].
///
/// # Safety
/// Called by a thunk within an active [`enter`] with the same `cpu`, with no Rust frame in
/// between.
#[unsafe(naked)]
pub(crate) unsafe extern "sysv64" fn abandon(cpu: *mut Anchor) -> ! {
    naked_asm!(
        "mov eax, {abandoned}",
        "mov rsp, [rdi + {host_stack}]",
        "ret",
        host_stack = const HOST_STACK,
        abandoned = const Leave::Abandoned as u64,
    )
}

/// No operation: instruction fetch is coherent with stores on this host.
pub(crate) fn make_visible(_code: *const u8, _len: usize) {}

pub(crate) mod float {
    //! MXCSR: exception flags, exception masks and rounding mode.

    use std::arch::{asm, naked_asm};

    use riscope_core::fp::{Flags, RoundingMode};

    use super::FLOAT_CONTROL;
    use crate::abi::{self, Anchor, Word};

    /// Whether generated code may use the host's floating-point unit.
    pub(crate) const AVAILABLE: bool = true;

    /// All exceptions masked, no flag set, denormals enabled.
    const MASKED: u64 = 0x1f80;
    const ROUNDING_SHIFT: u32 = 13;

    /// Whether the host has fused multiply-adds, by Cranelift's own criterion.
    pub(crate) fn fuses() -> bool {
        std::arch::is_x86_feature_detected!("fma")
    }

    /// Whether the host rounds to integral values in every mode, by Cranelift's own
    /// criterion.
    pub(crate) fn rounds() -> bool {
        std::arch::is_x86_feature_detected!("sse4.1")
    }

    /// MXCSR for a rounding mode; 0 if the host lacks the mode.
    pub(crate) fn control(mode: RoundingMode) -> u64 {
        let rounding = match mode {
            RoundingMode::NearestEven => 0,
            RoundingMode::Down => 1,
            RoundingMode::Up => 2,
            RoundingMode::TowardZero => 3,
            RoundingMode::NearestMaxMagnitude => return 0,
        };
        MASKED | rounding << ROUNDING_SHIFT
    }

    /// MXCSR.
    pub(crate) fn in_force() -> u64 {
        let mut control = 0u32;
        // SAFETY: stores four bytes at the address that it is given.
        unsafe { asm!("stmxcsr [{}]", in(reg) &raw mut control, options(nostack, preserves_flags)) };
        u64::from(control)
    }

    /// Sets MXCSR to what [`control`] or [`in_force`] gave.
    #[expect(clippy::cast_possible_truncation, reason = "the register has 32 bits")]
    pub(crate) fn put_in_force(control: u64) {
        let control = control as u32;
        // SAFETY: exceptions are masked in all values of either origin. The compiler assumes
        // the default rounding mode, which matters for floating-point code only; between
        // here and the return to generated code there is none.
        unsafe { asm!("ldmxcsr [{}]", in(reg) &raw const control, options(nostack, preserves_flags, readonly)) };
    }

    /// Called by generated code with the anchor of its hart's state; changes no other register than
    /// MXCSR.
    pub(crate) type Thunk = unsafe extern "sysv64" fn(*mut Anchor);

    /// Stores MXCSR to [`Word::FloatStatus`].
    pub(crate) const STORE_STATUS: Thunk = store_status;

    /// Loads MXCSR from [`Word::FloatControl`].
    pub(crate) const LOAD_CONTROL: Thunk = load_control;

    #[unsafe(naked)]
    unsafe extern "sysv64" fn store_status(cpu: *mut Anchor) {
        naked_asm!("stmxcsr [rdi + {status}]", "ret", status = const abi::word(Word::FloatStatus))
    }

    #[unsafe(naked)]
    unsafe extern "sysv64" fn load_control(cpu: *mut Anchor) {
        naked_asm!("ldmxcsr [rdi + {control}]", "ret", control = const FLOAT_CONTROL)
    }

    /// MXCSR, whose flags are cleared.
    pub(crate) fn take_flags() -> u64 {
        let control = in_force();
        put_in_force(control & !0x3f);
        control
    }

    /// Flags accrued in MXCSR. Its denormal-operand flag has no RISC-V counterpart.
    pub(crate) fn flags(control: u64) -> Flags {
        const BITS: [(u64, Flags); 5] =
            [(1 << 0, Flags::NV), (1 << 2, Flags::DZ), (1 << 3, Flags::OF), (1 << 4, Flags::UF), (1 << 5, Flags::NX)];
        BITS.into_iter().filter(|(bit, _)| control & bit != 0).fold(Flags::NONE, |all, (_, flag)| all | flag)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn flags_and_modes_have_their_places() {
            assert_eq!(flags(0x1f80), Flags::NONE);
            assert_eq!(flags(0x1f80 | 1 << 1), Flags::NONE, "a denormal operand");
            assert_eq!(flags(0x3f), Flags::from_bits(0x1f));
            assert_eq!(control(RoundingMode::TowardZero), 0x7f80);
            assert_eq!(control(RoundingMode::NearestMaxMagnitude), 0);
        }
    }
}
