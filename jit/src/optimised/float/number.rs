//! Register access by precision: types, NaN boxing and encodings in generated code.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::immediates::{Ieee32, Ieee64};
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Type, Value, types};
use riscope_core::fp::{F32, F64, Format};

use crate::abi;
use crate::optimised::translator::{FloatRegister, Translator};

/// Upper half of a register that holds a NaN-boxed single-precision number.
const BOX: i64 = 0xffff_ffff_0000_0000_u64.cast_signed();

/// The same, shifted down to the low half.
const BOXED: i64 = 0xffff_ffff;

/// Precision that the host's floating-point unit computes with.
pub(in crate::optimised) trait Number: Format {
    /// Cranelift type of a number.
    const TYPE: Type;
    /// Cranelift integer type of the same width.
    const INTEGER: Type;

    /// Reads a register as a number. Exits to the interpreter if the value is not
    /// NaN-boxed.
    fn read(t: &mut Translator<'_>, register: usize) -> Value;

    /// Writes a number to a register, NaN-boxed.
    fn write(t: &mut Translator<'_>, register: usize, number: Value);

    /// Reads the low bits of a register, boxed or not, as a value to store.
    fn stored(t: &mut Translator<'_>, register: usize) -> Value;

    /// Reads the low bits of a register, boxed or not, as an integer.
    fn bits(t: &mut Translator<'_>, register: usize) -> Value;

    /// Writes a number, given by its bits, to a register, NaN-boxed.
    fn write_bits(t: &mut Translator<'_>, register: usize, bits: Value);

    /// Constant with this encoding.
    fn constant(t: &mut Translator<'_>, encoding: u64) -> Value;

    /// Encoding of 2 to the power `exponent`, which must be a normal number.
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
    /// Reads a register as a 64-bit integer.
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
