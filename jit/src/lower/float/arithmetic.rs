//! Arithmetic that rounds.

use cranelift_codegen::ir::condcodes::FloatCC;
use cranelift_codegen::ir::{InstBuilder, Type, Value};
use cranelift_frontend::FunctionBuilder;
use riscope_core::isa::Operands;

use super::Translator;

impl Translator<'_> {
    /// `fadd`, `fsub`, `fmul`, `fdiv`.
    pub(in crate::lower) fn float_binary(
        &mut self,
        o: Operands,
        ty: Type,
        operation: fn(&mut FunctionBuilder<'_>, Value, Value) -> Value,
    ) {
        let (a, b) = (self.float(o.rs1(), ty), self.float(o.rs2(), ty));
        let result = operation(&mut self.b, a, b);
        self.set_result(o, ty, result);
    }

    pub(in crate::lower) fn float_sqrt(&mut self, o: Operands, ty: Type) {
        let a = self.float(o.rs1(), ty);
        let result = self.b.ins().sqrt(a);
        self.set_result(o, ty, result);
    }

    /// The four fused multiply-adds: `±(a * b) ± c`.
    ///
    /// The host raises no flag for an infinity times zero plus a quiet NaN, RISC-V does.
    pub(in crate::lower) fn float_fused(&mut self, o: Operands, ty: Type, negate_product: bool, negate_addend: bool) {
        let (a, b, c) = (self.float(o.rs1(), ty), self.float(o.rs2(), ty), self.float(o.rs3(), ty));
        let a = if negate_product { self.b.ins().fneg(a) } else { a };
        let c = if negate_addend { self.b.ins().fneg(c) } else { c };
        let result = self.b.ins().fma(a, b, c);
        let nan = self.b.ins().fcmp(FloatCC::Unordered, result, result);
        self.interpret_if(nan);
        self.set_float(o.rd(), ty, result);
    }

    /// Writes a result, of whose NaNs RISC-V knows but one.
    pub(super) fn set_result(&mut self, o: Operands, ty: Type, result: Value) {
        let (cold, join) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(cold);
        self.b.append_block_param(join, ty);
        let nan = self.b.ins().fcmp(FloatCC::Unordered, result, result);
        self.b.ins().brif(nan, cold, &[], join, &[result.into()]);
        self.b.switch_to_block(cold);
        let canonical = self.canonical_nan(ty);
        self.b.ins().jump(join, &[canonical.into()]);
        self.b.switch_to_block(join);
        let result = self.b.block_params(join)[0];
        self.set_float(o.rd(), ty, result);
    }
}
