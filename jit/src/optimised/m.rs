//! M extension: integer multiplication and division.
//!
//! Cranelift's division traps on a zero divisor and on overflow, RISC-V's does not. The
//! divisor is replaced by 1 in these cases, and the defined result selected afterwards.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value};
use riscope_core::isa::m::M;

use super::lowering::{Lowering, reg_reg, word_word};
use super::translator::Translator;

pub(super) fn lowering(op: M) -> Lowering {
    match op {
        M::Mul => reg_reg!(|t, a, b| t.b.ins().imul(a, b)),
        M::Mulh => reg_reg!(|t, a, b| t.b.ins().smulhi(a, b)),
        M::Mulhsu => reg_reg!(|t, a, b| t.multiply_high_mixed(a, b)),
        M::Mulhu => reg_reg!(|t, a, b| t.b.ins().umulhi(a, b)),
        M::Div => reg_reg!(|t, a, b| t.divide_signed(a, b)),
        M::Divu => reg_reg!(|t, a, b| t.divide_unsigned(a, b)),
        M::Rem => reg_reg!(|t, a, b| t.remainder_signed(a, b)),
        M::Remu => reg_reg!(|t, a, b| t.remainder_unsigned(a, b)),
        M::Mulw => word_word!(|t, a, b| t.b.ins().imul(a, b)),
        M::Divw => word_word!(|t, a, b| t.divide_signed(a, b)),
        M::Divuw => word_word!(|t, a, b| t.divide_unsigned(a, b)),
        M::Remw => word_word!(|t, a, b| t.remainder_signed(a, b)),
        M::Remuw => word_word!(|t, a, b| t.remainder_unsigned(a, b)),
    }
}

impl Translator<'_> {
    /// High half of signed times unsigned. Unsigned multiplication reads a negative `a` as
    /// `a + 2^64`, which makes the high half too large by `b`.
    fn multiply_high_mixed(&mut self, a: Value, b: Value) -> Value {
        let high = self.b.ins().umulhi(a, b);
        let negative = self.b.ins().sshr_imm_u(a, 63);
        let excess = self.b.ins().band(negative, b);
        self.b.ins().isub(high, excess)
    }

    fn divide_unsigned(&mut self, a: Value, b: Value) -> Value {
        let (by_zero, divisor) = self.nonzero(b);
        let quotient = self.b.ins().udiv(a, divisor);
        let all_ones = self.constant_like(b, -1);
        self.b.ins().select(by_zero, all_ones, quotient)
    }

    fn remainder_unsigned(&mut self, a: Value, b: Value) -> Value {
        let (by_zero, divisor) = self.nonzero(b);
        let remainder = self.b.ins().urem(a, divisor);
        self.b.ins().select(by_zero, a, remainder)
    }

    /// Signed quotient. Division by -1 is negation, which wraps on overflow.
    fn divide_signed(&mut self, a: Value, b: Value) -> Value {
        let (by_zero, divisor) = self.nonzero(b);
        let (by_minus_one, divisor) = self.not_minus_one(divisor);
        let quotient = self.b.ins().sdiv(a, divisor);
        let negated = self.b.ins().ineg(a);
        let quotient = self.b.ins().select(by_minus_one, negated, quotient);
        let all_ones = self.constant_like(b, -1);
        self.b.ins().select(by_zero, all_ones, quotient)
    }

    /// Signed remainder. By -1 it is 0, as it is by the substituted 1.
    fn remainder_signed(&mut self, a: Value, b: Value) -> Value {
        let (by_zero, divisor) = self.nonzero(b);
        let (_, divisor) = self.not_minus_one(divisor);
        let remainder = self.b.ins().srem(a, divisor);
        self.b.ins().select(by_zero, a, remainder)
    }

    /// Whether `b` is 0, and `b` with 0 replaced by 1.
    fn nonzero(&mut self, b: Value) -> (Value, Value) {
        self.replace(b, 0)
    }

    /// Whether `b` is -1, and `b` with -1 replaced by 1.
    fn not_minus_one(&mut self, b: Value) -> (Value, Value) {
        self.replace(b, -1)
    }

    fn replace(&mut self, b: Value, bad: i64) -> (Value, Value) {
        let is_bad = self.b.ins().icmp_imm_s(IntCC::Equal, b, bad);
        let one = self.constant_like(b, 1);
        (is_bad, self.b.ins().select(is_bad, one, b))
    }

    fn constant_like(&mut self, like: Value, constant: i64) -> Value {
        let ty = self.b.func.dfg.value_type(like);
        // Cranelift takes an i32 constant as its low 32 bits.
        let constant = if ty.bits() == 32 { constant & 0xffff_ffff } else { constant };
        self.b.ins().iconst(ty, constant)
    }
}
