//! Arithmetic: instructions that round.

use cranelift_codegen::ir::condcodes::FloatCC;
use cranelift_codegen::ir::{InstBuilder, Value};
use cranelift_frontend::FunctionBuilder;
use riscope_core::isa::Operands;

use super::Number;
use crate::optimised::translator::Translator;

impl Translator<'_> {
    /// `fadd`, `fsub`, `fmul`, `fdiv`.
    pub(super) fn float_binary<P: Number>(
        &mut self,
        o: Operands,
        operation: fn(&mut FunctionBuilder<'_>, Value, Value) -> Value,
    ) {
        let (a, b) = (P::read(self, o.rs1()), P::read(self, o.rs2()));
        let result = operation(&mut self.b, a, b);
        self.set_result::<P>(o, result);
    }

    pub(super) fn float_sqrt<P: Number>(&mut self, o: Operands) {
        let a = P::read(self, o.rs1());
        let result = self.b.ins().sqrt(a);
        self.set_result::<P>(o, result);
    }

    /// The four fused multiply-adds: `±(a * b) ± c`.
    ///
    /// A NaN result goes to the interpreter: for infinity times zero plus a quiet NaN,
    /// RISC-V raises the invalid flag and the host does not.
    pub(super) fn float_fused<P: Number>(&mut self, o: Operands, negate_product: bool, negate_addend: bool) {
        let (a, b, c) = (P::read(self, o.rs1()), P::read(self, o.rs2()), P::read(self, o.rs3()));
        let a = if negate_product { self.b.ins().fneg(a) } else { a };
        let c = if negate_addend { self.b.ins().fneg(c) } else { c };
        let result = self.b.ins().fma(a, b, c);
        let nan = self.b.ins().fcmp(FloatCC::Unordered, result, result);
        self.interpret_if(nan);
        P::write(self, o.rd(), result);
    }

    /// Writes a result, with any NaN replaced by the canonical NaN.
    pub(in crate::optimised) fn set_result<P: Number>(&mut self, o: Operands, result: Value) {
        let (cold, join) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(cold);
        self.b.append_block_param(join, P::TYPE);
        let nan = self.b.ins().fcmp(FloatCC::Unordered, result, result);
        self.b.ins().brif(nan, cold, &[], join, &[result.into()]);
        self.b.switch_to_block(cold);
        let canonical = P::constant(self, P::CANONICAL_NAN);
        self.b.ins().jump(join, &[canonical.into()]);
        self.b.switch_to_block(join);
        let result = self.b.block_params(join)[0];
        P::write(self, o.rd(), result);
    }
}
