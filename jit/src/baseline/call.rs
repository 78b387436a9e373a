//! Instructions without a template: generated code calls the handler of the interpreter.
//!
//! The handler works on the hart's registers in memory, so dirty ones are stored before the
//! call, and what it may have changed is loaded again when it is next used.

use std::arch::naked_asm;

use riscope_core::addr::to_usize;
use riscope_core::counters::HartActivity;
use riscope_core::hart::{Hart, HartState};
use riscope_core::interp::{BlockEnd, Flow, finish, handler};
use riscope_core::isa::{Insn, Op};

use super::cold::Stub;
use super::emitter::{Emitter, LONGEST_WAY, word};
use super::operand::{Condition, Reg, Width};
use super::poison::poison;
use super::site::CallSite;
use crate::abi::{self, CALLS_PER_SAMPLE, Leave, Resume, Word};
use crate::float_unit;

impl Emitter<'_> {
    /// Calls the handler of an instruction.
    #[expect(clippy::cast_possible_truncation, reason = "a distance in a page")]
    pub(super) fn call(&mut self, insn: Insn) {
        self.store_all();
        let site = self.call_site(CallSite {
            handler: handler(insn.op),
            operands: insn.operands,
            head: self.head.0,
            distance: self.distance(self.at()) as i16,
            uncounted: self.uncounted(),
            float: matches!(insn.op, Op::Float(..) | Op::D(_)),
            csr: matches!(insn.op, Op::Zicsr(_)),
            padding: [0; 3],
        });
        self.asm.lea_label(Reg::RDX, site);
        self.asm.call_at(word(Word::Call));
        self.asm.test(Width::Word, Reg::RAX, Reg::RAX);
        let left = self.stub(Stub::Left);
        self.asm.jump_if(Condition::NotEqual, left);
        self.forget_after_call(insn.operands.rd());
    }
}

/// What a call returns when the code behind it may go on.
pub(super) const GO_ON: u64 = 0;

/// The call thunk: called with the anchor in `rdi`, the entry address in `rsi`, a [`CallSite`]
/// in `rdx`; returns [`GO_ON`] or a [`Leave`] in `rax` and keeps what System V keeps, `rdi`
/// and `rsi`.
///
/// # Safety
/// Called by the code of a template fragment only.
#[unsafe(naked)]
pub(super) unsafe extern "sysv64" fn call_thunk() {
    naked_asm!(
        "push rdi",
        "push rsi",
        "sub rdi, {anchor}",
        "call {call_handler}",
        "pop rsi",
        "pop rdi",
        poison!(),
        "ret",
        anchor = const abi::ANCHOR,
        call_handler = sym call_handler,
    )
}

/// # Safety
/// As for [`call_thunk`].
unsafe extern "sysv64" fn call_handler(cpu: *mut HartState, entry_pc: u64, site: *const CallSite) -> u64 {
    // SAFETY: the data that `CallSite::bytes` made, never written while the code runs.
    let site = unsafe { site.read_unaligned() };
    // SAFETY: generated code passes the state that it was entered with, which the engine got
    // from `Hart::state_of`. The engine does not touch the hart while it executes generated
    // code, and that does not run before this returns.
    let hart = unsafe { &mut *Hart::of_state(cpu) };
    hart.control().set_activity(HartActivity::Handler);
    hart.counters().count_handler_call(site.operands.class());
    // SAFETY: by the caller's promise.
    let left = unsafe { handle(cpu, entry_pc, &site) };
    // SAFETY: as above.
    let hart = unsafe { &mut *Hart::of_state(cpu) };
    if left != GO_ON && left != Leave::Resume as u64 {
        hart.counters().count_exit_instruction(site.operands.class());
    }
    hart.control().set_activity(HartActivity::Code);
    left
}

/// Calls the handler and does what is due behind it.
///
/// # Safety
/// As for [`call_thunk`].
unsafe fn handle(cpu: *mut HartState, entry_pc: u64, site: &CallSite) -> u64 {
    // SAFETY: as in `call_handler`.
    let hart = unsafe { &mut *Hart::of_state(cpu) };
    let uncounted = i64::from(site.uncounted);
    let state = hart.state_mut();
    state.pc = entry_pc.wrapping_add_signed(i64::from(site.distance));
    state.countdown -= uncounted;
    if site.csr {
        float_unit::take_flags(state);
    }
    let flow = (site.handler)(hart, site.operands);
    if site.csr || site.float {
        float_unit::update(hart.state_mut());
    }
    if flow != Flow::Next {
        let left = Leave::from_end(finish(hart, flow, site.operands.length()));
        // SAFETY: the engine has set the word, and the hart is not used meanwhile.
        let left = if left == Leave::Poll { unsafe { poll(cpu) } } else { left };
        // SAFETY: as above.
        let state = unsafe { &mut *cpu };
        if left == Leave::Unchanged && flow == Flow::Resync && state.countdown >= i64::from(LONGEST_WAY) {
            // As the code behind expects: with this instruction uncounted, too.
            state.countdown += uncounted + 1;
            return GO_ON;
        }
        return if left == Leave::Unchanged { Leave::Resume as u64 } else { left as u64 };
    }
    let state = hart.state_mut();
    let sampled = site.float && is_sample(state);
    // The instruction may have ended the quantum.
    if state.countdown > 1 && !sampled {
        state.countdown += uncounted;
        return GO_ON;
    }
    if sampled {
        state.engine[Word::Promoted as usize] = site.head;
        state.engine[Word::PromotedPc as usize] = entry_pc;
    }
    let end = finish(hart, Flow::Next, site.operands.length());
    if sampled { Leave::Hot as u64 } else { left_by(end) }
}

/// Has the engine do what is due now.
///
/// # Safety
/// [`Word::Resume`] is set, and nobody uses the hart until the call returns.
unsafe fn poll(cpu: *mut HartState) -> Leave {
    // SAFETY: by the caller's promise.
    let resume = unsafe { (*cpu).engine[Word::Resume as usize] };
    let resume = std::ptr::with_exposed_provenance::<()>(to_usize(resume));
    // SAFETY: the word holds a function of this type.
    let resume = unsafe { std::mem::transmute::<*const (), Resume>(resume) };
    // SAFETY: by the caller's promise.
    Leave::from_code(unsafe { resume(cpu) })
}

/// Whether the call of a floating-point handler is one of those that promote.
fn is_sample(state: &mut HartState) -> bool {
    let calls = &mut state.engine[Word::FloatCalls as usize];
    *calls = calls.wrapping_add(1);
    calls.is_multiple_of(u64::from(CALLS_PER_SAMPLE))
}

fn left_by(end: BlockEnd) -> u64 {
    Leave::from_end(end) as u64
}

#[cfg(test)]
mod tests;
