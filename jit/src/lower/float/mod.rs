//! What F and D have in common: the host's floating-point unit does the arithmetic.
//!
//! - **Flags.** x86-64 accrues the same five exceptions under the same conditions as
//!   RISC-V, tininess after rounding included. So generated code never computes a flag:
//!   they gather in the host's control register and go to `fflags` when the code is left
//!   (`crate::sys::float`).
//! - **Rounding.** The host rounds as `frm` says, set on entry. Of instructions with a mode
//!   of their own, those are translated whose result is exact, and conversions to
//!   integers: `floor` and its like are made of these.
//! - **When.** Code uses the unit only if the hart's floating point is on and dirty and
//!   `frm` is one of the four modes that hosts have; it asks once a block. Otherwise the
//!   interpreter executes the instruction, which makes the state dirty or traps.
//! - **What differs** from RISC-V is left to the interpreter too, before the destination is
//!   written: numbers that are not boxed; NaNs in signalling comparisons, minimum, maximum
//!   and conversions to integers; conversions of large unsigned integers, and of all large
//!   numbers in other modes than towards zero; fused multiply-adds that give a NaN. A host
//!   operation before that has raised no flag that the instruction does not raise.
//!
//! Cranelift takes floating-point operations for pure. Without its optimiser it still
//! drops those whose result nobody uses, and with them their flags. Each result here is
//! stored to the hart's state; what raises flags and writes to `x0` is not translated.

mod arithmetic;
mod compare;
mod convert;
mod moves;

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::immediates::{Ieee32, Ieee64};
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Type, Value, types};
use riscope_core::isa::Operands;

pub(super) use moves::Sign;

use super::Translator;
use crate::abi::{self, Word};
use crate::sys;

/// `rm` that stands for `frm`.
const DYNAMIC: u8 = 7;
/// The `rm` that have a meaning by themselves; the last is to nearest, ties away from zero.
const LAST_STATIC: u8 = 4;

/// What the upper half of a register holds around a single-precision number.
const BOX: i64 = 0xffff_ffff_0000_0000_u64.cast_signed();

/// That half by itself.
const BOXED: i64 = 0xffff_ffff;

/// Whether an instruction rounds as `frm` says.
pub(super) fn rounds_dynamically(o: Operands) -> bool {
    o.rm() == DYNAMIC
}

/// Whether an instruction has a rounding mode at all: for those whose result is exact, or is
/// translated only where it is.
pub(super) fn rounds_somehow(o: Operands) -> bool {
    o.rm() <= LAST_STATIC || o.rm() == DYNAMIC
}

/// Whether the host converts to integers in the rounding mode of an instruction.
pub(super) fn rounds_to_integer(o: Operands) -> bool {
    o.rm() < LAST_STATIC && sys::float::rounds() || o.rm() == DYNAMIC
}

/// What is known of a register in the current block. All forms agree with the state.
#[derive(Clone, Copy, Default)]
pub(super) struct FloatRegister {
    /// As an integer.
    bits: Option<Value>,
    /// As a number, boxed.
    single: Option<Value>,
    double: Option<Value>,
}

impl Translator<'_> {
    /// Makes sure that the rest of the block may use the host's unit.
    pub(super) fn use_float_unit(&mut self) {
        if !self.float_unit {
            let control = self.load_state(types::I64, abi::word(Word::FloatControl));
            let unusable = self.b.ins().icmp_imm_s(IntCC::Equal, control, 0);
            self.interpret_if(unusable);
            self.float_unit = true;
        }
    }

    /// A register as a number of type `ty`, F32 or F64.
    fn float(&mut self, register: usize, ty: Type) -> Value {
        if ty == types::F64 { self.double(register) } else { self.single(register) }
    }

    fn double(&mut self, register: usize) -> Value {
        let known = self.floats[register];
        let value = known.double.unwrap_or_else(|| match known.bits {
            Some(bits) => self.bitcast(types::F64, bits),
            None => self.load_state(types::F64, abi::f(register)),
        });
        self.floats[register].double = Some(value);
        value
    }

    /// Leaves the instruction to the interpreter if the number is not boxed.
    fn single(&mut self, register: usize) -> Value {
        if let Some(value) = self.floats[register].single {
            return value;
        }
        let bits = self.float_bits(register);
        let upper = self.b.ins().ushr_imm_u(bits, 32);
        let unboxed = self.b.ins().icmp_imm_u(IntCC::NotEqual, upper, BOXED);
        self.interpret_if(unboxed);
        let low = self.b.ins().ireduce(types::I32, bits);
        let value = self.bitcast(types::F32, low);
        self.floats[register].single = Some(value);
        value
    }

    /// A register as an integer.
    fn float_bits(&mut self, register: usize) -> Value {
        let known = self.floats[register];
        let bits = known.bits.unwrap_or_else(|| match known.double {
            Some(value) => self.bitcast(types::I64, value),
            None => self.load_state(types::I64, abi::f(register)),
        });
        self.floats[register].bits = Some(bits);
        bits
    }

    /// Writes a number to a register, boxed if it is of single precision.
    fn set_float(&mut self, register: usize, ty: Type, value: Value) {
        if ty == types::F64 {
            self.store_state(abi::f(register), value);
            self.floats[register] = FloatRegister { double: Some(value), ..FloatRegister::default() };
        } else {
            let low = self.bitcast(types::I32, value);
            let low = self.b.ins().uextend(types::I64, low);
            let bits = self.b.ins().bor_imm_s(low, BOX);
            self.set_float_bits(register, bits);
            self.floats[register].single = Some(value);
        }
    }

    /// Writes the bits of a register.
    fn set_float_bits(&mut self, register: usize, bits: Value) {
        self.store_state(abi::f(register), bits);
        self.floats[register] = FloatRegister { bits: Some(bits), ..FloatRegister::default() };
    }

    fn bitcast(&mut self, ty: Type, value: Value) -> Value {
        self.b.ins().bitcast(ty, MemFlagsData::new(), value)
    }

    /// The quiet NaN of RISC-V.
    fn canonical_nan(&mut self, ty: Type) -> Value {
        if ty == types::F64 {
            self.b.ins().f64const(Ieee64::with_bits(0x7ff8_0000_0000_0000))
        } else {
            self.b.ins().f32const(Ieee32::with_bits(0x7fc0_0000))
        }
    }
}
