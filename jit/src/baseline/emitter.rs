//! The state of one translation, and what all templates are made from: guest registers as
//! operands.

use riscope_core::addr::{GuestPhys, PageOffset};
use riscope_core::isa::Operands;

use super::assembler::{Assembler, Label};
use super::cold::{Cold, Stub};
use super::group::Group;
use super::jumps::{Jumps, MAX_INSTRUCTIONS};
use super::operand::{Condition, Mem, Reg, Source};
use super::registers::{Registers, Set, members};
use crate::abi::{self, Word};

/// `[rdi + distance]`: what is so far from the anchor of the hart's state.
pub(super) const fn state(offset: i32) -> Mem {
    Mem { base: Reg::RDI, offset }
}

/// An engine word.
pub(super) const fn word(word: Word) -> Mem {
    state(abi::word(word))
}

/// Lists of one translation, in memory that is kept for the next one.
#[derive(Debug, Default)]
pub(super) struct Lists {
    blocks: Vec<(PageOffset, Label)>,
    cold: Vec<Cold>,
    /// The first one last.
    pub(super) groups: Vec<Group>,
}

/// The state of one translation.
pub(super) struct Emitter<'a> {
    pub(super) asm: &'a mut Assembler,
    pub(super) registers: Registers,
    /// Physical address of the head.
    pub(super) head: GuestPhys,
    /// Kept registers whose host registers hold them.
    pub(super) loaded: Set,
    /// Kept registers that memory does not have.
    pub(super) dirty: Set,
    /// Where each block starts.
    pub(super) blocks: &'a mut Vec<(PageOffset, Label)>,
    pub(super) cold: &'a mut Vec<Cold>,
    pub(super) stubs: [Option<Label>; Stub::ALL.len()],
    /// Whether what is emitted rarely runs, so that it should be short.
    pub(super) rare: bool,
    /// Of the current instruction.
    pub(super) at: PageOffset,
    pub(super) next: PageOffset,
    /// Instructions on every way to the current one that the countdown does not show yet.
    pub(super) uncounted: u8,
    /// Groups of accesses that are still to come, the next one last.
    pub(super) groups: &'a mut Vec<Group>,
    /// The one that the current instruction is in, unless its accesses are translated one by one.
    pub(super) group: Option<Group>,
    /// Where the code for both cases meets behind it.
    pub(super) join: Option<Label>,
    /// The block behind the current one.
    pub(super) following: Option<usize>,
    /// Which blocks are jumped to, and which of them from behind.
    pub(super) jumps: Jumps,
}

impl<'a> Emitter<'a> {
    pub(super) fn new(
        asm: &'a mut Assembler,
        Lists { blocks, cold, groups }: &'a mut Lists,
        starts: impl Iterator<Item = PageOffset>,
        jumps: Jumps,
        registers: Registers,
        head: GuestPhys,
    ) -> Self {
        blocks.clear();
        blocks.extend(starts.map(|at| (at, asm.label())));
        cold.clear();
        let at = head.page_offset();
        Self {
            asm,
            registers,
            head,
            loaded: 0,
            dirty: 0,
            blocks,
            cold,
            stubs: [None; Stub::ALL.len()],
            rare: false,
            at,
            next: at,
            uncounted: 0,
            groups,
            group: None,
            join: None,
            following: None,
            jumps,
        }
    }

    /// Leaves if there is an acyclic way through the fragment that may not fit the countdown.
    /// Within such a way nothing needs to be checked.
    pub(super) fn check_countdown(&mut self) {
        let label = self.asm.label();
        self.asm.compare_with(state(abi::COUNTDOWN), LONGEST_WAY);
        self.asm.jump_if(Condition::Less, label);
        self.cold.push(Cold::Quantum { label, at: self.at, dirty: self.dirty });
    }

    /// Takes instructions off the countdown.
    pub(super) fn count(&mut self, instructions: u8) {
        if instructions > 0 {
            self.asm.subtract_from(state(abi::COUNTDOWN), instructions.cast_signed());
        }
    }

    // Guest registers as operands

    /// Slot of a guest register in memory.
    pub(super) fn slot(register: usize) -> Mem {
        state(abi::x(register))
    }

    /// A guest register as an operand: a host register, its slot in memory, or 0.
    pub(super) fn x(&mut self, register: usize) -> Source {
        if register == 0 {
            return Source::Imm(0);
        }
        let Some(host) = self.registers.host(register) else { return Source::Mem(Self::slot(register)) };
        self.load(register, host);
        Source::Reg(host)
    }

    /// A guest register in a host register, in `scratch` unless it is kept in one.
    pub(super) fn x_in(&mut self, register: usize, scratch: Reg) -> Reg {
        match self.x(register) {
            Source::Reg(host) => host,
            other => {
                self.asm.mov(scratch, other);
                scratch
            }
        }
    }

    /// A guest register copied to a host register that may be changed.
    pub(super) fn copy_x(&mut self, register: usize, to: Reg) {
        let source = self.x(register);
        self.asm.mov(to, source);
    }

    /// The host register for a result: `scratch` unless the guest register is kept in one.
    /// [`Emitter::set_x`] has to follow.
    pub(super) fn result(&mut self, register: usize, scratch: Reg) -> Reg {
        self.registers.host(register).unwrap_or(scratch)
    }

    /// The guest register has the value of `value`.
    pub(super) fn set_x(&mut self, register: usize, value: Reg) {
        if register == 0 {
            return;
        }
        match self.registers.host(register) {
            Some(host) => {
                self.asm.mov(host, value);
                self.loaded |= 1 << register;
                self.dirty |= 1 << register;
            }
            None => self.asm.store(Self::slot(register), value),
        }
    }

    fn load(&mut self, register: usize, host: Reg) {
        if self.loaded >> register & 1 == 0 {
            self.asm.mov(host, Self::slot(register));
            self.loaded |= 1 << register;
        }
    }

    /// Loads every kept register that its host register does not hold yet.
    pub(super) fn load_all(&mut self) {
        for register in members(self.registers.kept() & !self.loaded) {
            if let Some(host) = self.registers.host(register) {
                self.load(register, host);
            }
        }
    }

    /// Stores registers that memory does not have. They stay dirty for the code behind.
    pub(super) fn store_back(&mut self, registers: Set) {
        for register in members(registers) {
            if let Some(host) = self.registers.host(register) {
                self.asm.store(Self::slot(register), host);
            }
        }
    }

    /// Registers that memory does not have, now.
    pub(super) fn dirty(&self) -> Set {
        self.dirty
    }

    /// Before a host function is called that works on the registers in memory.
    pub(super) fn store_all(&mut self) {
        let dirty = std::mem::take(&mut self.dirty);
        self.store_back(dirty);
    }

    /// After such a function, which may have written `written`.
    pub(super) fn forget_after_call(&mut self, written: usize) {
        self.loaded &= !(self.registers.lost_by_calls() | 1 << written);
    }

    // Addresses

    /// Distance of an offset in the page from the head.
    pub(super) fn distance(&self, at: PageOffset) -> i32 {
        at.distance_from(self.head.page_offset())
    }

    /// Offset of the current instruction in the page.
    pub(super) fn at(&self) -> PageOffset {
        self.at
    }

    /// Offset of the next instruction in memory.
    pub(super) fn next(&self) -> PageOffset {
        self.next
    }

    /// Instructions on every way to the current one that the countdown does not show yet.
    pub(super) fn uncounted(&self) -> u8 {
        self.uncounted
    }
}

/// Instructions on the longest way through a fragment that enters no block twice.
pub(super) const LONGEST_WAY: i8 = MAX_INSTRUCTIONS.to_le_bytes()[0].cast_signed();

/// A result of an instruction whose operands are `rd`, `rs1`, `rs2`; nothing for `x0`.
pub(super) fn unless_x0(emitter: &mut Emitter<'_>, o: Operands, emit: impl FnOnce(&mut Emitter<'_>)) {
    if o.rd() != 0 {
        emit(emitter);
    }
}
