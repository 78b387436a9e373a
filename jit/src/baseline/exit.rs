//! The ways out of a fragment, and what is emitted behind the hot code.

use riscope_core::addr::PageOffset;

use super::assembler::Label;
use super::cold::{Cold, Target, Way};
use super::emitter::{Emitter, state, word};
use super::fragment::Fragment;
use super::operand::{Condition, Mem, Reg, Source, Width};
use super::registers::{HOSTS, Registers};
use super::site::{CallSite, HEADER_BYTES, MissSite};
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
            Way::Call { link, .. } => {
                self.asm.push(link);
                self.asm.call_linked(at);
            }
        }
    }

    /// Enters the code at an address.
    fn enter(&mut self, way: Way, code: Source) {
        if let Way::Call { link, .. } = way {
            self.asm.push(link);
        }
        match (way, code) {
            (Way::Jump, Source::Mem(code)) => self.asm.jump_at(code),
            (Way::Jump, Source::Reg(code)) => self.asm.jump_to(code),
            (Way::Call { .. }, Source::Mem(code)) => self.asm.call_at(code),
            (Way::Call { .. }, Source::Reg(code)) => self.asm.call_to(code),
            (_, Source::Imm(_)) => {}
        }
    }

    /// Calls the code at a target; `register` has the guest's return address, which is behind
    /// the current instruction.
    pub(super) fn call_target(&mut self, to: Target, register: usize) {
        let way = self.start_call(register);
        self.exit_by(to, way);
        self.finish_call(way);
    }

    /// Calls the code at the address in `rax`, as [`Emitter::call_target`] does.
    pub(super) fn call_address(&mut self, register: usize) {
        let way = self.start_call(register);
        self.asm.mov(Reg::RSI, Reg::RAX);
        self.go_to_pc(way);
        self.finish_call(way);
    }

    /// Makes room on the host's stack. Keeps `rax`.
    fn start_call(&mut self, register: usize) -> Way {
        let (dirty, link) = (self.dirty, self.x(register));
        self.store_back(dirty);
        self.count(self.uncounted_behind());
        let (label, back) = (self.asm.label(), self.asm.label());
        self.asm.cmp(Width::Double, Reg::RSP, word(Word::CallLimit));
        self.asm.jump_if(Condition::Below, label);
        self.asm.bind(back);
        self.cold.push(Cold::Deep { label, back });
        Way::Call { link, saved: Self::slot(register), back: self.asm.label() }
    }

    /// What a call returns to, with `rsi` at the next instruction.
    fn finish_call(&mut self, way: Way) {
        let Way::Call { back, .. } = way else { return };
        self.asm.bind(back);
        self.asm.add(Width::Double, Reg::RSP, 8);
        let next = self.next;
        if next.is_inside() { self.enter_at(next, Way::Jump) } else { self.go_to_pc(Way::Jump) }
    }

    /// Returns to the address in `rax`: by a return of the host if it is behind the last call.
    pub(super) fn return_to_address(&mut self) {
        let dirty = self.dirty;
        self.store_back(dirty);
        self.count(self.uncounted_behind());
        let label = self.asm.label();
        self.asm.mov(Reg::RSI, Reg::RAX);
        self.asm.cmp(Width::Double, Reg::RSI, Mem { base: Reg::RSP, offset: 8 });
        self.asm.jump_if(Condition::NotEqual, label);
        self.asm.ret();
        self.cold.push(Cold::Unpredicted { label });
    }

    /// Takes all calls off the host's stack.
    fn forget_calls(&mut self) {
        self.asm.mov(Reg::RSP, word(Word::HostStack));
    }

    fn move_pc(&mut self, distance: i32) {
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
        let label = self.asm.label();
        self.asm.mov_word(Reg::RAX, Reg::RSI);
        self.asm.shl(Width::Word, Reg::RAX, SLOT_SHIFT);
        self.asm.and(Width::Word, Reg::RAX, word(Word::JumpMask));
        self.asm.add(Width::Double, Reg::RAX, word(Word::JumpCache));
        self.asm.cmp(Width::Double, Reg::RSI, Mem { base: Reg::RAX, offset: jump_cache::PC });
        self.asm.jump_if(Condition::NotEqual, label);
        self.enter(way, Source::Mem(Mem { base: Reg::RAX, offset: jump_cache::CODE }));
        self.cold.push(Cold::Unknown { label, way });
    }

    /// Returns to the dispatcher, which goes on at an offset in the page.
    pub(super) fn leave(&mut self, why: Leave, at: PageOffset) {
        let distance = self.distance(at);
        self.asm.lea(Width::Double, Reg::RAX, Reg::RSI, distance);
        self.asm.store(state(abi::PC), Reg::RAX);
        self.asm.mov(Reg::RAX, why.code());
        self.ret_to_dispatcher();
    }

    /// Returns the code in `rax` to the dispatcher.
    fn ret_to_dispatcher(&mut self) {
        self.forget_calls();
        self.asm.ret();
    }

    // Behind the hot code

    /// An access may miss the TLB: goes to `label` then, with its address in `rax`.
    pub(super) fn miss(&mut self, label: Label, back: Label, site: MissSite) {
        self.cold.push(Cold::Miss { label, back, site });
    }

    /// The data of a call, and where it is left to the dispatcher.
    pub(super) fn call_site(&mut self, site: CallSite) -> (Label, Label) {
        let (label, left) = (self.asm.label(), self.asm.label());
        self.cold.push(Cold::CallSite { label, site });
        self.cold.push(Cold::Return { label: left });
        (label, left)
    }

    pub(super) fn emit_cold(&mut self, fragment: &Fragment) {
        self.asm.start_cold_part();
        self.asm.data(&header(&self.registers));
        // Exits may add to the list.
        let mut n = 0;
        while n < self.cold.len() {
            let cold = std::mem::replace(&mut self.cold[n], Cold::Unpredicted { label: self.blocks[0].1 });
            self.emit_one_cold(fragment, cold);
            n += 1;
        }
    }

    /// Has the engine look for code at the address in `rsi`, and enters it.
    fn find(&mut self, way: Way) {
        let unknown = self.asm.label();
        self.asm.call_at(word(Word::FindThunk));
        self.asm.test(Width::Double, Reg::RAX, Reg::RAX);
        self.asm.jump_if(Condition::Equal, unknown);
        self.enter(way.after_host_call(), Source::Reg(Reg::RAX));
        if let Way::Call { back, .. } = way {
            self.asm.jump(back);
        }
        self.asm.bind(unknown);
        self.asm.store(state(abi::PC), Reg::RSI);
        self.asm.mov(Reg::RAX, Leave::Lookup.code());
        self.ret_to_dispatcher();
    }

    fn emit_one_cold(&mut self, fragment: &Fragment, cold: Cold) {
        match cold {
            Cold::Quantum { label, at, dirty } => {
                self.asm.bind(label);
                self.store_back(dirty);
                self.leave(Leave::Quantum, at);
            }
            Cold::Exit { label, to, dirty, uncounted } => {
                self.asm.bind(label);
                self.store_back(dirty);
                self.count(uncounted);
                self.exit(to);
            }
            Cold::Miss { label, back, site } => {
                self.asm.bind(label);
                self.asm.call_at(word(Word::BaselineRefill));
                let behind_call = self.asm.cold_len();
                self.asm.jump(back);
                self.asm.data(&site.bytes(behind_call));
            }
            Cold::Unknown { label, way } => {
                self.asm.bind(label);
                self.find(way);
            }
            Cold::Group { label, group, join, loaded, dirty, uncounted } => {
                self.asm.bind(label);
                (self.loaded, self.dirty, self.uncounted) = (loaded, dirty, uncounted);
                self.one_by_one(fragment, group);
                self.asm.jump(join);
            }
            Cold::Deep { label, back } => {
                self.asm.bind(label);
                self.forget_calls();
                self.asm.jump(back);
            }
            Cold::Unpredicted { label } => {
                // The calls stay: this may be the return from one that is not among them.
                self.asm.bind(label);
                self.go_to_pc(Way::Jump);
            }
            Cold::Return { label } => {
                let elsewhere = self.asm.label();
                self.asm.bind(label);
                self.asm.cmp(Width::Word, Reg::RAX, Leave::Resume.code());
                self.asm.jump_if(Condition::Equal, elsewhere);
                self.ret_to_dispatcher();
                self.asm.bind(elsewhere);
                // Addresses may translate differently from here on.
                self.forget_calls();
                self.asm.mov(Reg::RSI, state(abi::PC));
                self.go_to_pc(Way::Jump);
            }
            Cold::CallSite { label, site } => {
                self.asm.bind(label);
                self.asm.data(&site.bytes());
            }
        }
    }
}

/// What the second part of a fragment starts with: which guest register each host register
/// keeps, see [`super::memory`].
fn header(registers: &Registers) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    header[..HOSTS.len()].copy_from_slice(&registers.guests());
    header
}

/// How the jump cache is indexed.
const SLOT_SHIFT: u8 = crate::jump_cache::SLOT_SHIFT.to_le_bytes()[0];
