//! Translation state: position, guest register values, and exits from generated code.
//!
//! A block loads a guest register from the hart's state at its first use, keeps the value
//! until its end, and stores every result at once. Generated code can therefore be left
//! before any instruction, with nothing but a `pc` to store. Blocks of loops are different, see
//! `carried.rs`: [`Translator::write_back`] precedes each exit there.

use std::collections::HashMap;

use cranelift_codegen::ir::{
    self, AliasRegionData, InstBuilder, MemFlagsData, SigRef, Type, Value, condcodes::IntCC, types,
};
use cranelift_frontend::FunctionBuilder;
use riscope_core::addr::PageOffset;

use super::carried::Carried;
use crate::abi::{self, Leave, Word};

/// Memory flags by kind of host memory accessed. Each kind has its own alias region; an
/// access without one would order all others.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flags {
    pub(crate) state: MemFlagsData,
    pub(crate) tlb: MemFlagsData,
    pub(crate) ram: MemFlagsData,
    pub(crate) links: MemFlagsData,
    pub(crate) tables: MemFlagsData,
}

impl Flags {
    fn new(b: &mut FunctionBuilder<'_>) -> Self {
        let mut region = |user_id, description: &'static str| {
            let data = AliasRegionData { user_id, description: description.into() };
            let region = b.func.dfg.alias_regions.insert(data);
            MemFlagsData::new().with_notrap().with_alias_region(Some(region))
        };
        Self {
            state: region(0, "hart state").with_aligned(),
            tlb: region(1, "TLB").with_aligned(),
            ram: region(2, "guest RAM"),
            links: region(3, "link slots and jump cache").with_aligned(),
            tables: region(4, "constant tables").with_aligned(),
        }
    }
}

/// Signatures of functions that generated code calls.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signatures {
    /// The refill thunk, and others that take the state and keep all registers.
    pub(crate) refill: SigRef,
    /// Another translation.
    pub(crate) code: SigRef,
}

/// Address of the link slot for a target offset of the translated page.
pub(crate) type LinkSlots<'a> = &'a mut dyn FnMut(PageOffset) -> *const u8;

/// Values known for a floating-point register in the current block; all agree, and except for
/// what a loop carries with the state, too.
#[derive(Clone, Copy, Default)]
pub(crate) struct FloatRegister {
    /// As an integer.
    pub(crate) bits: Option<Value>,
    /// As a single-precision number; the register is NaN-boxed.
    pub(crate) single: Option<Value>,
    pub(crate) double: Option<Value>,
}

/// State of one translation.
pub(crate) struct Translator<'a> {
    pub(crate) b: FunctionBuilder<'a>,
    pub(crate) cpu: Value,
    pub(crate) entry_pc: Value,
    /// TLB bank of the hart's current context.
    pub(crate) tlb: Value,
    pub(crate) flags: Flags,
    pub(crate) signatures: Signatures,
    pub(crate) links: LinkSlots<'a>,
    /// Floating-point registers in the current block.
    pub(crate) floats: [FloatRegister; 32],
    /// Whether the current block has tested that it may use the floating-point unit.
    pub(crate) float_unit: bool,
    /// The loop whose registers are carried in SSA values, in its code.
    pub(super) carried: Option<Carried>,
    head: PageOffset,
    blocks: HashMap<PageOffset, ir::Block>,
    /// Values of integer registers in the current block.
    pub(super) registers: [Option<Value>; 32],
    /// Offset of the current instruction.
    at: PageOffset,
    /// Offset of the next instruction.
    behind: PageOffset,
    /// Instructions of the block that have not retired, the current one included.
    unretired: u16,
}

impl<'a> Translator<'a> {
    /// Begins the function of `b`: code entered at offset `head` of its page, with blocks
    /// at `starts`, which includes `head`.
    pub(crate) fn new(
        mut b: FunctionBuilder<'a>,
        head: PageOffset,
        starts: impl Iterator<Item = PageOffset>,
        links: LinkSlots<'a>,
    ) -> Self {
        b.func.signature = abi::code_signature();
        let entry = b.create_block();
        b.append_block_params_for_function_params(entry);
        b.switch_to_block(entry);
        let [cpu, entry_pc] = [0, 1].map(|parameter| b.block_params(entry)[parameter]);
        let flags = Flags::new(&mut b);
        let signatures = Signatures {
            refill: b.import_signature(abi::refill_signature()),
            code: b.import_signature(abi::code_signature()),
        };
        let tlb = b.ins().load(types::I64, flags.state, cpu, abi::TLB);
        let blocks: HashMap<_, _> = starts.map(|start| (start, b.create_block())).collect();
        b.ins().jump(blocks[&head], &[]);
        Self {
            b,
            cpu,
            entry_pc,
            tlb,
            flags,
            signatures,
            links,
            floats: [FloatRegister::default(); 32],
            float_unit: false,
            carried: None,
            head,
            blocks,
            registers: [None; 32],
            at: head,
            behind: head,
            unretired: 0,
        }
    }

    /// Moves to the block at offset `start`, with no register values known.
    pub(crate) fn start_block(&mut self, start: PageOffset) {
        self.b.switch_to_block(self.blocks[&start]);
        self.forget_registers(start);
    }

    /// Begins code for the block at offset `start` with no register values known.
    pub(crate) fn forget_registers(&mut self, start: PageOffset) {
        self.registers = [None; 32];
        self.floats = [FloatRegister::default(); 32];
        self.float_unit = false;
        self.at_block(start);
    }

    /// Moves to offset `start`.
    pub(crate) fn at_block(&mut self, start: PageOffset) {
        self.at = start;
    }

    /// Moves to the instruction at offset `at`, followed by `behind`; `unretired`
    /// instructions of the block have not retired, this one included.
    pub(crate) fn start_instruction(&mut self, at: PageOffset, behind: PageOffset, unretired: u16) {
        self.at = at;
        self.behind = behind;
        self.unretired = unretired;
    }

    /// Block at an offset of the page, if it is part of the translation.
    pub(crate) fn block_at(&self, offset: PageOffset) -> Option<ir::Block> {
        self.blocks.get(&offset).copied()
    }

    /// Offset of the current instruction in the page.
    pub(crate) fn at(&self) -> PageOffset {
        self.at
    }

    /// Offset of the next instruction in memory.
    pub(crate) fn behind(&self) -> PageOffset {
        self.behind
    }

    /// Instructions of the block that have not retired, the current one included.
    pub(crate) fn unretired(&self) -> u16 {
        self.unretired
    }

    /// Address of the current instruction minus the entry `pc`.
    pub(crate) fn pc_delta(&self) -> i32 {
        self.at.distance_from(self.head)
    }

    /// Virtual address of an offset of the page.
    pub(crate) fn pc_of(&mut self, at: PageOffset) -> Value {
        self.b.ins().iadd_imm_s(self.entry_pc, i64::from(at.distance_from(self.head)))
    }

    /// Value of an integer register.
    pub(crate) fn x(&mut self, register: usize) -> Value {
        if register == 0 {
            return self.b.ins().iconst(types::I64, 0);
        }
        if let Some(value) = self.registers[register] {
            return value;
        }
        let value = self.load_state(types::I64, abi::x(register));
        self.registers[register] = Some(value);
        value
    }

    /// Low 32 bits of an integer register.
    pub(crate) fn w(&mut self, register: usize) -> Value {
        let value = self.x(register);
        self.b.ins().ireduce(types::I32, value)
    }

    /// Writes an integer register.
    pub(crate) fn set_x(&mut self, register: usize, value: Value) {
        if register != 0 {
            if !self.carries_x(register) {
                self.store_state(abi::x(register), value);
            }
            self.registers[register] = Some(value);
        }
    }

    /// Writes a 32-bit result, sign-extended.
    pub(crate) fn set_w(&mut self, register: usize, value: Value) {
        let value = self.b.ins().sextend(types::I64, value);
        self.set_x(register, value);
    }

    /// An integer register as a value of type `ty`, I32 or I64.
    pub(crate) fn register_as(&mut self, register: usize, ty: Type) -> Value {
        if ty == types::I32 { self.w(register) } else { self.x(register) }
    }

    /// Writes a value of either type, sign-extended.
    pub(crate) fn set_extended(&mut self, register: usize, value: Value) {
        if self.b.func.dfg.value_type(value) == types::I32 {
            self.set_w(register, value);
        } else {
            self.set_x(register, value);
        }
    }

    /// Writes a comparison's result as 0 or 1.
    pub(crate) fn set_flag(&mut self, register: usize, flag: Value) {
        let value = self.b.ins().uextend(types::I64, flag);
        self.set_x(register, value);
    }

    /// Counts instructions of this tier.
    pub(crate) fn count_retired(&mut self, instructions: i64) {
        let word = abi::word(Word::Optimised);
        let counted = self.load_state(types::I64, word);
        let counted = self.b.ins().iadd_imm_s(counted, instructions);
        self.store_state(word, counted);
    }

    /// Loads a field of the hart's state.
    pub(crate) fn load_state(&mut self, ty: Type, offset: i32) -> Value {
        self.b.ins().load(ty, self.flags.state, self.cpu, offset)
    }

    /// Stores a field of the hart's state.
    pub(crate) fn store_state(&mut self, offset: i32, value: Value) {
        self.b.ins().store(self.flags.state, value, self.cpu, offset);
    }

    /// Exits to the interpreter at the current instruction if `condition` holds. The
    /// instruction must not have had any effect yet.
    pub(crate) fn interpret_if(&mut self, condition: Value) {
        let (cold, hot) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(cold);
        self.b.ins().brif(condition, cold, &[], hot, &[]);
        self.b.switch_to_block(cold);
        self.write_back();
        let unretired = i64::from(self.unretired());
        let left = self.load_state(types::I64, abi::COUNTDOWN);
        let left = self.b.ins().iadd_imm_s(left, unretired);
        self.store_state(abi::COUNTDOWN, left);
        self.count_retired(-unretired);
        let pc = self.pc_of(self.at);
        self.leave(Leave::Interpret, pc);
        self.b.switch_to_block(hot);
    }

    /// Exits to the interpreter at the current instruction unless `condition` holds.
    pub(crate) fn interpret_unless(&mut self, condition: Value) {
        let otherwise = self.b.ins().icmp_imm_u(IntCC::Equal, condition, 0);
        self.interpret_if(otherwise);
    }

    /// Returns to the engine with reason `why`; execution continues at `pc`.
    pub(crate) fn leave(&mut self, why: Leave, pc: Value) {
        self.store_state(abi::PC, pc);
        #[expect(clippy::cast_possible_wrap, reason = "a small code")]
        let code = self.b.ins().iconst(types::I64, why as u64 as i64);
        let leave = self.load_state(types::I64, abi::word(Word::Leave));
        self.b.ins().return_call_indirect(self.signatures.code, leave, &[self.cpu, code]);
    }
}
