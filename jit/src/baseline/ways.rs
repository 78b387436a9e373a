//! What the code of templates jumps to, or calls, on its way out: what all fragments have in common
//! of it.

use std::arch::naked_asm;

use super::poison::poison;
use crate::abi::{self, Leave, Word};
use crate::jump_cache;

/// The find thunk: called with the anchor in `rdi` and an address in `rsi`; returns in `rax` the
/// code to go on with and keeps `rdi` and `rsi`.
///
/// # Safety
/// Called by the code of a template fragment only.
#[unsafe(naked)]
pub(super) unsafe extern "sysv64" fn find_thunk() {
    naked_asm!(
        "push rdi",
        "push rsi",
        "mov rax, [rdi + {find}]",
        "sub rdi, {anchor}",
        "call rax",
        "pop rsi",
        "pop rdi",
        poison!(),
        "test rax, rax",
        "jne 2f",
        "lea rax, [rip + {look_up}]",
        "2:",
        "ret",
        find = const abi::word(Word::Find),
        anchor = const abi::ANCHOR,
        look_up = sym look_up,
    )
}

/// The code for an address without code: the dispatcher's turn.
///
/// # Safety
/// Jumped to or called, as a translation, by generated code only.
#[unsafe(naked)]
unsafe extern "sysv64" fn look_up() {
    naked_asm!("mov eax, {look_up}", "jmp {leave}", look_up = const Leave::Lookup as u64, leave = sym leave_thunk)
}

/// The leave thunk of templates: jumped to with the anchor in `rdi`, the address of the next
/// instruction in `rsi` and a [`Leave`] in `eax`.
///
/// # Safety
/// As for [`look_up`].
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
/// As for [`look_up`].
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
/// As for [`look_up`].
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
        "call {find_thunk}",
        "jmp rax",
        pc_to_slot = const jump_cache::PC_TO_SLOT,
        mask = const abi::word(Word::JumpMask),
        table = const abi::word(Word::JumpCache),
        pc = const jump_cache::PC,
        code = const jump_cache::CODE,
        find_thunk = sym find_thunk,
    )
}
