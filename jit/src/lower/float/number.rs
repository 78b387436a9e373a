//! A precision in generated code: its type, and how its numbers sit in registers.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::immediates::{Ieee32, Ieee64};
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Type, Value, types};
use riscope_core::fp::{F32, F64, Format};

use crate::abi;
use crate::translator::{FloatRegister, Translator};

/// What the upper half of a register holds around a single-precision number.
const BOX: i64 = 0xffff_ffff_0000_0000_u64.cast_signed();

/// That half by itself.
const BOXED: i64 = 0xffff_ffff;

/// A format whose numbers the host computes with.
pub(in crate::lower) trait Number: Format {
    /// Cranelift's type of a number.
    const TYPE: Type;
    /// Cranelift's type of an integer of the same width.
    const INTEGER: Type;

    /// The number in a register. Leaves the instruction to the interpreter if it is not
    /// boxed as it has to be.
    fn read(t: &mut Translator<'_>, register: usize) -> Value;

    /// Writes a number to a register, boxed.
    fn write(t: &mut Translator<'_>, register: usize, number: Value);

    /// What `register` holds for this format, boxed or not, as a value that can be stored.
    fn stored(t: &mut Translator<'_>, register: usize) -> Value;

    /// The bits in `register` for this format, boxed or not, as an integer.
    fn bits(t: &mut Translator<'_>, register: usize) -> Value;

    /// Writes the bits of a number, an integer, to a register, boxed.
    fn write_bits(t: &mut Translator<'_>, register: usize, bits: Value);

    /// A constant by its encoding.
    fn constant(t: &mut Translator<'_>, encoding: u64) -> Value;

    /// Encoding of 2 to the power `exponent`, which has to be that of a normal number.
    fn power_of_two(exponent: i32) -> u64 {
        debug_assert!((Self::EXPONENT_MIN..=Self::EXPONENT_MAX).contains(&exponent));
        u64::from((exponent + Self::EXPONENT_MAX).cast_unsigned()) << Self::FRACTION_BITS
    }
}

impl Number for F32 {
    const TYPE: Type = types::F32;
    const INTEGER: Type = types::I32;

    fn read(t: &mut Translator<'_>, register: usize) -> Value {
        if let Some(value) = t.floats[register].single {
            return value;
        }
        let bits = t.float_bits(register);
        let upper = t.b.ins().ushr_imm_u(bits, 32);
        let unboxed = t.b.ins().icmp_imm_u(IntCC::NotEqual, upper, BOXED);
        t.interpret_if(unboxed);
        let low = t.b.ins().ireduce(types::I32, bits);
        let value = t.bitcast(types::F32, low);
        t.floats[register].single = Some(value);
        value
    }

    fn write(t: &mut Translator<'_>, register: usize, number: Value) {
        let bits = t.bitcast(types::I32, number);
        Self::write_bits(t, register, bits);
        t.floats[register].single = Some(number);
    }

    fn stored(t: &mut Translator<'_>, register: usize) -> Value {
        Self::bits(t, register)
    }

    fn bits(t: &mut Translator<'_>, register: usize) -> Value {
        let bits = t.float_bits(register);
        t.b.ins().ireduce(types::I32, bits)
    }

    fn write_bits(t: &mut Translator<'_>, register: usize, bits: Value) {
        let low = t.b.ins().uextend(types::I64, bits);
        let bits = t.b.ins().bor_imm_s(low, BOX);
        t.store_state(abi::f(register), bits);
        t.floats[register] = FloatRegister { bits: Some(bits), ..FloatRegister::default() };
    }

    fn constant(t: &mut Translator<'_>, encoding: u64) -> Value {
        t.b.ins().f32const(Ieee32::with_bits(Self::narrow(encoding)))
    }
}

impl Number for F64 {
    const TYPE: Type = types::F64;
    const INTEGER: Type = types::I64;

    fn read(t: &mut Translator<'_>, register: usize) -> Value {
        let known = t.floats[register];
        let value = known.double.unwrap_or_else(|| match known.bits {
            Some(bits) => t.bitcast(types::F64, bits),
            None => t.load_state(types::F64, abi::f(register)),
        });
        t.floats[register].double = Some(value);
        value
    }

    fn write(t: &mut Translator<'_>, register: usize, number: Value) {
        t.store_state(abi::f(register), number);
        t.floats[register] = FloatRegister { double: Some(number), ..FloatRegister::default() };
    }

    fn stored(t: &mut Translator<'_>, register: usize) -> Value {
        Self::read(t, register)
    }

    fn bits(t: &mut Translator<'_>, register: usize) -> Value {
        t.float_bits(register)
    }

    fn write_bits(t: &mut Translator<'_>, register: usize, bits: Value) {
        t.store_state(abi::f(register), bits);
        t.floats[register] = FloatRegister { bits: Some(bits), ..FloatRegister::default() };
    }

    fn constant(t: &mut Translator<'_>, encoding: u64) -> Value {
        t.b.ins().f64const(Ieee64::with_bits(Self::narrow(encoding)))
    }
}

impl Translator<'_> {
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

    pub(super) fn bitcast(&mut self, ty: Type, value: Value) -> Value {
        self.b.ins().bitcast(ty, MemFlagsData::new(), value)
    }
}
