//! Guest address to host address: the probe of the TLB, and what happens when it misses.
//!
//! ```text
//!   rax    = base + imm
//!   rcx    = tlb + (rax >> 12 & 1023) * 64
//!   rdx    = rax + size - 1 - rcx.start
//!   if rdx >= rcx.length → cold: call the refill thunk, which returns the host address in rax
//!   rax   += rcx.addend
//! ```
//!
//! The thunk saves all kept registers. If the refill finds no plain RAM, it writes the dirty
//! ones to the hart's state and leaves generated code altogether; the interpreter executes the
//! instruction again. Which are dirty is said by bytes that stand behind the call.

use std::arch::naked_asm;

use riscope_core::addr::PAGE_SHIFT;
use riscope_core::counters::HartActivity;
use riscope_core::hart::{Hart, HartState};
use riscope_core::isa::Operands;
use riscope_core::mmu::{Answer, TLB_ENTRIES};

use super::assembler::Label;
use super::cold::Cold;
use super::emitter::{Emitter, state};
use super::group::{Group, POINTER};
use super::operand::{Condition, Mem, Reg, Source, Width};
use super::registers::HOSTS;
use super::site::{JUMP_BYTES, MissSite};
use crate::abi::{self, tlb};
use crate::sys;

const SLOT_SHIFT: u8 = (PAGE_SHIFT - tlb::SLOT_SHIFT).to_le_bytes()[0];
const SLOT_MASK: i32 = abi::offset((TLB_ENTRIES - 1) << tlb::SLOT_SHIFT);

impl Emitter<'_> {
    /// Host address of the memory operand `imm(rs1)`: in [`POINTER`] within a group, otherwise in
    /// `rax`. Changes `rcx` and `rdx`.
    pub(super) fn host_pointer(&mut self, o: Operands, bytes: u8, store: bool) -> Mem {
        if self.group.is_some_and(|group| group.base == o.rs1()) {
            return Mem { base: POINTER, offset: o.imm() };
        }
        let base = self.x_in(o.rs1(), Reg::RAX);
        self.address(base, o.imm());
        let (cold, back) = (self.asm.label(), self.asm.label());
        self.probe(i32::from(bytes), store, cold);
        self.asm.bind(back);
        let site = MissSite {
            distance: self.distance(self.at()),
            uncounted: self.uncounted(),
            bytes,
            store,
            dirty: self.registers.hosts_of(self.dirty()),
        };
        self.miss(cold, back, site);
        Mem { base: Reg::RAX, offset: 0 }
    }

    /// `rax = base + distance`
    fn address(&mut self, base: Reg, distance: i32) {
        if distance == 0 {
            self.asm.mov(Reg::RAX, base);
        } else {
            self.asm.lea(Width::Double, Reg::RAX, base, distance);
        }
    }

    /// Turns `rax` into the host address if the TLB has all of these bytes from there on;
    /// otherwise goes to `cold` with `rax` unchanged. Changes `rcx` and `rdx`.
    fn probe(&mut self, bytes: i32, store: bool, cold: Label) {
        let half = if store { tlb::WRITE } else { tlb::READ };
        let entry = |offset| Mem { base: Reg::RCX, offset: half + offset };
        self.asm.mov_word(Reg::RCX, Reg::RAX);
        self.asm.shr(Width::Word, Reg::RCX, SLOT_SHIFT);
        self.asm.and(Width::Word, Reg::RCX, SLOT_MASK);
        self.asm.add(Width::Double, Reg::RCX, state(abi::TLB));
        self.asm.lea(Width::Double, Reg::RDX, Reg::RAX, bytes - 1);
        self.asm.sub(Width::Double, Reg::RDX, entry(tlb::START));
        self.asm.cmp(Width::Double, Reg::RDX, entry(tlb::LENGTH));
        self.asm.jump_if(Condition::AboveEqual, cold);
        self.asm.add(Width::Double, Reg::RAX, entry(tlb::ADDEND));
    }

    /// Probes for a group, whose first instruction is the current one.
    pub(super) fn open_group(&mut self, group: Group) {
        let base = self.x_in(group.base, Reg::RAX);
        self.address(base, group.low);
        let (label, join) = (self.asm.label(), self.asm.label());
        self.probe(group.span, group.store, label);
        self.asm.lea(Width::Double, POINTER, Reg::RAX, -group.low);
        let (loaded, dirty, uncounted) = (self.loaded, self.dirty, self.uncounted);
        self.cold.push(Cold::Group { label, group, join, loaded, dirty, uncounted });
        self.group = Some(group);
        self.join = Some(join);
    }

    /// Ends the group whose last instruction is the current one, if one ends here.
    pub(super) fn close_group(&mut self, n: usize) {
        if self.group.is_some_and(|group| group.last == n) {
            self.group = None;
            if let Some(join) = self.join.take() {
                self.asm.bind(join);
            }
        }
    }

    pub(super) fn load_from_memory(&mut self, o: Operands, bytes: u8, signed: bool) {
        let host = self.host_pointer(o, bytes, false);
        let d = self.result(o.rd(), Reg::RAX);
        self.asm.load_sized(d, host, bytes, signed);
        self.set_x(o.rd(), d);
    }

    pub(super) fn store_to_memory(&mut self, o: Operands, bytes: u8) {
        // Before the branch to the miss: it has to be loaded on both ways.
        let value = self.x(o.rs2());
        let host = self.host_pointer(o, bytes, true);
        match value {
            Source::Imm(_) => self.asm.store_zero(host, bytes),
            value => {
                let register = match value {
                    Source::Reg(register) => register,
                    other => {
                        self.asm.mov(Reg::RCX, other);
                        Reg::RCX
                    }
                };
                self.asm.store_sized(host, register, bytes);
            }
        }
    }
}

/// Kept registers and arguments as the refill thunk saves them.
const SAVED: usize = HOSTS.len() + 2;
/// Index of `rsi` among them.
const SAVED_PC: usize = HOSTS.len();

/// The refill thunk: called with the state in `rdi`, the entry address in `rsi`, the address
/// of the access in `rax`; returns its host address in `rax` and changes `rcx` and `rdx`, or
/// does not return.
///
/// # Safety
/// Called by the code of a template fragment only, with the data of a [`MissSite`] behind the
/// jump that is behind the call.
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
        "mov rdx, rsp",
        "mov rcx, [rsp + {return_address}]",
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
        "mov rdi, [rsp + {state}]",
        "jmp {abandon}",
        return_address = const 8 * SAVED,
        state = const 8 * (SAVED - 1),
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
    behind_call: *const u8,
) -> u64 {
    // SAFETY: the data of the site stands there, and is never written again while the code
    // in front of it may run.
    let data = unsafe { behind_call.add(JUMP_BYTES).cast::<[u8; MissSite::SIZE]>().read() };
    let (site, into_part) = MissSite::from_bytes(data);
    // SAFETY: generated code passes the state that it was entered with, which the engine got
    // from `Hart::state_of`. The engine does not touch the hart while it executes generated
    // code, and that does not run before this returns.
    let hart = unsafe { &mut *Hart::of_state(cpu) };
    hart.control().set_activity(HartActivity::Refill);
    let answer = hart.ask(va, u64::from(site.bytes), site.access());
    hart.control().set_activity(HartActivity::Code);
    if let Answer::Ram(host) = answer {
        return host.expose_provenance() as u64;
    }
    // SAFETY: the part starts with its header.
    let guests = unsafe { behind_call.sub(into_part).cast::<[u8; HOSTS.len()]>().read() };
    // SAFETY: the thunk saved them there.
    let saved = unsafe { &*saved };
    let state = hart.state_mut();
    for (index, guest) in guests.into_iter().enumerate().filter(|(index, _)| site.dirty >> index & 1 != 0) {
        state.x[usize::from(guest)] = saved[index];
    }
    state.pc = saved[SAVED_PC].wrapping_add_signed(i64::from(site.distance));
    state.countdown -= i64::from(site.uncounted);
    0
}
