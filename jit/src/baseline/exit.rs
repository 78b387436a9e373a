//! The ways out of a fragment, and what is emitted behind the hot code.

use riscope_core::addr::PageOffset;

use super::assembler::Label;
use super::cold::{Call, Cold, Stub, Target, Way};
use super::emitter::{Emitter, state, word};
use super::fragment::Fragment;
use super::opcode::Opcode;
use super::operand::{Condition, Mem, Reg, Width};
use super::sequence::Sequence;
use super::site::{CallSite, MissSite};
use crate::abi::{self, Leave, Word};
use crate::jump_cache;

/// [`Emitter::uncounted`] such that the instruction that is about to be added makes it 0.
const NOTHING_BUT_CURRENT: u8 = u8::MAX;

impl Emitter<'_> {
    /// Where a jump by `distance` from the current instruction goes.
    pub(super) fn target(&self, distance: i32) -> Target {
        match self.at.moved(i64::from(distance)).filter(|target| target.is_inside()) {
            Some(target) => Target::Page(target),
            None => Target::Distance(self.distance(self.at).wrapping_add(distance)),
        }
    }

    /// The block of the fragment where a target is.
    fn block_of(&self, to: Target) -> Option<usize> {
        match to {
            Target::Page(at) => self.blocks.iter().position(|(start, _)| *start == at),
            Target::Distance(_) => None,
        }
    }

    /// Before the condition of a branch to a target is computed: a block that is jumped to has
    /// nothing uncounted behind it.
    pub(super) fn count_before_branch(&mut self, to: Target) {
        if self.block_of(to).is_some() {
            self.count(self.uncounted + 1);
            // The branch itself is added behind it.
            self.uncounted = NOTHING_BUT_CURRENT;
        }
    }

    /// Goes to the target of a branch if the condition holds.
    pub(super) fn go_if(&mut self, condition: Condition, to: Target) {
        if let Some(block) = self.block_of(to) {
            let (_, label) = self.blocks[block];
            self.asm.jump_if(condition, label);
            return;
        }
        let label = self.asm.label();
        self.asm.jump_if(condition, label);
        let uncounted = self.uncounted_behind();
        self.cold.push(Cold::Exit { label, to, dirty: self.dirty, uncounted });
    }

    /// Instructions that are not counted yet once the current one has been executed.
    pub(super) fn uncounted_behind(&self) -> u8 {
        self.uncounted.wrapping_add(1)
    }

    /// Goes to an offset in the page, behind as many instructions that are not counted yet; at
    /// its end, to the page behind it.
    pub(super) fn go_to(&mut self, at: PageOffset, uncounted: u8) {
        self.go(self.place(at), uncounted);
    }

    /// An offset in the page as a target; its end is the page behind it.
    pub(super) fn place(&self, at: PageOffset) -> Target {
        if at.is_inside() { Target::Page(at) } else { Target::Distance(self.distance(at)) }
    }

    /// Goes to a target.
    pub(super) fn go(&mut self, to: Target, uncounted: u8) {
        let Some(block) = self.block_of(to) else {
            let dirty = self.dirty;
            self.store_back(dirty);
            self.count(uncounted);
            self.exit(to);
            return;
        };
        let falls_through = self.following == Some(block);
        if self.jumps.to.contains(block) || !falls_through {
            self.count(uncounted);
        }
        if !falls_through {
            let (_, label) = self.blocks[block];
            self.asm.jump(label);
        }
    }

    /// Leaves the fragment for a target, everything being in memory.
    pub(super) fn exit(&mut self, to: Target) {
        self.exit_by(to, Way::Jump);
    }

    fn exit_by(&mut self, to: Target, way: Way) {
        match to {
            Target::Page(at) => {
                self.move_pc(self.distance(at));
                self.enter_at(at, way);
            }
            Target::Distance(distance) => {
                self.move_pc(distance);
                self.go_to_pc(way);
            }
        }
    }

    /// Enters the code at an offset in the page, with `rsi` at it.
    fn enter_at(&mut self, at: PageOffset, way: Way) {
        match way {
            Way::Jump => self.asm.jump_linked(at),
            Way::Call(call) => {
                self.asm.push(call.link);
                self.asm.call_linked(at);
            }
        }
    }

    /// Enters the code whose address is at `code`.
    fn enter(&mut self, way: Way, code: Mem) {
        match way {
            Way::Jump => self.asm.jump_at(code),
            Way::Call(call) => {
                self.asm.push(call.link);
                self.asm.call_at(code);
            }
        }
    }

    /// Calls the code at a target; `register` has the guest's return address, which is behind
    /// the current instruction.
    pub(super) fn call_target(&mut self, to: Target, register: usize) {
        let call = self.start_call(register);
        self.exit_by(to, Way::Call(call));
        self.finish_call(call);
    }

    /// Calls the code at the address in `rax`, as [`Emitter::call_target`] does.
    pub(super) fn call_address(&mut self, register: usize) {
        let call = self.start_call(register);
        self.asm.mov(Reg::RSI, Reg::RAX);
        self.go_to_pc(Way::Call(call));
        self.finish_call(call);
    }

    /// Makes room on the host's stack. Keeps `rax`.
    fn start_call(&mut self, register: usize) -> Call {
        let (dirty, link) = (self.dirty, self.x(register));
        self.store_back(dirty);
        self.count(self.uncounted_behind());
        let (label, back) = (self.asm.label(), self.asm.label());
        self.asm.cmp(Width::Double, Reg::RSP, word(Word::CallLimit));
        self.asm.jump_if(Condition::Below, label);
        self.asm.bind(back);
        self.cold.push(Cold::Deep { label, back });
        Call { link, back: self.asm.label() }
    }

    /// What a call returns to, with `rsi` at the next instruction.
    fn finish_call(&mut self, call: Call) {
        self.asm.bind(call.back);
        self.asm.add(Width::Double, Reg::RSP, 8);
        let next = self.next;
        if next.is_inside() { self.enter_at(next, Way::Jump) } else { self.go_to_pc(Way::Jump) }
    }

    /// Returns to the address in `rax`: by a return of the host if it is behind the last call.
    pub(super) fn return_to_address(&mut self) {
        let dirty = self.dirty;
        self.store_back(dirty);
        self.count(self.uncounted_behind());
        self.asm.mov(Reg::RSI, Reg::RAX);
        self.asm.cmp(Width::Double, Reg::RSI, Mem { base: Reg::RSP, offset: 8 });
        let label = self.stub(Stub::Unpredicted);
        self.asm.jump_if(Condition::NotEqual, label);
        self.asm.ret();
    }

    pub(super) fn move_pc(&mut self, distance: i32) {
        if distance != 0 {
            self.asm.lea(Width::Double, Reg::RSI, Reg::RSI, distance);
        }
    }

    /// Leaves for the address in `rax`, which the jump cache may know.
    pub(super) fn go_to_address(&mut self) {
        let dirty = self.dirty;
        self.store_back(dirty);
        self.count(self.uncounted_behind());
        self.asm.mov(Reg::RSI, Reg::RAX);
        self.go_to_pc(Way::Jump);
    }

    /// Leaves for the address in `rsi`. Each jump has its own probe, so that the host
    /// predicts each by its own history.
    fn go_to_pc(&mut self, way: Way) {
        let label = match way {
            Way::Jump => self.stub(Stub::Unknown),
            Way::Call(_) => self.asm.label(),
        };
        self.asm.sequence_jumping(&TO_CODE, TO_CODE.len, label);
        self.enter(way, Mem { base: Reg::RAX, offset: jump_cache::CODE });
        if let Way::Call(way) = way {
            self.cold.push(Cold::UnknownCall { label, way });
        }
    }

    /// Returns to the engine, which goes on at an offset in the page.
    pub(super) fn leave(&mut self, why: Leave, at: PageOffset) {
        self.move_pc(self.distance(at));
        self.asm.mov(Reg::RAX, why.code());
        self.asm.jump_at(word(Word::BaselineLeave));
    }

    /// Has the interpreter execute the current instruction unless the hart may what `permission`
    /// says: code is entered in any mode.
    pub(super) fn interpret_unless(&mut self, permission: u8) {
        let label = self.asm.label();
        self.asm.test_byte(state(abi::PERMITTED), permission);
        self.asm.jump_if(Condition::Equal, label);
        let (at, dirty, uncounted) = (self.at, self.dirty, self.uncounted);
        self.cold.push(Cold::Interpret { label, at, dirty, uncounted });
    }

    // Behind the hot code

    /// Where a stub stands.
    pub(super) fn stub(&mut self, stub: Stub) -> Label {
        let place = &mut self.stubs[stub as usize];
        *place.get_or_insert_with(|| self.asm.label())
    }

    /// Calls a stub for an access with its address in `rax`.
    pub(super) fn call_with_site(&mut self, site: MissSite, stub: Stub) {
        self.asm.mov_low(Reg::RCX, site.pack().cast_unsigned());
        let stub = self.stub(stub);
        self.asm.call(stub);
    }

    /// The data of a call.
    pub(super) fn call_site(&mut self, site: CallSite) -> Label {
        let label = self.asm.label();
        self.cold.push(Cold::CallSite { label, site });
        label
    }

    pub(super) fn emit_cold(&mut self, fragment: &Fragment) {
        self.asm.start_cold_part();
        self.rare = true;
        // What is emitted here adds nothing to the list.
        let mut list = std::mem::take(self.cold);
        for cold in list.drain(..) {
            self.emit_one_cold(fragment, cold);
        }
        *self.cold = list;
        // A return may go to an unknown address, whose stub comes later.
        for stub in Stub::ALL {
            if let Some(label) = self.stubs[stub as usize] {
                self.asm.bind(label);
                self.emit_stub(stub);
            }
        }
    }

    fn emit_stub(&mut self, stub: Stub) {
        let thunk = match stub {
            Stub::Refill | Stub::Probe => {
                self.asm.mov_wide(Reg::RDX, self.registers.guests());
                if stub == Stub::Probe { Word::BaselineProbe } else { Word::BaselineRefill }
            }
            Stub::Unknown => Word::FindThunk,
            // The calls stay: this may be the return from one that is not among them. There are
            // many such returns, and the host predicts each by its own history.
            Stub::Unpredicted => return self.go_to_pc(Way::Jump),
            Stub::Left => Word::BaselineLeft,
        };
        self.asm.jump_at(word(thunk));
    }

    fn emit_one_cold(&mut self, fragment: &Fragment, cold: Cold) {
        match cold {
            Cold::Quantum { label, at, dirty } => {
                self.asm.bind(label);
                self.store_back(dirty);
                self.move_pc(self.distance(at));
                self.asm.jump_at(word(Word::BaselineQuantum));
            }
            Cold::Interpret { label, at, dirty, uncounted } => {
                self.asm.bind(label);
                self.store_back(dirty);
                self.count(uncounted);
                self.leave(Leave::Interpret, at);
            }
            Cold::Exit { label, to, dirty, uncounted } => {
                self.asm.bind(label);
                self.store_back(dirty);
                self.count(uncounted);
                self.exit(to);
            }
            Cold::Miss { label, back, site } => {
                self.asm.bind(label);
                let stub = self.stub(Stub::Refill);
                self.asm.call_and_jump(site.pack().cast_unsigned(), stub, back);
            }
            Cold::UnknownCall { label, way } => {
                self.asm.bind(label);
                self.enter(Way::Call(way), word(Word::FindThunk));
                self.asm.jump(way.back);
            }
            Cold::Group { label, group, join, loaded, dirty, uncounted } => {
                self.asm.bind(label);
                (self.loaded, self.dirty, self.uncounted) = (loaded, dirty, uncounted);
                self.one_by_one(fragment, group);
                self.asm.jump(join);
            }
            Cold::Deep { label, back } => {
                self.asm.bind(label);
                self.asm.mov(Reg::RSP, word(Word::HostStack));
                self.asm.jump(back);
            }
            Cold::CallSite { label, site } => {
                self.asm.bind(label);
                self.asm.data(&site.bytes());
            }
        }
    }
}

/// `rax` = the slot of the jump cache for the address in `rsi`; goes elsewhere if that has another.
const TO_CODE: Sequence = Sequence::EMPTY
    .reg_reg(Opcode::one(0x8b), Reg::RAX, Reg::RSI)
    .reg_imm8(Opcode::one(0xc1), 4, Reg::RAX, jump_cache::PC_TO_SLOT.to_le_bytes()[0].cast_signed())
    .reg_mem(Opcode::one(0x23), Reg::RAX, word(Word::JumpMask))
    .reg_mem(Opcode::one(0x03).wide(), Reg::RAX, word(Word::JumpCache))
    .reg_mem(Opcode::one(0x3b).wide(), Reg::RSI, Mem { base: Reg::RAX, offset: jump_cache::PC })
    .jump_if(Condition::NotEqual);
