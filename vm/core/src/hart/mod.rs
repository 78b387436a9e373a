//! RISC-V hart: registers, CSRs, privilege modes, traps and time.
//!
//! | file | holds |
//! |---|---|
//! | `state.rs` | state addressed by generated code |
//! | `csr/` | control and status registers, one row each |
//! | `trap_entry.rs` | trap entry and return |
//! | `access.rs` | data accesses of instructions |
//! | `translation.rs` | address translation as configured by the registers |
//! | `interrupt.rs` | pending interrupts, timers, `wfi` |
//! | `control.rs`, `fence.rs`, `sample.rs` | requests and queries of other threads |
//! | `profile.rs`, `stack.rs` | samples for a profile of the guest, with its call stack |
//!
//! One thread owns a hart. The hart knows no engine: an engine borrows it.

mod access;
mod control;
pub mod csr;
mod fence;
mod interrupt;
mod profile;
mod reset;
mod sample;
mod stack;
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
pub use fence::RemoteFence;
pub use interrupt::Polled;
use profile::Sampling;
pub use profile::{ProfileQueue, ProfileSample};
pub use sample::HartSample;
pub use stack::{CallStack, MAX_FRAMES, StackEnd, is_user_address};
pub use state::{HartState, permission};

/// Rate of a manual clock in instructions per tick: 10^9 instructions a second.
const INSTRUCTIONS_PER_TICK: u64 = 100;

/// Configuration and connections of a hart.
#[derive(Clone, Debug)]
pub struct HartConfig {
    /// `mhartid`, 0 to 7.
    pub id: usize,
    /// Guest memory.
    pub ram: Arc<GuestRam>,
    /// Devices.
    pub mmio: Arc<MmioMap>,
    /// State that other threads may access.
    pub control: Arc<HartControl>,
    /// Counter page of the hart.
    pub counters: Arc<CounterPage>,
    /// Time base.
    pub clock: Clock,
    /// Whether `ecall` from S-mode leaves the engine ([`crate::engine::Exit::SbiCall`])
    /// instead of trapping into M-mode.
    pub sbi: bool,
    /// Deepest page tables that it supports.
    pub mmu: MmuType,
}

impl HartConfig {
    /// Hart 0 of a machine that has only memory, for tests and benchmarks of engines.
    /// Supports every page table format; `ecall` traps.
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

/// RISC-V hart. Fields are crate-visible because CSRs, traps, MMU and interpreter are parts
/// of the same unit.
#[derive(Debug)]
pub struct Hart {
    pub(crate) state: HartState,
    pub(crate) mode: PrivilegeMode,
    pub(crate) csr: CsrFile,
    pub(crate) mmu: Mmu,
    /// Instructions retired since reset, plus `countdown`.
    pub(crate) retire_limit: u64,
    /// Retired instructions already attributed to a tier.
    counted: u64,
    /// Retired instructions already attributed to a privilege mode.
    counted_by_mode: u64,
    /// Length of the current quantum in instructions.
    quantum: i64,
    /// Longest that it may become.
    longest_quantum: u64,
    /// Instructions of the current quantum that a manual clock has seen.
    ticked: i64,
    /// Retired instructions not yet converted to ticks of a manual clock.
    tick_remainder: u64,
    /// Sample for a profile that is due.
    sampling: Sampling,
    /// Exception of the instruction that returned [`crate::interp::Flow::Trap`].
    pub(crate) exception: Exception,
    pub(crate) config: HartConfig,
}

impl Hart {
    /// A hart in reset state: M-mode, `pc` 0, translation and interrupts disabled.
    pub fn new(config: HartConfig) -> Self {
        let mut hart = Self {
            state: HartState::default(),
            mode: PrivilegeMode::Machine,
            csr: CsrFile::default(),
            mmu: Mmu::new(Arc::clone(&config.ram), Arc::clone(&config.counters), config.id),
            retire_limit: 0,
            counted: 0,
            counted_by_mode: 0,
            quantum: 0,
            longest_quantum: 0,
            ticked: 0,
            tick_remainder: 0,
            sampling: Sampling::default(),
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

    /// State that other threads may access.
    pub fn control(&self) -> &Arc<HartControl> {
        &self.config.control
    }

    /// Counter page of the hart.
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

    /// Sets the address of the next instruction.
    pub fn set_pc(&mut self, pc: GuestAddr) {
        self.state.pc = pc.0;
    }

    /// Current privilege mode.
    pub fn mode(&self) -> PrivilegeMode {
        self.mode
    }

    /// State addressed by generated code.
    pub fn state(&self) -> &HartState {
        &self.state
    }

    /// Pointer to the state of `hart`, for generated code. While that runs, only
    /// [`Hart::of_state`] may derive the hart from it.
    pub fn state_of(hart: *mut Self) -> *mut HartState {
        hart.wrapping_byte_add(offset_of!(Self, state)).cast()
    }

    /// Pointer to the hart of `state`, which must come from [`Hart::state_of`].
    pub fn of_state(state: *mut HartState) -> *mut Self {
        state.wrapping_byte_sub(offset_of!(Self, state)).cast()
    }

    /// Mutable state, for an engine, which must keep `x[0]` zero and not change `tlb`.
    pub fn state_mut(&mut self) -> &mut HartState {
        &mut self.state
    }

    /// Instructions retired since reset.
    #[expect(clippy::cast_sign_loss, reason = "a negative countdown means more were retired than planned")]
    pub fn instructions_retired(&self) -> u64 {
        self.retire_limit.wrapping_sub(self.state.countdown as u64)
    }

    /// Starts a quantum of `instructions`, after which the engine must poll. It may be renewed up
    /// to `limit` instructions in all.
    pub fn start_quantum(&mut self, instructions: u32, limit: u64) {
        let retired = self.instructions_retired();
        let instructions = self.sampling.cap(retired, instructions);
        self.quantum = i64::from(instructions);
        self.longest_quantum = limit;
        self.ticked = 0;
        self.state.countdown = self.quantum;
        self.retire_limit = retired.wrapping_add(u64::from(instructions));
    }

    /// Lets the quantum go on for `instructions`, unless it would exceed its limit; returns
    /// whether it does. The engine must poll ([`Hart::poll_within_quantum`]) before it executes
    /// them.
    #[expect(clippy::cast_sign_loss, reason = "the countdown never rises above the quantum")]
    pub fn renew_quantum(&mut self, instructions: u32) -> bool {
        let used = self.quantum - self.state.countdown;
        if (used as u64).saturating_add(u64::from(instructions)) > self.longest_quantum {
            return false;
        }
        let retired = self.instructions_retired();
        // A sample that is due is taken at the poll.
        self.sampling.quantum_ends();
        self.quantum = used + i64::from(instructions);
        self.state.countdown = i64::from(instructions);
        self.retire_limit = retired.wrapping_add(u64::from(instructions));
        true
    }

    /// Shortens the quantum so that it ends where a sample is due.
    #[expect(clippy::cast_sign_loss, reason = "only a longer quantum is shortened")]
    fn end_quantum_for_sample(&mut self) {
        let countdown = u32::try_from(self.state.countdown).unwrap_or(0);
        let excess = i64::from(countdown - self.sampling.cap(self.instructions_retired(), countdown));
        self.state.countdown -= excess;
        self.quantum -= excess;
        self.retire_limit = self.retire_limit.wrapping_sub(excess as u64);
    }

    /// Ends the quantum; returns the instructions used and advances a manual clock
    /// accordingly.
    #[expect(clippy::cast_sign_loss, reason = "the countdown never rises above the quantum")]
    pub fn finish_quantum(&mut self) -> u64 {
        self.tick();
        (self.quantum - self.state.countdown) as u64
    }

    /// Advances a manual clock by the instructions used since it was last advanced: before a
    /// poll in the middle of a quantum.
    #[expect(clippy::cast_sign_loss, reason = "the countdown never rises above the quantum, and only falls")]
    pub(super) fn tick(&mut self) {
        let used = self.quantum - self.state.countdown;
        let new = (used - self.ticked) as u64;
        self.ticked = used;
        if self.config.clock.is_manual() {
            let instructions = self.tick_remainder + new;
            self.config.clock.advance(instructions / INSTRUCTIONS_PER_TICK);
            self.tick_remainder = instructions % INSTRUCTIONS_PER_TICK;
        }
    }

    /// Attributes the instructions retired since the last call to `tier`, and those since the last
    /// change of the privilege mode to the mode.
    pub fn count_retired(&mut self, tier: Tier) {
        self.count_mode();
        let retired = self.instructions_retired();
        self.config.counters.count_instructions(tier, retired.wrapping_sub(self.counted));
        self.counted = retired;
    }

    /// Attributes the instructions retired since the last call to the privilege mode.
    fn count_mode(&mut self) {
        let retired = self.instructions_retired();
        self.config.counters.count_mode_instructions(self.mode, retired.wrapping_sub(self.counted_by_mode));
        self.counted_by_mode = retired;
    }

    /// Changes the privilege mode.
    fn enter_mode(&mut self, mode: PrivilegeMode) {
        if mode != self.mode {
            self.count_mode();
            self.mode = mode;
        }
    }

    /// Attributes `instructions` of those to `tier`.
    pub fn count_some_retired(&mut self, tier: Tier, instructions: u64) {
        self.config.counters.count_instructions(tier, instructions);
        self.counted = self.counted.wrapping_add(instructions);
    }

    /// Uses one instruction of the quantum without retiring it, so that a guest that only
    /// traps still reaches the end of the quantum.
    pub(crate) fn spend_without_retiring(&mut self) {
        self.state.countdown -= 1;
        self.retire_limit = self.retire_limit.wrapping_sub(1);
    }

    /// Whether floating-point instructions are enabled (`mstatus.FS` is not off).
    #[inline]
    pub(crate) fn float_enabled(&self) -> bool {
        self.state.status & status::FS != 0
    }

    /// Sets `mstatus.FS` to dirty.
    #[inline]
    pub(crate) fn mark_float_dirty(&mut self) {
        self.state.status |= status::FS;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::addr::GuestPhys;

    #[test]
    fn a_quantum_is_renewed_up_to_its_limit_and_every_instruction_counted() {
        let ram = Arc::new(GuestRam::new(GuestPhys(0x8000_0000), 4096).unwrap());
        let mut hart = Hart::new(HartConfig::alone(ram, Clock::manual()));
        hart.start_quantum(100, 250);
        // Ten are left.
        hart.state.countdown -= 90;
        assert!(hart.renew_quantum(100));
        assert_eq!((hart.state.countdown, hart.instructions_retired()), (100, 90));
        hart.state.countdown -= 60;
        assert!(hart.renew_quantum(100), "150 and 100 more");
        hart.state.countdown -= 1;
        assert!(!hart.renew_quantum(100));
        assert_eq!(hart.state.countdown, 99);
        assert_eq!((hart.finish_quantum(), hart.instructions_retired()), (151, 151));
        hart.start_quantum(100, 199);
        assert!(hart.renew_quantum(100), "nothing is used");
        assert_eq!((hart.state.countdown, hart.instructions_retired()), (100, 151));
    }

    #[test]
    fn instructions_are_counted_in_the_mode_that_executed_them() {
        let ram = Arc::new(GuestRam::new(GuestPhys(0x8000_0000), 4096).unwrap());
        let mut hart = Hart::new(HartConfig::alone(ram, Clock::manual()));
        hart.start_quantum(100, 100);
        let retire = |hart: &mut Hart, instructions| hart.state.countdown -= instructions;
        retire(&mut hart, 5);
        // To U-mode, and back by an exception.
        hart.return_from_machine_trap();
        assert_eq!(hart.mode(), PrivilegeMode::User);
        retire(&mut hart, 7);
        hart.take_exception(Exception::new(ExceptionCause::IllegalInstruction, 0));
        retire(&mut hart, 11);
        let by_mode = |hart: &Hart| hart.counters().mode_instructions();
        assert_eq!(by_mode(&hart), [7, 0, 5], "those of the present mode follow when the hart leaves it");
        hart.count_retired(Tier::Interpreter);
        assert_eq!(by_mode(&hart), [7, 0, 16]);
        assert_eq!(by_mode(&hart).iter().sum::<u64>(), hart.counters().instructions().iter().sum::<u64>());
    }
}
