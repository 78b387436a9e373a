//! Zbb: basic bit manipulation.

use cranelift_codegen::ir::{InstBuilder, Type, Value, types};
use riscope_core::isa::Operands;
use riscope_core::isa::zbb::Zbb;

use super::Translator;

impl Translator<'_> {
    pub(super) fn lower_zbb(&mut self, op: Zbb, o: Operands) {
        match op {
            Zbb::Clzw | Zbb::Ctzw | Zbb::Cpopw | Zbb::Rolw | Zbb::Rorw | Zbb::Roriw => self.zbb_word(op, o),
            Zbb::SextB => self.extend(o, types::I8, true),
            Zbb::SextH => self.extend(o, types::I16, true),
            Zbb::ZextH => self.extend(o, types::I16, false),
            _ => self.zbb_double(op, o),
        }
    }

    fn zbb_double(&mut self, op: Zbb, o: Operands) {
        let (a, b) = (self.x(o.rs1()), self.x(o.rs2()));
        let ins = self.b.ins();
        let result = match op {
            Zbb::Andn => ins.band_not(a, b),
            Zbb::Orn => ins.bor_not(a, b),
            Zbb::Xnor => ins.bxor_not(a, b),
            Zbb::Clz => ins.clz(a),
            Zbb::Ctz => ins.ctz(a),
            Zbb::Cpop => ins.popcnt(a),
            Zbb::Max => ins.smax(a, b),
            Zbb::Maxu => ins.umax(a, b),
            Zbb::Min => ins.smin(a, b),
            Zbb::Minu => ins.umin(a, b),
            Zbb::Rol => ins.rotl(a, b),
            Zbb::Ror => ins.rotr(a, b),
            Zbb::Rori => ins.rotr_imm_u(a, i64::from(o.imm())),
            Zbb::Rev8 => ins.bswap(a),
            Zbb::OrcB => self.or_combine_bytes(a),
            _ => unreachable!("32-bit forms and extensions are lowered elsewhere"),
        };
        self.set_x(o.rd(), result);
    }

    /// The counts fit a word, so their sign extension changes nothing.
    fn zbb_word(&mut self, op: Zbb, o: Operands) {
        let (a, b) = (self.w(o.rs1()), self.w(o.rs2()));
        let ins = self.b.ins();
        let result = match op {
            Zbb::Clzw => ins.clz(a),
            Zbb::Ctzw => ins.ctz(a),
            Zbb::Cpopw => ins.popcnt(a),
            Zbb::Rolw => ins.rotl(a, b),
            Zbb::Rorw => ins.rotr(a, b),
            _ => ins.rotr_imm_u(a, i64::from(o.imm())),
        };
        self.set_w(o.rd(), result);
    }

    fn extend(&mut self, o: Operands, ty: Type, signed: bool) {
        let value = self.x(o.rs1());
        let low = self.b.ins().ireduce(ty, value);
        let result = if signed { self.b.ins().sextend(types::I64, low) } else { self.b.ins().uextend(types::I64, low) };
        self.set_x(o.rd(), result);
    }

    /// Each non-zero byte becomes 0xff: gather the byte's bits in its lowest one,
    /// then multiply that by 255.
    fn or_combine_bytes(&mut self, value: Value) -> Value {
        let mut gathered = value;
        for shift in [4, 2, 1] {
            // Bits that come from the byte above are masked off at the end; the low
            // bit of a byte only ever sees the eight bits of its own.
            let shifted = self.b.ins().ushr_imm_u(gathered, shift);
            let keep = self.b.ins().band_imm_s(shifted, byte_mask(shift));
            gathered = self.b.ins().bor(gathered, keep);
        }
        let low_bits = self.b.ins().band_imm_s(gathered, byte_mask(7));
        self.b.ins().imul_imm_u(low_bits, 0xff)
    }
}

/// In every byte, the bits that a right shift by `shift` fills from the same byte.
fn byte_mask(shift: i64) -> i64 {
    i64::from_le_bytes([0xff >> shift; 8])
}
