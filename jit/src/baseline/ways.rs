//! What the code of templates jumps to, or calls, on its way out: what all fragments have in common
//! of it.

use std::arch::naked_asm;

use super::poison::poison;
use crate::abi::{self, Leave, WayOn, Word};
use crate::jump_cache;

/// The code that hands what it cannot do to the engine: calls the function in an engine word, an
/// [`Ask`](crate::abi::Ask), with the anchor in `rdi`, an address in `rsi` and everything else in
/// memory, and goes on where that says. The last call on the host's stack is where
/// [`enter`](crate::sys::enter) says, one word further up behind the `push`.
macro_rules! ask {
    ($word:expr) => {
        naked_asm!(
            "push rdi", // which also aligns the stack
            "mov rdx, [rsp + 16]",
            "mov rax, [rdi + {function}]",
            "sub rdi, {anchor}",
            "call rax",
            "pop rdi",
            "test rax, rax",
            "je 3f",
            "cmp edx, {unchanged}",
            "je 2f",
            // Addresses may translate differently from here on: forget calls.
            "mov rsp, [rdi + {host_stack}]",
            "2:",
            "mov rsi, [rdi + {pc}]",
            poison!(),
            "jmp rax",
            "3:",
            "mov eax, edx",
            "mov rsp, [rdi + {host_stack}]",
            "ret",
            function = const abi::word($word),
            anchor = const abi::ANCHOR,
            unchanged = const Leave::Unchanged as u64,
            host_stack = const abi::word(Word::HostStack),
            pc = const abi::PC,
        )
    };
}

const _: () = assert!(size_of::<WayOn>() == 16, "System V returns it in rax and rdx");

/// The find thunk: jumped to or called, as a translation, for an address that the jump cache does
/// not know.
///
/// # Safety
/// Entered by the code of templates only.
#[unsafe(naked)]
pub(super) unsafe extern "sysv64" fn find_thunk() {
    ask!(Word::Find)
}

/// The resolve thunk of templates: jumped to or called, as a translation, for an address that has
/// no code.
///
/// # Safety
/// Entered by generated code only.
#[unsafe(naked)]
pub(super) unsafe extern "sysv64" fn resolve_thunk() {
    ask!(Word::Absent)
}

/// The across thunk: jumped to for the instruction at the address in `rsi`, whose second half is on
/// the next page.
///
/// # Safety
/// Entered by the code of templates only.
#[unsafe(naked)]
pub(super) unsafe extern "sysv64" fn across_thunk() {
    ask!(Word::Across)
}

/// The quantum thunk: jumped to at the address in `rsi` when the quantum does not suffice for what
/// is there.
///
/// # Safety
/// Entered by the code of templates only.
#[unsafe(naked)]
pub(super) unsafe extern "sysv64" fn quantum_thunk() {
    ask!(Word::Renew)
}

/// The return thunk: jumped to, as a translation, for the address behind the last call on the
/// host's stack.
///
/// # Safety
/// Entered by [`ask`] only.
#[unsafe(naked)]
pub(super) unsafe extern "sysv64" fn return_thunk() {
    naked_asm!("ret")
}

/// The leave thunk of templates: jumped to with the anchor in `rdi`, the address of the next
/// instruction in `rsi` and a [`Leave`] in `eax`.
///
/// # Safety
/// As for [`find_thunk`].
#[unsafe(naked)]
pub(super) unsafe extern "sysv64" fn leave_thunk() {
    naked_asm!(
        "mov [rdi + {pc}], rsi",
        "mov rsp, [rdi + {host_stack}]",
        "ret",
        pc = const abi::PC,
        host_stack = const abi::word(Word::HostStack),
    )
}

/// Jumped to with what the call thunk returned in `eax`, if that is not
/// [`GO_ON`](super::call::GO_ON). All calls are taken off the host's stack: addresses may translate
/// differently from here on.
///
/// # Safety
/// As for [`find_thunk`].
#[unsafe(naked)]
pub(super) unsafe extern "sysv64" fn left_thunk() {
    naked_asm!(
        "mov rsp, [rdi + {host_stack}]",
        "cmp eax, {resume}",
        "jne 2f",
        "mov rsi, [rdi + {pc}]",
        "jmp {jump}",
        "2:",
        "ret",
        host_stack = const abi::word(Word::HostStack),
        resume = const Leave::Resume as u64,
        pc = const abi::PC,
        jump = sym jump_thunk,
    )
}

/// The jump thunk: jumped to with the anchor in `rdi`; goes to the address in `rsi`. The calls on
/// the host's stack stay.
///
/// # Safety
/// As for [`find_thunk`].
#[unsafe(naked)]
unsafe extern "sysv64" fn jump_thunk() {
    naked_asm!(
        "mov eax, esi",
        "shl eax, {pc_to_slot}",
        "and eax, [rdi + {mask}]",
        "add rax, [rdi + {table}]",
        "cmp rsi, [rax + {pc}]",
        "jne 2f",
        "jmp [rax + {code}]",
        "2:",
        "jmp {find_thunk}",
        pc_to_slot = const jump_cache::PC_TO_SLOT,
        mask = const abi::word(Word::JumpMask),
        table = const abi::word(Word::JumpCache),
        pc = const jump_cache::PC,
        code = const jump_cache::CODE,
        find_thunk = sym find_thunk,
    )
}
