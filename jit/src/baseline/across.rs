//! Instructions whose second half is on the next page. The interpreter executes them as a whole,
//! called from generated code, which goes on where that says: nothing of the next page becomes
//! part of the translation.

use std::arch::naked_asm;

use super::emitter::{Emitter, word};
use super::poison::poison;
use crate::abi::{self, Leave, WayOn, Word};

impl Emitter<'_> {
    /// Has the current instruction executed, and goes on behind it.
    pub(super) fn across(&mut self) {
        self.store_all();
        self.count(self.uncounted);
        let distance = self.distance(self.at());
        self.move_pc(distance);
        self.asm.jump_at(word(Word::AcrossThunk));
    }
}

const _: () = assert!(size_of::<WayOn>() == 16, "System V returns it in rax and rdx");

/// The across thunk: jumped to with the anchor in `rdi`, the address of the instruction in `rsi`
/// and everything else in memory. Goes on at the hart's `pc`, or leaves.
///
/// # Safety
/// Jumped to by the code of a template fragment only.
#[unsafe(naked)]
pub(super) unsafe extern "sysv64" fn across_thunk() {
    naked_asm!(
        "push rdi", // which also aligns the stack
        "mov rax, [rdi + {across}]",
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
        anchor = const abi::ANCHOR,
        across = const abi::word(Word::Across),
        unchanged = const Leave::Unchanged as u64,
        host_stack = const abi::word(Word::HostStack),
        pc = const abi::PC,
    )
}
