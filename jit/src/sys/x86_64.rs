//! x86-64: System V calls, coherent instruction caches.

use std::arch::naked_asm;

use riscope_core::hart::HartState;

use crate::abi::{self, Leave, Word};

const HOST_STACK: i32 = abi::word(Word::HostStack);

/// Calls the entry thunk `thunk(cpu, code, pc)` with the registers saved that the
/// caller expects back, and notes the stack pointer for [`abandon`].
///
/// # Safety
/// `cpu` is the state of the calling thread's hart with all engine words set,
/// `code` is a translation for `pc`, `thunk` is the entry thunk.
#[unsafe(naked)]
pub(crate) unsafe extern "sysv64" fn enter(cpu: *mut HartState, code: *const u8, pc: u64, thunk: *const u8) -> u64 {
    naked_asm!(
        "push rbp",
        "mov rbp, rsp",
        "push rbx",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        "push rax", // keeps the stack 16-byte aligned at the call
        "mov [rdi + {host_stack}], rsp",
        "call rcx",
        "add rsp, 8",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbx",
        "pop rbp",
        "ret",
        host_stack = const HOST_STACK,
    )
}

/// Leaves generated code from the depth of a helper: [`enter`] returns
/// [`Leave::Abandoned`] to its caller.
///
/// # Safety
/// Called by a thunk below an active [`enter`] with the same `cpu`, with no Rust
/// frame in between.
#[unsafe(naked)]
pub(crate) unsafe extern "sysv64" fn abandon(cpu: *mut HartState) -> ! {
    naked_asm!(
        "mov rsp, [rdi + {host_stack}]",
        "mov eax, {abandoned}",
        "add rsp, 8",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbx",
        "pop rbp",
        "ret",
        host_stack = const HOST_STACK,
        abandoned = const Leave::Abandoned as u64,
    )
}

/// Instruction fetch is coherent with stores on this host.
pub(crate) fn make_visible(_code: *const u8, _len: usize) {}
