//! Conversions between integers and both precisions.

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::immediates::{Ieee32, Ieee64};
use cranelift_codegen::ir::{InstBuilder, Type, Value, types};
use riscope_core::isa::Operands;

use super::Translator;

impl Translator<'_> {
    /// `fcvt.w`, `fcvt.l` towards zero. What is out of range gives the nearest integer on
    /// both sides, and the same flag; what is no number does not.
    pub(in crate::lower) fn float_to_signed(&mut self, o: Operands, ty: Type, integer: Type) {
        let value = self.float(o.rs1(), ty);
        let nan = self.b.ins().fcmp(FloatCC::Unordered, value, value);
        self.interpret_if(nan);
        let result = self.b.ins().fcvt_to_sint_sat(integer, value);
        self.set_extended(o.rd(), result);
    }

    /// `fcvt.wu`, `fcvt.lu` towards zero, as signed ones where they are the same. The
    /// range is checked first: converting raises a flag that being out of range does not.
    pub(in crate::lower) fn float_to_unsigned(&mut self, o: Operands, ty: Type, integer: Type) {
        let value = self.float(o.rs1(), ty);
        let lowest = self.power_of_two(ty, 0, true);
        let above = self.b.ins().fcmp(FloatCC::GreaterThan, value, lowest);
        let limit = self.power_of_two(ty, if integer == types::I32 { 32 } else { 63 }, false);
        let below = self.b.ins().fcmp(FloatCC::LessThan, value, limit);
        let inside = self.b.ins().band(above, below);
        let outside = self.b.ins().icmp_imm_u(IntCC::Equal, inside, 0);
        self.interpret_if(outside);
        let result = self.b.ins().fcvt_to_sint_sat(types::I64, value);
        let result = if integer == types::I32 { self.b.ins().ireduce(types::I32, result) } else { result };
        self.set_extended(o.rd(), result);
    }

    /// `fcvt` from a signed integer.
    pub(in crate::lower) fn float_from_signed(&mut self, o: Operands, ty: Type, integer: Type) {
        let value = self.register_as(o.rs1(), integer);
        let result = self.b.ins().fcvt_from_sint(ty, value);
        self.set_float(o.rd(), ty, result);
    }

    /// `fcvt` from an unsigned integer, as from a signed one where they are the same.
    pub(in crate::lower) fn float_from_unsigned(&mut self, o: Operands, ty: Type, integer: Type) {
        let value = self.register_as(o.rs1(), integer);
        let value = if integer == types::I32 {
            self.b.ins().uextend(types::I64, value)
        } else {
            let negative = self.b.ins().icmp_imm_s(IntCC::SignedLessThan, value, 0);
            self.interpret_if(negative);
            value
        };
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
