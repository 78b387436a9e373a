//! F: single-precision floating point.

use cranelift_codegen::ir::InstBuilder;
use cranelift_codegen::ir::condcodes::FloatCC;
use cranelift_codegen::ir::types::{self, F32};
use riscope_core::isa::Operands;
use riscope_core::isa::f::F;

use super::Translator;
use super::float::{Sign, rounds_dynamically, rounds_somehow, rounds_to_integer};
use crate::sys;

/// Whether the host's unit does it.
pub(super) fn is_translated(op: F, o: Operands) -> bool {
    match op {
        F::Fadd | F::Fsub | F::Fmul | F::Fdiv | F::Fsqrt => rounds_dynamically(o),
        F::Fmadd | F::Fmsub | F::Fnmsub | F::Fnmadd => rounds_dynamically(o) && sys::float::fuses(),
        F::FcvtFromW | F::FcvtFromWu | F::FcvtFromL | F::FcvtFromLu => rounds_somehow(o),
        F::FcvtToW | F::FcvtToWu | F::FcvtToL | F::FcvtToLu => rounds_to_integer(o) && o.rd() != 0,
        F::Feq | F::Flt | F::Fle => o.rd() != 0,
        F::Flw
        | F::Fsw
        | F::Fsgnj
        | F::Fsgnjn
        | F::Fsgnjx
        | F::Fmin
        | F::Fmax
        | F::FmvToX
        | F::FmvFromX
        | F::Fclass => true,
    }
}

impl Translator<'_> {
    pub(super) fn lower_f(&mut self, op: F, o: Operands) {
        match op {
            F::Flw => self.float_load(o, F32),
            F::Fsw => self.float_store(o, F32),
            F::Fmadd => self.float_fused(o, F32, false, false),
            F::Fmsub => self.float_fused(o, F32, false, true),
            F::Fnmsub => self.float_fused(o, F32, true, false),
            F::Fnmadd => self.float_fused(o, F32, true, true),
            F::Fadd => self.float_binary(o, F32, |b, x, y| b.ins().fadd(x, y)),
            F::Fsub => self.float_binary(o, F32, |b, x, y| b.ins().fsub(x, y)),
            F::Fmul => self.float_binary(o, F32, |b, x, y| b.ins().fmul(x, y)),
            F::Fdiv => self.float_binary(o, F32, |b, x, y| b.ins().fdiv(x, y)),
            F::Fsqrt => self.float_sqrt(o, F32),
            F::Fsgnj => self.float_sign(Sign::Copied, o, F32),
            F::Fsgnjn => self.float_sign(Sign::Negated, o, F32),
            F::Fsgnjx => self.float_sign(Sign::Multiplied, o, F32),
            F::Fmin => self.float_extreme(o, F32, false),
            F::Fmax => self.float_extreme(o, F32, true),
            F::Feq => self.float_equal(o, F32),
            F::Flt => self.float_less(FloatCC::LessThan, o, F32),
            F::Fle => self.float_less(FloatCC::LessThanOrEqual, o, F32),
            F::FcvtToW => self.float_to_signed(o, F32, types::I32),
            F::FcvtToWu => self.float_to_unsigned(o, F32, types::I32),
            F::FcvtToL => self.float_to_signed(o, F32, types::I64),
            F::FcvtToLu => self.float_to_unsigned(o, F32, types::I64),
            F::FcvtFromW => self.float_from_signed(o, F32, types::I32),
            F::FcvtFromWu => self.float_from_unsigned(o, F32, types::I32),
            F::FcvtFromL => self.float_from_signed(o, F32, types::I64),
            F::FcvtFromLu => self.float_from_unsigned(o, F32, types::I64),
            F::FmvToX => self.float_to_bits(o, types::I32),
            F::FmvFromX => self.float_from_bits(o, types::I32),
            F::Fclass => self.float_class(o, F32),
        }
    }
}
