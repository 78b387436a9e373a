//! What moves bits and computes nothing: loads, stores, moves, signs.

use cranelift_codegen::ir::{InstBuilder, Type, types};
use riscope_core::isa::Operands;

use super::{BOX, Translator};

/// What becomes of the second source's sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lower) enum Sign {
    /// `fsgnj`
    Copied,
    /// `fsgnjn`
    Negated,
    /// `fsgnjx`
    Multiplied,
}

impl Translator<'_> {
    pub(in crate::lower) fn float_load(&mut self, o: Operands, ty: Type) {
        let host = self.operand_pointer(o, bytes(ty), false);
        let value = self.b.ins().load(ty, self.flags.ram, host, 0);
        self.set_float(o.rd(), ty, value);
    }

    /// The bits, whether boxed or not.
    pub(in crate::lower) fn float_store(&mut self, o: Operands, ty: Type) {
        let value = if ty == types::F64 {
            self.double(o.rs2())
        } else {
            let bits = self.float_bits(o.rs2());
            self.b.ins().ireduce(types::I32, bits)
        };
        let host = self.operand_pointer(o, bytes(ty), true);
        self.b.ins().store(self.flags.ram, value, host, 0);
    }

    /// `fsgnj`, `fsgnjn`, `fsgnjx`: with one source twice, a move, a negation, an absolute value.
    pub(in crate::lower) fn float_sign(&mut self, sign: Sign, o: Operands, ty: Type) {
        let a = self.float(o.rs1(), ty);
        let same = o.rs1() == o.rs2();
        let b = if same { a } else { self.float(o.rs2(), ty) };
        let result = match sign {
            Sign::Copied if same => a,
            Sign::Copied => self.b.ins().fcopysign(a, b),
            Sign::Negated if same => self.b.ins().fneg(a),
            Sign::Negated => {
                let opposite = self.b.ins().fneg(b);
                self.b.ins().fcopysign(a, opposite)
            }
            Sign::Multiplied if same => self.b.ins().fabs(a),
            Sign::Multiplied => {
                let magnitude = self.b.ins().fabs(b);
                let sign = self.b.ins().bxor(b, magnitude);
                self.b.ins().bxor(a, sign)
            }
        };
        self.set_float(o.rd(), ty, result);
    }

    /// `fmv.x.w`, `fmv.x.d`
    pub(in crate::lower) fn float_to_bits(&mut self, o: Operands, integer: Type) {
        let bits = self.float_bits(o.rs1());
        let bits = if integer == types::I32 { self.b.ins().ireduce(types::I32, bits) } else { bits };
        self.set_extended(o.rd(), bits);
    }

    /// `fmv.w.x`, `fmv.d.x`
    pub(in crate::lower) fn float_from_bits(&mut self, o: Operands, integer: Type) {
        let bits = self.register_as(o.rs1(), integer);
        let bits = if integer == types::I32 {
            let low = self.b.ins().uextend(types::I64, bits);
            self.b.ins().bor_imm_s(low, BOX)
        } else {
            bits
        };
        self.set_float_bits(o.rd(), bits);
    }
}

/// Size of a number in memory.
fn bytes(ty: Type) -> u8 {
    if ty == types::F64 { 8 } else { 4 }
}
