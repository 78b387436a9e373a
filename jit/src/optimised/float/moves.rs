//! Loads, stores, moves and sign injection: instructions that copy bits.

use cranelift_codegen::ir::InstBuilder;
use riscope_core::isa::Operands;

use super::Number;
use crate::optimised::lowering::bytes;
use crate::optimised::translator::Translator;

/// How sign injection uses the sign of the second source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// `fsgnj`
    Copied,
    /// `fsgnjn`
    Negated,
    /// `fsgnjx`
    Multiplied,
}

impl Translator<'_> {
    pub(super) fn float_load<P: Number>(&mut self, o: Operands) {
        let host = self.operand_pointer(o, bytes(P::TYPE), false);
        let value = self.b.ins().load(P::TYPE, self.flags.ram, host, 0);
        P::write(self, o.rd(), value);
    }

    /// `fsw`, `fsd`: stores the low bits, NaN-boxed or not.
    pub(super) fn float_store<P: Number>(&mut self, o: Operands) {
        let value = P::stored(self, o.rs2());
        let host = self.operand_pointer(o, bytes(P::TYPE), true);
        self.b.ins().store(self.flags.ram, value, host, 0);
    }

    /// `fsgnj`, `fsgnjn`, `fsgnjx`; with equal sources `fmv`, `fneg`, `fabs`.
    pub(super) fn float_sign<P: Number>(&mut self, sign: Sign, o: Operands) {
        let a = P::read(self, o.rs1());
        let same = o.rs1() == o.rs2();
        let b = if same { a } else { P::read(self, o.rs2()) };
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
        P::write(self, o.rd(), result);
    }

    /// `fmv.x.w`, `fmv.x.d`
    pub(super) fn float_to_bits<P: Number>(&mut self, o: Operands) {
        let bits = P::bits(self, o.rs1());
        self.set_extended(o.rd(), bits);
    }

    /// `fmv.w.x`, `fmv.d.x`
    pub(super) fn float_from_bits<P: Number>(&mut self, o: Operands) {
        let bits = self.register_as(o.rs1(), P::INTEGER);
        P::write_bits(self, o.rd(), bits);
    }
}
