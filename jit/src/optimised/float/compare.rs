//! Comparisons, minimum and maximum.

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{InstBuilder, Value, types};
use riscope_core::isa::Operands;

use super::Number;
use crate::optimised::translator::Translator;

// Bits of `fclass` for positive operands; those for negative ones mirror them.
const POSITIVE_ZERO: i64 = 4;
const POSITIVE_SUBNORMAL: i64 = 5;
const POSITIVE_NORMAL: i64 = 6;
const POSITIVE_INFINITY: i64 = 7;
const SIGNALLING_NAN: i64 = 8;
const QUIET_NAN: i64 = 9;

impl Translator<'_> {
    /// `feq`: a quiet comparison, as the host's are.
    pub(super) fn float_equal<P: Number>(&mut self, o: Operands) {
        let (a, b) = (P::read(self, o.rs1()), P::read(self, o.rs2()));
        let flag = self.b.ins().fcmp(FloatCC::Equal, a, b);
        self.set_flag(o.rd(), flag);
        self.pin_x(o.rd());
    }

    /// `flt`, `fle`: signalling comparisons, so that a quiet NaN raises the invalid flag.
    pub(super) fn float_less<P: Number>(&mut self, condition: FloatCC, o: Operands) {
        let (a, b) = self.ordered::<P>(o);
        let flag = self.b.ins().fcmp(condition, a, b);
        self.set_flag(o.rd(), flag);
        self.pin_x(o.rd());
    }

    /// `fmin`, `fmax`: -0 orders before +0.
    pub(super) fn float_extreme<P: Number>(&mut self, o: Operands, maximum: bool) {
        let (a, b) = self.ordered::<P>(o);
        let condition = if maximum { FloatCC::GreaterThan } else { FloatCC::LessThan };
        let first = self.b.ins().fcmp(condition, a, b);
        let extreme = self.b.ins().select(first, a, b);
        let equal = self.b.ins().fcmp(FloatCC::Equal, a, b);
        // Equal operands are identical or zeros of either sign: the minimum is negative if
        // one operand is, the maximum if both are.
        let both = if maximum { self.b.ins().band(a, b) } else { self.b.ins().bor(a, b) };
        let result = self.b.ins().select(equal, both, extreme);
        P::write(self, o.rd(), result);
    }

    /// `fclass`: sets one of ten bits; in order, negative infinity to positive infinity,
    /// signalling NaN, quiet NaN.
    pub(super) fn float_class<P: Number>(&mut self, o: Operands) {
        let [infinity, quiet, least_normal] = [P::INFINITY, P::CANONICAL_NAN, P::FRACTION + 1].map(u64::cast_signed);
        let value = P::read(self, o.rs1());
        let bits = self.bitcast(P::INTEGER, value);
        let magnitude = self.b.ins().band_imm_u(bits, (P::SIGN - 1).cast_signed());
        let mut class = self.b.ins().iconst(types::I64, POSITIVE_NORMAL);
        for (condition, than, number) in [
            (IntCC::UnsignedLessThan, least_normal, POSITIVE_SUBNORMAL),
            (IntCC::Equal, 0, POSITIVE_ZERO),
            (IntCC::Equal, infinity, POSITIVE_INFINITY),
        ] {
            let holds = self.b.ins().icmp_imm_u(condition, magnitude, than);
            let number = self.b.ins().iconst(types::I64, number);
            class = self.b.ins().select(holds, number, class);
        }
        let mirrored = self.b.ins().bxor_imm_u(class, POSITIVE_INFINITY);
        let negative = self.b.ins().icmp_imm_s(IntCC::SignedLessThan, bits, 0);
        class = self.b.ins().select(negative, mirrored, class);
        for (least, number) in [(infinity + 1, SIGNALLING_NAN), (quiet, QUIET_NAN)] {
            let holds = self.b.ins().icmp_imm_u(IntCC::UnsignedGreaterThanOrEqual, magnitude, least);
            let number = self.b.ins().iconst(types::I64, number);
            class = self.b.ins().select(holds, number, class);
        }
        let one = self.b.ins().iconst(types::I64, 1);
        let result = self.b.ins().ishl(one, class);
        self.set_x(o.rd(), result);
    }

    /// Both source operands. Exits to the interpreter if either is a NaN.
    fn ordered<P: Number>(&mut self, o: Operands) -> (Value, Value) {
        let (a, b) = (P::read(self, o.rs1()), P::read(self, o.rs2()));
        let unordered = self.b.ins().fcmp(FloatCC::Unordered, a, b);
        self.interpret_if(unordered);
        (a, b)
    }
}
