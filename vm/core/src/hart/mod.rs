//! One RISC-V hart: registers, CSRs, privilege, traps, time.
//!
//! | file | holds |
//! |---|---|
//! | `state.rs` | what generated code addresses |
//! | `csr/` | control and status registers, one row each |
//! | `trap_entry.rs` | taking and returning from traps |
//! | `access.rs` | data accesses of instructions |
//! | `translation.rs` | what the registers mean for the MMU |
//! | `interrupt.rs` | pending interrupts, timers, `wfi` |
//! | `control.rs` | what other threads may do to a hart; `sample.rs` what they may ask it |
//!
//! A hart is owned by one thread. It knows no engine: an engine borrows it.

mod access;
mod control;
pub mod csr;
mod interrupt;
mod reset;
mod sample;
mod state;
mod translation;
mod trap_entry;

use std::mem::offset_of;
use std::sync::Arc;

use crate::addr::GuestAddr;
use crate::clock::Clock;
use crate::counters::CounterPage;
use crate::event::Tier;
use crate::mem::GuestRam;
use crate::mmio::MmioMap;
use crate::mmu::{Mmu, MmuType};

pub use crate::arch::{Exception, ExceptionCause, Interrupt, PrivilegeMode, status};
pub use control::{Attention, HartControl, Taken};
use csr::file::CsrFile;
pub use interrupt::Polled;
pub use sample::HartSample;
pub use state::HartState;

/// Pace of a manual clock: 100 instructions a tick are 10^9 a second.
const INSTRUCTIONS_PER_TICK: u64 = 100;

/// What a hart is made of and connected to.
#[derive(Clone, Debug)]
pub struct HartConfig {
    /// `mhartid`, 0 to 7.
    pub id: usize,
    /// Guest memory.
    pub ram: Arc<GuestRam>,
    /// Devices.
    pub mmio: Arc<MmioMap>,
    /// The part that other threads may touch.
    pub control: Arc<HartControl>,
    /// Where the hart counts what it does.
    pub counters: Arc<CounterPage>,
    /// Time base.
    pub clock: Clock,
    /// Whether `ecall` from S-mode leaves the engine ([`crate::engine::Exit::SbiCall`])
    /// instead of trapping into M-mode.
    pub sbi: bool,
    /// Page tables it has.
    pub mmu: MmuType,
}

impl HartConfig {
    /// Hart 0 of a machine with memory and nothing else: what tests and benchmarks of
    /// engines need. It has every kind of page table, and `ecall` traps.
    #[must_use]
    pub fn alone(ram: Arc<GuestRam>, clock: Clock) -> Self {
        Self {
            id: 0,
            ram,
            mmio: Arc::default(),
            control: Arc::default(),
            counters: Arc::default(),
            clock,
            sbi: false,
            mmu: MmuType::Sv57,
        }
    }
}

/// One hart. Fields are crate-visible: CSRs, traps, MMU and interpreter are
/// parts of the same unit in different files.
#[derive(Debug)]
pub struct Hart {
    pub(crate) state: HartState,
    pub(crate) mode: PrivilegeMode,
    pub(crate) csr: CsrFile,
    pub(crate) mmu: Mmu,
    /// `countdown` plus instructions retired since reset.
    pub(crate) retire_limit: u64,
    /// Retired instructions that were already attributed to a tier.
    counted: u64,
    /// Instructions of the current quantum.
    quantum: i64,
    /// Retired instructions that did not yet make a tick of a manual clock.
    tick_remainder: u64,
    /// Exception of the instruction that ended with [`crate::interp::Flow::Trap`].
    pub(crate) exception: Exception,
    pub(crate) config: HartConfig,
}

impl Hart {
    /// A hart in reset state: M-mode, `pc` 0, translation and interrupts off.
    pub fn new(config: HartConfig) -> Self {
        let mut hart = Self {
            state: HartState::default(),
            mode: PrivilegeMode::Machine,
            csr: CsrFile::default(),
            mmu: Mmu::new(Arc::clone(&config.ram), Arc::clone(&config.counters), config.id),
            retire_limit: 0,
            counted: 0,
            quantum: 0,
            tick_remainder: 0,
            exception: Exception::new(ExceptionCause::IllegalInstruction, 0),
            config,
        };
        hart.reset(GuestAddr(0), PrivilegeMode::Machine, 0, 0);
        hart
    }

    /// `mhartid`.
    pub fn id(&self) -> usize {
        self.config.id
    }

    /// What other threads may touch.
    pub fn control(&self) -> &Arc<HartControl> {
        &self.config.control
    }

    /// Where the hart counts what it does.
    pub fn counters(&self) -> &Arc<CounterPage> {
        &self.config.counters
    }

    /// Guest memory.
    pub fn ram(&self) -> &Arc<GuestRam> {
        &self.config.ram
    }

    /// Time base.
    pub fn clock(&self) -> &Clock {
        &self.config.clock
    }

    /// Integer register `n`, 0 to 31.
    pub fn x(&self, n: usize) -> u64 {
        self.state.x[n & 31]
    }

    /// Sets integer register `n`; a write to `x0` has no effect.
    #[inline(always)]
    pub fn set_x(&mut self, n: usize, value: u64) {
        self.state.x[n & 31] = value;
        self.state.x[0] = 0;
    }

    /// Floating-point register `n`, 0 to 31, as raw bits.
    pub fn f(&self, n: usize) -> u64 {
        self.state.f[n & 31]
    }

    /// Sets floating-point register `n` to raw bits.
    pub fn set_f(&mut self, n: usize, value: u64) {
        self.state.f[n & 31] = value;
    }

    /// Address of the next instruction.
    pub fn pc(&self) -> GuestAddr {
        GuestAddr(self.state.pc)
    }

    /// Continues at `pc`.
    pub fn set_pc(&mut self, pc: GuestAddr) {
        self.state.pc = pc.0;
    }

    /// Current privilege mode.
    pub fn mode(&self) -> PrivilegeMode {
        self.mode
    }

    /// The state that generated code works on.
    pub fn state(&self) -> &HartState {
        &self.state
    }

    /// Address of the state of the hart at `hart`, for generated code. Only
    /// [`Hart::of_state`] may lead back to the hart while that code runs.
    pub fn state_of(hart: *mut Self) -> *mut HartState {
        hart.wrapping_byte_add(offset_of!(Self, state)).cast()
    }

    /// Address of the hart whose state is at `state`, as far as [`Hart::state_of`] gave that.
    pub fn of_state(state: *mut HartState) -> *mut Self {
        state.wrapping_byte_sub(offset_of!(Self, state)).cast()
    }

    /// Mutable access for an engine. The engine keeps `x[0]` zero and leaves
    /// `tlb` alone.
    pub fn state_mut(&mut self) -> &mut HartState {
        &mut self.state
    }

    /// Instructions retired since reset.
    #[expect(clippy::cast_sign_loss, reason = "a negative countdown means more were retired than planned")]
    pub fn instructions_retired(&self) -> u64 {
        self.retire_limit.wrapping_sub(self.state.countdown as u64)
    }

    /// Lets `instructions` more retire before the engine has to return to the
    /// runtime.
    pub fn start_quantum(&mut self, instructions: u32) {
        let retired = self.instructions_retired();
        self.quantum = i64::from(instructions);
        self.state.countdown = self.quantum;
        self.retire_limit = retired.wrapping_add(u64::from(instructions));
    }

    /// Instructions of the quantum that are used up. Moves a manual clock on by
    /// the time that they stand for.
    #[expect(clippy::cast_sign_loss, reason = "the countdown never rises above the quantum")]
    pub fn finish_quantum(&mut self) -> u64 {
        let used = (self.quantum - self.state.countdown) as u64;
        if self.config.clock.is_manual() {
            let instructions = self.tick_remainder + used;
            self.config.clock.advance(instructions / INSTRUCTIONS_PER_TICK);
            self.tick_remainder = instructions % INSTRUCTIONS_PER_TICK;
        }
        used
    }

    /// Attributes the instructions retired since the last call to `tier`.
    pub fn count_retired(&mut self, tier: Tier) {
        let retired = self.instructions_retired();
        self.config.counters.count_instructions(tier, retired.wrapping_sub(self.counted));
        self.counted = retired;
    }

    /// Uses up one instruction of the quantum without retiring any, so that a
    /// guest that only traps still returns to the runtime.
    pub(crate) fn spend_without_retiring(&mut self) {
        self.state.countdown -= 1;
        self.retire_limit = self.retire_limit.wrapping_sub(1);
    }

    /// Whether floating-point instructions are allowed (`mstatus.FS` is not off).
    #[inline]
    pub(crate) fn float_enabled(&self) -> bool {
        self.state.status & status::FS != 0
    }

    /// Floating-point state was written.
    #[inline]
    pub(crate) fn mark_float_dirty(&mut self) {
        self.state.status |= status::FS;
    }
}
