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
        let bits = t.known_bits(register);
        let unboxed = t.is_unboxed(bits);
        t.interpret_if(unboxed);
        let low = t.b.ins().ireduce(types::I32, bits);
        let value = t.bitcast(types::F32, low);
        t.floats[register].bits = Some(bits);
        t.floats[register].single = Some(value);
        value
    }

    fn write(t: &mut Translator<'_>, register: usize, number: Value) {
        t.write_float(register, FloatRegister { single: Some(number), ..FloatRegister::default() });
    }

    fn stored(t: &mut Translator<'_>, register: usize) -> Value {
        t.floats[register].single.unwrap_or_else(|| Self::bits(t, register))
    }

    fn bits(t: &mut Translator<'_>, register: usize) -> Value {
        match t.floats[register] {
            FloatRegister { bits: None, single: Some(number), .. } => t.bitcast(types::I32, number),
            _ => {
                let bits = t.float_bits(register);
                t.b.ins().ireduce(types::I32, bits)
            }
        }
    }

    fn write_bits(t: &mut Translator<'_>, register: usize, bits: Value) {
        let bits = t.boxed(bits);
        t.write_float(register, FloatRegister { bits: Some(bits), ..FloatRegister::default() });
    }

    fn constant(t: &mut Translator<'_>, encoding: u64) -> Value {
        t.b.ins().f32const(Ieee32::with_bits(Self::narrow(encoding)))
    }
}

impl Number for F64 {
    const TYPE: Type = types::F64;
    const INTEGER: Type = types::I64;

    fn read(t: &mut Translator<'_>, register: usize) -> Value {
        let value = match t.floats[register] {
            FloatRegister { double: Some(value), .. } => value,
            FloatRegister { bits: None, single: None, .. } => t.load_state(types::F64, abi::f(register)),
            _ => {
                let bits = t.float_bits(register);
                t.bitcast(types::F64, bits)
            }
        };
        t.floats[register].double = Some(value);
        value
    }

    fn write(t: &mut Translator<'_>, register: usize, number: Value) {
        t.write_float(register, FloatRegister { double: Some(number), ..FloatRegister::default() });
    }

    fn stored(t: &mut Translator<'_>, register: usize) -> Value {
        Self::read(t, register)
    }

    fn bits(t: &mut Translator<'_>, register: usize) -> Value {
        t.float_bits(register)
    }

    fn write_bits(t: &mut Translator<'_>, register: usize, bits: Value) {
        t.write_float(register, FloatRegister { bits: Some(bits), ..FloatRegister::default() });
    }

    fn constant(t: &mut Translator<'_>, encoding: u64) -> Value {
        t.b.ins().f64const(Ieee64::with_bits(Self::narrow(encoding)))
    }
}

impl Translator<'_> {
    /// Gives a register a new value.
    fn write_float(&mut self, register: usize, mut known: FloatRegister) {
        if self.carries_f(register) {
            self.floats[register] = known;
            return;
        }
        if let Some(number) = known.single {
            let low = self.bitcast(types::I32, number);
            known.bits = Some(self.boxed(low));
        }
        self.floats[register] = known;
        self.store_known(register);
    }

    /// Reads a register as a 64-bit integer.
    fn float_bits(&mut self, register: usize) -> Value {
        let bits = self.known_bits(register);
        self.floats[register].bits = Some(bits);
        bits
    }

    /// The same without remembering the value.
    pub(in crate::optimised) fn known_bits(&mut self, register: usize) -> Value {
        match self.floats[register] {
            FloatRegister { bits: Some(bits), .. } => bits,
            FloatRegister { double: Some(value), .. } => self.bitcast(types::I64, value),
            FloatRegister { single: Some(number), .. } => {
                let low = self.bitcast(types::I32, number);
                self.boxed(low)
            }
            FloatRegister { bits: None, double: None, single: None } => self.load_state(types::I64, abi::f(register)),
        }
    }

    /// A NaN-boxed number, given its bits.
    fn boxed(&mut self, bits: Value) -> Value {
        let low = self.b.ins().uextend(types::I64, bits);
        self.b.ins().bor_imm_s(low, BOX)
    }

    /// Whether a register with these bits holds no NaN-boxed number.
    pub(in crate::optimised) fn is_unboxed(&mut self, bits: Value) -> Value {
        let upper = self.b.ins().ushr_imm_u(bits, 32);
        self.b.ins().icmp_imm_u(IntCC::NotEqual, upper, BOXED)
    }

    pub(in crate::optimised) fn bitcast(&mut self, ty: Type, value: Value) -> Value {
        self.b.ins().bitcast(ty, MemFlagsData::new(), value)
    }
}
