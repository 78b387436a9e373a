//! Zbb extension: basic bit manipulation.

use cranelift_codegen::ir::{InstBuilder, Type, Value, types};
use riscope_core::isa::zbb::Zbb;

use super::lowering::{Lowering, reg, reg_reg, word, word_word};
use super::translator::Translator;

pub(super) fn lowering(op: Zbb) -> Lowering {
    match op {
        Zbb::Andn => reg_reg!(|t, a, b| t.b.ins().band_not(a, b)),
        Zbb::Orn => reg_reg!(|t, a, b| t.b.ins().bor_not(a, b)),
        Zbb::Xnor => reg_reg!(|t, a, b| t.b.ins().bxor_not(a, b)),
        Zbb::Clz => reg!(|t, a| t.b.ins().clz(a)),
        // The count fits in 31 bits, so sign extension does not change it.
        Zbb::Clzw => word!(|t, a| t.b.ins().clz(a)),
        Zbb::Ctz => reg!(|t, a| t.b.ins().ctz(a)),
        Zbb::Ctzw => word!(|t, a| t.b.ins().ctz(a)),
        Zbb::Cpop => reg!(|t, a| t.b.ins().popcnt(a)),
        Zbb::Cpopw => word!(|t, a| t.b.ins().popcnt(a)),
        Zbb::Max => reg_reg!(|t, a, b| t.b.ins().smax(a, b)),
        Zbb::Maxu => reg_reg!(|t, a, b| t.b.ins().umax(a, b)),
        Zbb::Min => reg_reg!(|t, a, b| t.b.ins().smin(a, b)),
        Zbb::Minu => reg_reg!(|t, a, b| t.b.ins().umin(a, b)),
        Zbb::SextB => reg!(|t, a| t.sign_extended(a, types::I8)),
        Zbb::SextH => reg!(|t, a| t.sign_extended(a, types::I16)),
        Zbb::ZextH => reg!(|t, a| t.zero_extended(a, types::I16)),
        Zbb::Rol => reg_reg!(|t, a, b| t.b.ins().rotl(a, b)),
        Zbb::Rolw => word_word!(|t, a, b| t.b.ins().rotl(a, b)),
        Zbb::Ror => reg_reg!(|t, a, b| t.b.ins().rotr(a, b)),
        Zbb::Rori => Lowering::Straight(|t, o| {
            let a = t.x(o.rs1());
            let result = t.b.ins().rotr_imm_u(a, i64::from(o.imm()));
            t.set_x(o.rd(), result);
        }),
        Zbb::Roriw => Lowering::Straight(|t, o| {
            let a = t.w(o.rs1());
            let result = t.b.ins().rotr_imm_u(a, i64::from(o.imm()));
            t.set_w(o.rd(), result);
        }),
        Zbb::Rorw => word_word!(|t, a, b| t.b.ins().rotr(a, b)),
        Zbb::OrcB => reg!(|t, a| t.or_combine_bytes(a)),
        Zbb::Rev8 => reg!(|t, a| t.b.ins().bswap(a)),
    }
}

impl Translator<'_> {
    /// Low bits of `value`, as many as `ty` has, sign-extended.
    fn sign_extended(&mut self, value: Value, ty: Type) -> Value {
        let low = self.b.ins().ireduce(ty, value);
        self.b.ins().sextend(types::I64, low)
    }

    /// Low bits of `value`, as many as `ty` has, zero-extended.
    fn zero_extended(&mut self, value: Value, ty: Type) -> Value {
        let low = self.b.ins().ireduce(ty, value);
        self.b.ins().uextend(types::I64, low)
    }

    /// `orc.b`: every non-zero byte becomes 0xff. Gathers the bits of each byte in its
    /// lowest bit and multiplies by 255.
    fn or_combine_bytes(&mut self, value: Value) -> Value {
        let mut gathered = value;
        for shift in [4, 2, 1] {
            // Masks off bits shifted in from the byte above; the lowest bit of a byte sees
            // only its own eight.
            let shifted = self.b.ins().ushr_imm_u(gathered, shift);
            let keep = self.b.ins().band_imm_s(shifted, byte_mask(shift));
            gathered = self.b.ins().bor(gathered, keep);
        }
        let low_bits = self.b.ins().band_imm_s(gathered, byte_mask(7));
        self.b.ins().imul_imm_u(low_bits, 0xff)
    }
}

/// Mask of the bits that a right shift by `shift` moves within their byte.
fn byte_mask(shift: i64) -> i64 {
    i64::from_le_bytes([0xff >> shift; 8])
}
