//! Instructions to Cranelift IR, under the file names of `riscope_core::isa`.
//!
//! Guest registers are loaded from the hart's state where a block first needs
//! them, kept as values until its end, and every result is stored at once. So
//! generated code may be left before any instruction, and a `pc` is all that an
//! exit has to store.

mod a;
mod d;
mod f;
mod float;
mod i;
mod m;
mod transfer;
mod zba;
mod zbb;
mod zbs;
mod zicond;

use std::collections::HashMap;

use cranelift_codegen::ir::{
    self, AbiParam, AliasRegionData, InstBuilder, MemFlagsData, SigRef, Signature, Type, Value, types,
};
use cranelift_codegen::isa::CallConv;
use cranelift_frontend::FunctionBuilder;
use riscope_core::isa::i::I;
use riscope_core::isa::{Insn, Op, Operands};

use crate::abi::{self, Leave};
use crate::block::{Block, Ending, Fragment};
use crate::memory::Group;
use crate::sys;
use float::FloatRegister;

/// Whether this engine translates an instruction; the interpreter executes the rest.
pub(crate) fn is_translated(insn: Insn) -> bool {
    match insn.op {
        Op::I(op) => !matches!(op, I::Ecall | I::Ebreak),
        Op::M(_) | Op::A(_) | Op::Zba(_) | Op::Zbb(_) | Op::Zbs(_) | Op::Zicond(_) => true,
        Op::F(op) => sys::float::AVAILABLE && f::is_translated(op, insn.operands),
        Op::D(op) => sys::float::AVAILABLE && d::is_translated(op, insn.operands),
        Op::Zicsr(_) | Op::Zifencei(_) | Op::Privileged(_) | Op::Zicboz(_) => false,
    }
}

/// Whether an operation ends a block.
pub(crate) fn is_transfer(op: Op) -> bool {
    matches!(op, Op::I(I::Jal | I::Jalr | I::Beq | I::Bne | I::Blt | I::Bge | I::Bltu | I::Bgeu))
}

/// Memory flags of the kinds of host memory that code touches. Each has its own
/// alias region, because one without a region is a fence for all of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flags {
    pub(crate) state: MemFlagsData,
    pub(crate) tlb: MemFlagsData,
    pub(crate) ram: MemFlagsData,
    pub(crate) links: MemFlagsData,
}

/// Signatures of what generated code calls.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signatures {
    /// The refill thunk.
    pub(crate) refill: SigRef,
    /// Another translation.
    pub(crate) code: SigRef,
}

/// Signature of a translation: `fn(cpu, pc) -> Leave`.
pub(crate) fn code_signature() -> Signature {
    let mut signature = Signature::new(CallConv::Tail);
    signature.params.extend([AbiParam::new(types::I64), AbiParam::new(types::I64)]);
    signature.returns.push(AbiParam::new(types::I64));
    signature
}

/// Signature of the refill thunk: one argument, no result, no register touched.
pub(crate) fn refill_signature() -> Signature {
    let mut signature = Signature::new(CallConv::PreserveAll);
    signature.params.push(AbiParam::new(types::I64));
    signature
}

/// Gives the link slot for a target offset in the page being translated.
pub(crate) type LinkSlots<'a> = &'a mut dyn FnMut(u16) -> *const u8;

/// State of one translation.
pub(crate) struct Translator<'a> {
    pub(crate) b: FunctionBuilder<'a>,
    pub(crate) cpu: Value,
    pub(crate) entry_pc: Value,
    /// The TLB bank of the hart's current context.
    pub(crate) tlb: Value,
    pub(crate) flags: Flags,
    pub(crate) signatures: Signatures,
    links: LinkSlots<'a>,
    head: u16,
    blocks: HashMap<u16, ir::Block>,
    /// Values of guest registers in the current block.
    registers: [Option<Value>; 32],
    /// The same of floating-point registers.
    floats: [FloatRegister; 32],
    /// Whether the current block knows that it may use the host's floating-point unit.
    float_unit: bool,
    /// Offset of the current instruction.
    at: u16,
    /// Instructions of the block from the current one on.
    unretired: u16,
}

/// Builds the function of `fragment` in the function that `b` was made for.
pub(crate) fn translate(
    mut b: FunctionBuilder<'_>,
    fragment: &Fragment,
    links: LinkSlots<'_>,
    isa: &dyn cranelift_codegen::isa::TargetIsa,
) {
    b.func.signature = code_signature();
    let entry = b.create_block();
    b.append_block_params_for_function_params(entry);
    b.switch_to_block(entry);
    let &[cpu, entry_pc] = b.block_params(entry) else { return };
    let flags = Flags::new(&mut b);
    let signatures =
        Signatures { refill: b.import_signature(refill_signature()), code: b.import_signature(code_signature()) };
    let tlb = b.ins().load(types::I64, flags.state, cpu, abi::TLB);
    let blocks: HashMap<_, _> = fragment.blocks.keys().map(|&start| (start, b.create_block())).collect();
    b.ins().jump(blocks[&fragment.head], &[]);
    let mut translator = Translator {
        b,
        cpu,
        entry_pc,
        tlb,
        flags,
        signatures,
        links,
        head: fragment.head,
        blocks,
        registers: [None; 32],
        floats: [FloatRegister::default(); 32],
        float_unit: false,
        at: fragment.head,
        unretired: 0,
    };
    for block in fragment.blocks.values() {
        translator.block(block);
    }
    translator.b.seal_all_blocks();
    translator.b.finalize(isa.frontend_config());
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
        }
    }
}

impl Translator<'_> {
    fn block(&mut self, block: &Block) {
        self.b.switch_to_block(self.blocks[&block.start]);
        self.registers = [None; 32];
        self.floats = [FloatRegister::default(); 32];
        self.float_unit = false;
        self.at = block.start;
        let count = u16::try_from(block.instructions.len()).unwrap_or(u16::MAX);
        if count > 0 {
            self.count_down(count);
        }
        for (done, located) in block.instructions.iter().enumerate() {
            self.at = located.at;
            self.unretired = count - u16::try_from(done).unwrap_or(count);
            self.instruction(located.insn);
        }
        match block.ending {
            Ending::Transfer => {}
            Ending::FallThrough => self.go_to(block.end),
            Ending::Interpret => {
                let pc = self.pc_of(block.end);
                self.leave(Leave::Interpret, pc);
            }
        }
    }

    /// Takes the block's instructions off the countdown, or leaves before any of
    /// them when there are too few left.
    fn count_down(&mut self, count: u16) {
        let left = self.load_state(types::I64, abi::COUNTDOWN);
        let left = self.b.ins().iadd_imm_s(left, -i64::from(count));
        let spent = self.b.ins().icmp_imm_s(ir::condcodes::IntCC::SignedLessThan, left, 0);
        let (cold, hot) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(cold);
        self.b.ins().brif(spent, cold, &[], hot, &[]);
        self.b.switch_to_block(cold);
        let pc = self.pc_of(self.at);
        self.leave(Leave::Quantum, pc);
        self.b.switch_to_block(hot);
        self.store_state(abi::COUNTDOWN, left);
    }

    fn instruction(&mut self, insn: Insn) {
        let o = insn.operands;
        if matches!(insn.op, Op::F(_) | Op::D(_)) {
            self.use_float_unit();
        }
        match insn.op {
            Op::F(op) => self.lower_f(op, o),
            Op::D(op) => self.lower_d(op, o),
            Op::I(op) => self.lower_i(op, o),
            Op::M(op) => self.lower_m(op, o),
            Op::A(op) => self.lower_a(op, o),
            Op::Zba(op) => self.lower_zba(op, o),
            Op::Zbb(op) => self.lower_zbb(op, o),
            Op::Zbs(op) => self.lower_zbs(op, o),
            Op::Zicond(op) => self.lower_zicond(op, o),
            Op::Zicsr(_) | Op::Zifencei(_) | Op::Privileged(_) | Op::Zicboz(_) => {
                unreachable!("block discovery stops at what is not translated")
            }
        }
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
    fn w(&mut self, register: usize) -> Value {
        let value = self.x(register);
        self.b.ins().ireduce(types::I32, value)
    }

    /// Writes an integer register.
    fn set_x(&mut self, register: usize, value: Value) {
        if register != 0 {
            self.store_state(abi::x(register), value);
            self.registers[register] = Some(value);
        }
    }

    /// Writes a 32-bit result, sign-extended.
    fn set_w(&mut self, register: usize, value: Value) {
        let value = self.b.ins().sextend(types::I64, value);
        self.set_x(register, value);
    }

    /// An integer register as a value of type `ty`, I32 or I64.
    fn register_as(&mut self, register: usize, ty: Type) -> Value {
        if ty == types::I32 { self.w(register) } else { self.x(register) }
    }

    /// Writes a value of either type, sign-extended.
    fn set_extended(&mut self, register: usize, value: Value) {
        if self.b.func.dfg.value_type(value) == types::I32 {
            self.set_w(register, value);
        } else {
            self.set_x(register, value);
        }
    }

    /// Writes a comparison's result as 0 or 1.
    fn set_flag(&mut self, register: usize, flag: Value) {
        let value = self.b.ins().uextend(types::I64, flag);
        self.set_x(register, value);
    }

    pub(crate) fn load_state(&mut self, ty: Type, offset: i32) -> Value {
        self.b.ins().load(ty, self.flags.state, self.cpu, offset)
    }

    pub(crate) fn store_state(&mut self, offset: i32, value: Value) {
        self.b.ins().store(self.flags.state, value, self.cpu, offset);
    }

    /// Virtual address of an offset in the page.
    fn pc_of(&mut self, at: u16) -> Value {
        self.b.ins().iadd_imm_s(self.entry_pc, i64::from(at) - i64::from(self.head))
    }

    /// Distance of the current instruction from the entry.
    pub(crate) fn pc_delta(&self) -> i32 {
        i32::from(self.at) - i32::from(self.head)
    }

    /// Instructions of the block that have not retired yet.
    pub(crate) fn unretired(&self) -> u16 {
        self.unretired
    }

    /// Host address of the memory operand `imm(rs1)`.
    fn operand_pointer(&mut self, o: Operands, span: u8, store: bool) -> Value {
        let base = self.x(o.rs1());
        let first = if o.imm() == 0 { base } else { self.b.ins().iadd_imm_s(base, i64::from(o.imm())) };
        self.host_pointer(Group { first, span, store })
    }
}
