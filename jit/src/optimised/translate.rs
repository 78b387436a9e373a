//! Translation of a fragment to one Cranelift IR function.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, types};
use cranelift_codegen::isa::TargetIsa;
use cranelift_frontend::FunctionBuilder;

use super::block::{Block, Fragment};
use super::loops;
use super::translator::{LinkSlots, Translator};
use crate::abi::{self, Leave};

/// Emits `fragment` into the function of `b`.
pub(crate) fn translate(b: FunctionBuilder<'_>, fragment: &Fragment, links: LinkSlots<'_>, isa: &dyn TargetIsa) {
    let mut translator = Translator::new(b, fragment.head, fragment.blocks.keys().copied(), links);
    let loops = loops::find(fragment);
    for (start, block) in &fragment.blocks {
        match loops.get(start) {
            Some(cycle) => translator.carry_loop(fragment, cycle),
            None => translator.block(block),
        }
    }
    translator.b.seal_all_blocks();
    translator.b.finalize(isa.frontend_config());
}

impl Translator<'_> {
    fn block(&mut self, block: &Block) {
        self.start_block(block.start);
        self.instructions_of(block);
    }

    /// Subtracts the block's instructions from the countdown; leaves before the first one
    /// if too few are left.
    pub(super) fn count_down(&mut self, count: u16) {
        let left = self.load_state(types::I64, abi::COUNTDOWN);
        let left = self.b.ins().iadd_imm_s(left, -i64::from(count));
        let spent = self.b.ins().icmp_imm_s(IntCC::SignedLessThan, left, 0);
        let (cold, hot) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(cold);
        self.b.ins().brif(spent, cold, &[], hot, &[]);
        self.b.switch_to_block(cold);
        let pc = self.pc_of(self.at());
        self.leave(Leave::Quantum, pc);
        self.b.switch_to_block(hot);
        self.store_state(abi::COUNTDOWN, left);
        self.count_retired(i64::from(count));
    }
}
