//! Control transfer: jumps, branches, and how they leave a translation.
//!
//! | transfer | by |
//! |---|---|
//! | to a block of the fragment | a jump |
//! | to another fragment of the page | tail call through the page's link slot |
//! | to another page or a computed address | tail call through the hart's jump cache |
//! | without a known translation | return to the engine |

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value, types};
use riscope_core::addr::PageOffset;
use riscope_core::isa::Operands;

use super::translator::Translator;
use crate::abi::{self, Leave, Word};
use crate::jump_cache;

impl Translator<'_> {
    pub(super) fn jal(&mut self, o: Operands) {
        self.link(o);
        self.go_by(o.imm());
    }

    pub(super) fn jalr(&mut self, o: Operands) {
        let base = self.x(o.rs1());
        let target = self.b.ins().iadd_imm_s(base, i64::from(o.imm()));
        let target = self.b.ins().band_imm_s(target, !1);
        self.link(o);
        self.go_to_address(target);
    }

    pub(super) fn branch(&mut self, condition: IntCC, o: Operands) {
        let (a, b) = (self.x(o.rs1()), self.x(o.rs2()));
        let taken = self.b.ins().icmp(condition, a, b);
        let (yes, no) = (self.b.create_block(), self.b.create_block());
        self.b.ins().brif(taken, yes, &[], no, &[]);
        self.b.switch_to_block(yes);
        self.go_by(o.imm());
        self.b.switch_to_block(no);
        self.go_to(self.behind());
    }

    /// Writes the return address to `rd`.
    fn link(&mut self, o: Operands) {
        if o.rd() != 0 {
            let value = self.pc_of(self.behind());
            self.set_x(o.rd(), value);
        }
    }

    /// Transfers to `distance` bytes from the current instruction.
    fn go_by(&mut self, distance: i32) {
        match self.at().moved(i64::from(distance)).filter(|target| target.is_inside()) {
            Some(target) => self.go_to(target),
            None => {
                let from_entry = i64::from(self.pc_delta()) + i64::from(distance);
                let target = self.b.ins().iadd_imm_s(self.entry_pc, from_entry);
                self.go_to_address(target);
            }
        }
    }

    /// Transfers to an offset of the page; [`PageOffset::END`] is the next page.
    pub(crate) fn go_to(&mut self, target: PageOffset) {
        if self.goes_on(target) {
            return;
        }
        if target.is_inside() {
            self.write_back();
        }
        if let Some(block) = self.block_at(target) {
            self.b.ins().jump(block, &[]);
            return;
        }
        let pc = self.pc_of(target);
        if !target.is_inside() {
            return self.go_to_address(pc);
        }
        let slot = (self.links)(target);
        #[expect(clippy::cast_possible_wrap, reason = "an address as bits")]
        let slot = self.b.ins().iconst(types::I64, slot.expose_provenance() as i64);
        let code = self.b.ins().load(types::I64, self.flags.links, slot, 0);
        self.b.ins().return_call_indirect(self.signatures.code, code, &[self.cpu, pc]);
    }

    /// Transfers to a virtual address through the jump cache. Each transfer probes inline,
    /// which gives the host a branch-history entry for each.
    fn go_to_address(&mut self, pc: Value) {
        self.write_back();
        let cache = self.load_state(types::I64, abi::word(Word::JumpCache));
        let slot = self.b.ins().ishl_imm_u(pc, i64::from(jump_cache::PC_TO_SLOT));
        let mask = self.load_state(types::I64, abi::word(Word::JumpMask));
        let slot = self.b.ins().band(slot, mask);
        let entry = self.b.ins().iadd(cache, slot);
        let found = self.b.ins().load(types::I64, self.flags.links, entry, jump_cache::PC);
        let miss = self.b.ins().icmp(IntCC::NotEqual, found, pc);
        let (cold, hot) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(cold);
        self.b.ins().brif(miss, cold, &[], hot, &[]);
        self.b.switch_to_block(hot);
        let code = self.b.ins().load(types::I64, self.flags.links, entry, jump_cache::CODE);
        self.b.ins().return_call_indirect(self.signatures.code, code, &[self.cpu, pc]);
        self.b.switch_to_block(cold);
        self.leave(Leave::Lookup, pc);
    }
}
