//! Conversions between integers and both precisions.

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::immediates::{Ieee32, Ieee64};
use cranelift_codegen::ir::{InstBuilder, Type, Value, types};
use riscope_core::fp::RoundingMode;
use riscope_core::isa::Operands;

use super::{Translator, rounds_dynamically};

impl Translator<'_> {
    /// `fcvt.w`, `fcvt.l`
    pub(in crate::lower) fn float_to_signed(&mut self, o: Operands, ty: Type, integer: Type) {
        let value = self.float(o.rs1(), ty);
        let whole = if RoundingMode::from_bits(o.rm()) == Some(RoundingMode::TowardZero) {
            // What is out of range gives the nearest integer on both sides, and the same flag;
            // what is no number does not.
            let nan = self.b.ins().fcmp(FloatCC::Unordered, value, value);
            self.interpret_if(nan);
            value
        } else {
            let magnitude = self.b.ins().fabs(value);
            self.interpret_unless_below(magnitude, ty, whole_bits(ty, integer));
            self.round(o, ty, value)
        };
        let result = self.b.ins().fcvt_to_sint_sat(integer, whole);
        self.set_extended(o.rd(), result);
    }

    /// `fcvt.wu`, `fcvt.lu`, as signed ones where they are the same. The range is checked
    /// first: converting raises a flag that being out of range does not.
    pub(in crate::lower) fn float_to_unsigned(&mut self, o: Operands, ty: Type, integer: Type) {
        let value = self.float(o.rs1(), ty);
        let whole = if RoundingMode::from_bits(o.rm()) == Some(RoundingMode::TowardZero) {
            let lowest = self.power_of_two(ty, 0, true);
            let above = self.b.ins().fcmp(FloatCC::GreaterThan, value, lowest);
            self.interpret_unless(above);
            self.interpret_unless_below(value, ty, if integer == types::I32 { 32 } else { 63 });
            value
        } else {
            let zero = self.zero(ty);
            let above = self.b.ins().fcmp(FloatCC::GreaterThanOrEqual, value, zero);
            self.interpret_unless(above);
            self.interpret_unless_below(value, ty, whole_bits(ty, integer));
            self.round(o, ty, value)
        };
        let result = self.b.ins().fcvt_to_sint_sat(types::I64, whole);
        let result = if integer == types::I32 { self.b.ins().ireduce(types::I32, result) } else { result };
        self.set_extended(o.rd(), result);
    }

    /// A number less than 2 to [`whole_bits`], rounded to an integer. Both ways raise the flag
    /// for an inexact result if it is one.
    fn round(&mut self, o: Operands, ty: Type, value: Value) -> Value {
        match RoundingMode::from_bits(o.rm()) {
            Some(RoundingMode::NearestEven) => self.b.ins().nearest(value),
            Some(RoundingMode::Down) => self.b.ins().floor(value),
            Some(RoundingMode::Up) => self.b.ins().ceil(value),
            // By the mode in force: such a sum has no room for a fraction.
            _ => {
                let large = self.power_of_two(ty, fraction_bits(ty), false);
                let large = self.b.ins().fcopysign(large, value);
                let sum = self.b.ins().fadd(value, large);
                self.b.ins().fsub(sum, large)
            }
        }
    }

    /// `fcvt` from a signed integer.
    pub(in crate::lower) fn float_from_signed(&mut self, o: Operands, ty: Type, integer: Type) {
        let value = self.register_as(o.rs1(), integer);
        if !rounds_dynamically(o) && !is_exact(ty, integer) {
            let value = if integer == types::I32 { self.b.ins().sextend(types::I64, value) } else { value };
            let limit = 1_i64 << (fraction_bits(ty) + 1);
            let distance = self.b.ins().iadd_imm_s(value, limit);
            let rounded = self.b.ins().icmp_imm_u(IntCC::UnsignedGreaterThan, distance, 2 * limit);
            self.interpret_if(rounded);
        }
        let result = self.b.ins().fcvt_from_sint(ty, value);
        self.set_float(o.rd(), ty, result);
    }

    /// `fcvt` from an unsigned integer, as from a signed one where they are the same.
    pub(in crate::lower) fn float_from_unsigned(&mut self, o: Operands, ty: Type, integer: Type) {
        let value = self.register_as(o.rs1(), integer);
        let value = if integer == types::I32 { self.b.ins().uextend(types::I64, value) } else { value };
        if !rounds_dynamically(o) && !is_exact(ty, integer) {
            let limit = 1_i64 << (fraction_bits(ty) + 1);
            let rounded = self.b.ins().icmp_imm_u(IntCC::UnsignedGreaterThan, value, limit);
            self.interpret_if(rounded);
        } else if integer == types::I64 {
            let negative = self.b.ins().icmp_imm_s(IntCC::SignedLessThan, value, 0);
            self.interpret_if(negative);
        }
        let result = self.b.ins().fcvt_from_sint(ty, value);
        self.set_float(o.rd(), ty, result);
    }

    /// `fcvt.s.d`
    pub(in crate::lower) fn float_narrow(&mut self, o: Operands) {
        let value = self.float(o.rs1(), types::F64);
        let result = self.b.ins().fdemote(types::F32, value);
        self.set_result(o, types::F32, result);
    }

    /// `fcvt.d.s`
    pub(in crate::lower) fn float_widen(&mut self, o: Operands) {
        let value = self.float(o.rs1(), types::F32);
        let result = self.b.ins().fpromote(types::F64, value);
        self.set_result(o, types::F64, result);
    }

    /// Leaves the instruction to the interpreter unless a number, which may be none, is less
    /// than 2 to `exponent`.
    fn interpret_unless_below(&mut self, value: Value, ty: Type, exponent: i32) {
        let limit = self.power_of_two(ty, exponent, false);
        let below = self.b.ins().fcmp(FloatCC::LessThan, value, limit);
        self.interpret_unless(below);
    }

    fn interpret_unless(&mut self, condition: Value) {
        let otherwise = self.b.ins().icmp_imm_u(IntCC::Equal, condition, 0);
        self.interpret_if(otherwise);
    }

    fn zero(&mut self, ty: Type) -> Value {
        if ty == types::F64 {
            self.b.ins().f64const(Ieee64::with_bits(0))
        } else {
            self.b.ins().f32const(Ieee32::with_bits(0))
        }
    }

    /// 2 to some exponent, negative or not.
    fn power_of_two(&mut self, ty: Type, exponent: i32, negative: bool) -> Value {
        if ty == types::F64 {
            let value = Ieee64::pow2(exponent);
            self.b.ins().f64const(if negative { -value } else { value })
        } else {
            let value = Ieee32::pow2(exponent);
            self.b.ins().f32const(if negative { -value } else { value })
        }
    }
}

/// Bits of a number's fraction: from 2 to this on, there is none.
fn fraction_bits(ty: Type) -> i32 {
    if ty == types::F64 { 52 } else { 23 }
}

/// Whether every integer is a number.
fn is_exact(ty: Type, integer: Type) -> bool {
    ty == types::F64 && integer == types::I32
}

/// Numbers below 2 to this may have a fraction, and are in an integer's range rounded or not.
fn whole_bits(ty: Type, integer: Type) -> i32 {
    if integer == types::I32 { fraction_bits(ty).min(30) } else { fraction_bits(ty) }
}
