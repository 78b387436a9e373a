//! Conversions between integers and floating-point numbers.

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{InstBuilder, Type, Value, types};
use riscope_core::fp::RoundingMode;
use riscope_core::isa::Operands;

use super::{Number, Rounding, rounds_dynamically};
use crate::optimised::translator::Translator;

impl Translator<'_> {
    /// `fcvt.w`, `fcvt.l`
    pub(super) fn float_to_signed<P: Number>(&mut self, o: Operands, integer: Type) {
        let value = P::read(self, o.rs1());
        let whole = if Rounding::of(o) == Rounding::Static(RoundingMode::TowardZero) {
            // Out of range, host and RISC-V agree on the nearest integer and the flag; for
            // NaNs they do not.
            let nan = self.b.ins().fcmp(FloatCC::Unordered, value, value);
            self.interpret_if(nan);
            value
        } else {
            let magnitude = self.b.ins().fabs(value);
            self.interpret_unless_below::<P>(magnitude, whole_bits::<P>(integer));
            self.round::<P>(o, value)
        };
        let result = self.b.ins().fcvt_to_sint_sat(integer, whole);
        self.set_extended(o.rd(), result);
        self.pin_x(o.rd());
    }

    /// `fcvt.wu`, `fcvt.lu`, by a signed conversion where the two agree. The range is
    /// checked first, because converting would raise the inexact flag where RISC-V raises
    /// only invalid.
    pub(super) fn float_to_unsigned<P: Number>(&mut self, o: Operands, integer: Type) {
        let value = P::read(self, o.rs1());
        let whole = if Rounding::of(o) == Rounding::Static(RoundingMode::TowardZero) {
            let lowest = P::constant(self, P::SIGN | P::power_of_two(0));
            let above = self.b.ins().fcmp(FloatCC::GreaterThan, value, lowest);
            self.interpret_unless(above);
            self.interpret_unless_below::<P>(value, width(integer).min(63));
            value
        } else {
            let zero = P::constant(self, 0);
            let above = self.b.ins().fcmp(FloatCC::GreaterThanOrEqual, value, zero);
            self.interpret_unless(above);
            self.interpret_unless_below::<P>(value, whole_bits::<P>(integer));
            self.round::<P>(o, value)
        };
        let result = self.b.ins().fcvt_to_sint_sat(types::I64, whole);
        let result = if integer == types::I32 { self.b.ins().ireduce(types::I32, result) } else { result };
        self.set_extended(o.rd(), result);
        self.pin_x(o.rd());
    }

    /// Rounds a number below 2 to the power [`whole_bits`] to an integral value. Raises the
    /// inexact flag if it changes the number.
    fn round<P: Number>(&mut self, o: Operands, value: Value) -> Value {
        match Rounding::of(o) {
            Rounding::Static(RoundingMode::NearestEven) => self.b.ins().nearest(value),
            Rounding::Static(RoundingMode::Down) => self.b.ins().floor(value),
            Rounding::Static(RoundingMode::Up) => self.b.ins().ceil(value),
            Rounding::Static(RoundingMode::TowardZero) => self.b.ins().trunc(value),
            // Adding a number so large that no fraction bits remain rounds in the mode in
            // force. Instructions with another static mode are not translated.
            Rounding::Dynamic | Rounding::Static(RoundingMode::NearestMaxMagnitude) | Rounding::Reserved => {
                let large = P::constant(self, P::power_of_two(fraction_bits::<P>()));
                let large = self.b.ins().fcopysign(large, value);
                let sum = self.b.ins().fadd(value, large);
                self.b.ins().fsub(sum, large)
            }
        }
    }

    /// `fcvt` from signed integers.
    pub(super) fn float_from_signed<P: Number>(&mut self, o: Operands, integer: Type) {
        let value = self.register_as(o.rs1(), integer);
        if !rounds_dynamically(o) && !is_exact::<P>(integer) {
            let value = if integer == types::I32 { self.b.ins().sextend(types::I64, value) } else { value };
            let limit = 1_i64 << (P::FRACTION_BITS + 1);
            let distance = self.b.ins().iadd_imm_s(value, limit);
            let rounded = self.b.ins().icmp_imm_u(IntCC::UnsignedGreaterThan, distance, 2 * limit);
            self.interpret_if(rounded);
        }
        let result = self.b.ins().fcvt_from_sint(P::TYPE, value);
        P::write(self, o.rd(), result);
        self.pin_f(o.rd());
    }

    /// `fcvt` from unsigned integers, by a signed conversion where the two agree.
    pub(super) fn float_from_unsigned<P: Number>(&mut self, o: Operands, integer: Type) {
        let value = self.register_as(o.rs1(), integer);
        let value = if integer == types::I32 { self.b.ins().uextend(types::I64, value) } else { value };
        if !rounds_dynamically(o) && !is_exact::<P>(integer) {
            let limit = 1_i64 << (P::FRACTION_BITS + 1);
            let rounded = self.b.ins().icmp_imm_u(IntCC::UnsignedGreaterThan, value, limit);
            self.interpret_if(rounded);
        } else if integer == types::I64 {
            let negative = self.b.ins().icmp_imm_s(IntCC::SignedLessThan, value, 0);
            self.interpret_if(negative);
        }
        let result = self.b.ins().fcvt_from_sint(P::TYPE, value);
        P::write(self, o.rd(), result);
        self.pin_f(o.rd());
    }

    /// Exits to the interpreter unless `value` is less than 2 to the power `exponent`; a
    /// NaN is not.
    fn interpret_unless_below<P: Number>(&mut self, value: Value, exponent: i32) {
        let limit = P::constant(self, P::power_of_two(exponent));
        let below = self.b.ins().fcmp(FloatCC::LessThan, value, limit);
        self.interpret_unless(below);
    }
}

/// Exponent of two from which adjacent numbers are at least 1 apart, so that none has a
/// fraction.
fn fraction_bits<P: Number>() -> i32 {
    P::FRACTION_BITS.cast_signed()
}

/// Width of an integer type in bits.
fn width(integer: Type) -> i32 {
    integer.bits().cast_signed()
}

/// Whether the precision represents every integer of the type.
fn is_exact<P: Number>(integer: Type) -> bool {
    fraction_bits::<P>() + 1 >= width(integer)
}

/// Exponent of two below which every number converts in range in any rounding mode, and may
/// have a fraction.
fn whole_bits<P: Number>(integer: Type) -> i32 {
    fraction_bits::<P>().min(width(integer) - 2)
}
