//! What the code of templates calls for an access that the TLB may not have.
//!
//! The refill thunk saves all kept registers. If the refill finds no plain RAM, it writes the
//! dirty ones to the hart's state and leaves generated code altogether; the interpreter executes
//! the instruction again.

use std::arch::naked_asm;

use riscope_core::counters::HartActivity;
use riscope_core::hart::{Hart, HartState};
use riscope_core::mmu::Answer;

use super::memory::{SLOT_MASK, VA_TO_SLOT};
use super::registers::{HOSTS, guest_in};
use super::site::{BLOCK_BYTES, Demand, MissSite};
use crate::abi::{self, tlb};
use crate::sys;

/// The probe thunk: as [`refill_thunk`], but looks into the TLB first.
///
/// # Safety
/// As for [`refill_thunk`].
#[unsafe(naked)]
pub(super) unsafe extern "sysv64" fn probe_thunk() {
    naked_asm!(
        "push rdx",
        "push rcx",
        "mov edx, eax",
        "shr edx, {va_to_slot}",
        "and edx, {slot_mask}",
        "add rdx, [rdi + {tlb}]",
        "and ecx, {store}",
        "imul ecx, ecx, {write_per_store}",
        "add rdx, rcx",
        "mov ecx, [rsp]",
        "and ecx, {more_bytes}",
        "add rcx, rax",
        "sub rcx, [rdx + {start}]",
        "cmp rcx, [rdx + {length}]",
        "jae 2f",
        "add rax, [rdx + {addend}]",
        "add rsp, 16",
        "ret",
        "2:",
        "pop rcx",
        "pop rdx",
        "jmp {refill_thunk}",
        va_to_slot = const VA_TO_SLOT,
        slot_mask = const SLOT_MASK,
        tlb = const abi::TLB,
        store = const MissSite::STORE,
        write_per_store = const (tlb::WRITE - tlb::READ) / MissSite::STORE,
        more_bytes = const MissSite::MORE_BYTES,
        start = const tlb::READ + tlb::START,
        length = const tlb::READ + tlb::LENGTH,
        addend = const tlb::READ + tlb::ADDEND,
        refill_thunk = sym refill_thunk,
    )
}
const _: () = assert!((tlb::WRITE - tlb::READ) % MissSite::STORE == 0);

/// Kept registers and arguments as the refill thunk saves them.
const SAVED: usize = HOSTS.len() + 2;
/// Index of `rsi` among them.
const SAVED_PC: usize = HOSTS.len();

/// The refill thunk: called with the anchor in `rdi`, the entry address in `rsi`, the address
/// of the access in `rax`, its [`MissSite`] in `ecx` and the fragment's [`Registers::guests`] in
/// `rdx`; returns its host address in `rax` and changes `rcx` and `rdx`, or does not return.
///
/// # Safety
/// Called by the code of a template fragment only.
#[unsafe(naked)]
pub(super) unsafe extern "sysv64" fn refill_thunk() {
    naked_asm!(
        // In the order of HOSTS, upwards.
        "push rdi",
        "push rsi",
        "push r11",
        "push r10",
        "push r9",
        "push r8",
        "push r15",
        "push r14",
        "push r13",
        "push r12",
        "push rbp",
        "push rbx",
        "mov rsi, rax",
        "mov r8, rdx",
        "mov rdx, rsp",
        "sub rdi, {anchor}",
        "call {refill}",
        "test rax, rax",
        "je 2f",
        "pop rbx",
        "pop rbp",
        "pop r12",
        "pop r13",
        "pop r14",
        "pop r15",
        "pop r8",
        "pop r9",
        "pop r10",
        "pop r11",
        "pop rsi",
        "pop rdi",
        "ret",
        "2:",
        "mov rdi, [rsp + {saved_anchor}]",
        "jmp {abandon}",
        saved_anchor = const 8 * (SAVED - 1),
        anchor = const abi::ANCHOR,
        refill = sym refill,
        abandon = sym sys::abandon,
    )
}

/// The slow path of a data access: its host address, or 0 with the hart as it was before the
/// instruction, and with the answer kept for the interpreter.
///
/// It runs under the guest's rounding mode and must not do floating point.
///
/// # Safety
/// As for [`refill_thunk`], which saved the registers at `saved`.
unsafe extern "sysv64" fn refill(
    cpu: *mut HartState,
    va: u64,
    saved: *const [u64; SAVED],
    site: i32,
    guests: u64,
) -> u64 {
    let site = MissSite::unpack(site);
    // SAFETY: generated code passes the state that it was entered with, which the engine got
    // from `Hart::state_of`. The engine does not touch the hart while it executes generated
    // code, and that does not run before this returns.
    let hart = unsafe { &mut *Hart::of_state(cpu) };
    hart.control().set_activity(HartActivity::Refill);
    let host = answer(hart, va, site);
    hart.control().set_activity(HartActivity::Code);
    if let Some(host) = host {
        return host.expose_provenance() as u64;
    }
    // SAFETY: the thunk saved them there.
    let saved = unsafe { &*saved };
    let state = hart.state_mut();
    for index in (0..HOSTS.len()).filter(|index| site.dirty >> index & 1 != 0) {
        state.x[guest_in(guests, index)] = saved[index];
    }
    state.pc = saved[SAVED_PC].wrapping_add_signed(i64::from(site.distance));
    state.countdown -= i64::from(site.uncounted);
    0
}

/// Host address of an access, if all that it demands is there.
fn answer(hart: &mut Hart, va: u64, site: MissSite) -> Option<*mut u8> {
    let bytes = u64::from(site.bytes);
    if site.demand == Demand::Alignment && !va.is_multiple_of(bytes) {
        return None;
    }
    let Answer::Ram(host) = hart.ask(va, bytes, site.access()) else { return None };
    let whole = site.demand != Demand::Block || hart.may_store(va, u64::from(BLOCK_BYTES));
    whole.then_some(host)
}
