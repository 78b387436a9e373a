//! Code of a loop that carries registers in SSA values, see `carried.rs`.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{self, BlockArg, InstBuilder, Value, types};
use riscope_core::addr::PageOffset;

use super::block::{Block, Ending, Fragment};
use super::carried::{Carried, float_type};
use super::translator::{FloatRegister, Translator};
use super::uses::{Uses, registers};
use crate::abi::{self, Leave, Word};

impl Translator<'_> {
    /// Translates the loop `cycle`, and its first block for those that may not enter the loop.
    pub(super) fn carry_loop(&mut self, fragment: &Fragment, cycle: &[PageOffset]) {
        let blocks: Vec<_> = cycle.iter().filter_map(|start| fragment.blocks.get(start)).collect();
        let [first, ..] = blocks[..] else { return };
        let uses = Uses::of(
            blocks.iter().flat_map(|block| &block.instructions).map(|located| (located.insn.op, located.operands())),
        );
        self.start_block(first.start);
        let ordinary = (uses.float_unit).then(|| self.b.create_block());
        if let Some(ordinary) = ordinary {
            self.b.set_cold_block(ordinary);
            let control = self.load_state(types::I64, abi::word(Word::FloatControl));
            let unusable = self.b.ins().icmp_imm_s(IntCC::Equal, control, 0);
            self.go_if(unusable, ordinary);
        }
        let values = self.load_carried(uses, ordinary);
        self.enter_loop(uses, first.start, &values);
        for (block, next) in blocks.iter().zip(cycle.iter().skip(1).chain([&first.start])) {
            self.carry_block(block, *next);
        }
        self.carried = None;
        if let Some(ordinary) = ordinary {
            self.b.switch_to_block(ordinary);
            self.forget_registers(first.start);
            self.instructions_of(first);
        }
    }

    /// Goes to `target` if `condition` holds.
    fn go_if(&mut self, condition: Value, target: ir::Block) {
        let otherwise = self.b.create_block();
        self.b.ins().brif(condition, target, &[], otherwise, &[]);
        self.b.switch_to_block(otherwise);
    }

    /// Loads the registers and the countdown of a loop.
    fn load_carried(&mut self, uses: Uses, ordinary: Option<ir::Block>) -> Vec<Value> {
        let mut values = vec![self.load_state(types::I64, abi::COUNTDOWN)];
        for register in registers(uses.x) {
            values.push(self.load_state(types::I64, abi::x(register)));
        }
        for register in registers(uses.singles | uses.doubles) {
            let ty = float_type(uses, register);
            let value = match ordinary {
                Some(ordinary) if ty == types::F32 => {
                    let bits = self.load_state(types::I64, abi::f(register));
                    let unboxed = self.is_unboxed(bits);
                    self.go_if(unboxed, ordinary);
                    let low = self.b.ins().ireduce(types::I32, bits);
                    self.bitcast(types::F32, low)
                }
                _ => self.load_state(ty, abi::f(register)),
            };
            values.push(value);
        }
        values
    }

    /// Makes the header of a loop and begins its first block.
    fn enter_loop(&mut self, uses: Uses, first: PageOffset, values: &[Value]) {
        let retired = self.load_state(types::I64, abi::word(Word::Optimised));
        let sum = self.b.ins().iadd(retired, values[0]);
        let header = self.b.create_block();
        let params: Vec<_> = values
            .iter()
            .map(|&value| {
                let ty = self.b.func.dfg.value_type(value);
                self.b.append_block_param(header, ty)
            })
            .collect();
        let arguments: Vec<BlockArg> = values.iter().map(|&value| value.into()).collect();
        self.b.ins().jump(header, &arguments);
        let mut rest = params.into_iter();
        let countdown = rest.next().unwrap_or(sum);
        for (register, value) in registers(uses.x).zip(&mut rest) {
            self.registers[register] = Some(value);
        }
        for (register, value) in registers(uses.singles | uses.doubles).zip(rest) {
            self.floats[register] = match float_type(uses, register) {
                ty if ty == types::F32 => FloatRegister { single: Some(value), ..FloatRegister::default() },
                ty if ty == types::F64 => FloatRegister { double: Some(value), ..FloatRegister::default() },
                _ => FloatRegister { bits: Some(value), ..FloatRegister::default() },
            };
        }
        self.float_unit = uses.float_unit;
        self.carried = Some(Carried {
            uses,
            first,
            header,
            next: first,
            next_code: header,
            countdown,
            sum,
            dirty_x: uses.x_written,
            dirty_f: uses.f_written,
            pinned_x: 0,
            pinned_f: 0,
        });
    }

    /// Translates a block of the loop, which `next` follows.
    fn carry_block(&mut self, block: &Block, next: PageOffset) {
        let after = self.b.create_block();
        let Some(carried) = &mut self.carried else { return };
        let code = carried.next_code;
        (carried.next, carried.next_code) = (next, after);
        self.b.switch_to_block(code);
        self.at_block(block.start);
        self.instructions_of(block);
    }

    /// Translates the instructions of a block and what follows them.
    pub(super) fn instructions_of(&mut self, block: &Block) {
        if block.length > 0 && !self.count_down_carried(block.length) {
            self.count_down(block.length);
        }
        for (located, unretired) in block.instructions.iter().zip((1..=block.length).rev()) {
            self.start_instruction(located.at, located.next, unretired);
            (located.how)(self, located.operands());
        }
        match block.ending {
            Ending::Transfer(_) => {}
            Ending::FallThrough => self.go_to(block.end),
            Ending::Interpret => {
                let pc = self.pc_of(block.end);
                self.leave(Leave::Interpret, pc);
            }
        }
    }
}
