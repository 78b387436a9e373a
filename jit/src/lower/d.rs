//! D: double-precision floating point.

use cranelift_codegen::ir::InstBuilder;
use cranelift_codegen::ir::condcodes::FloatCC;
use cranelift_codegen::ir::types::{self, F64};
use riscope_core::isa::Operands;
use riscope_core::isa::d::D;

use super::Translator;
use super::float::{Sign, rounds_dynamically, rounds_somehow, rounds_to_integer};
use crate::sys;

/// Whether the host's unit does it.
pub(super) fn is_translated(op: D, o: Operands) -> bool {
    match op {
        D::Fadd | D::Fsub | D::Fmul | D::Fdiv | D::Fsqrt => rounds_dynamically(o),
        D::Fmadd | D::Fmsub | D::Fnmsub | D::Fnmadd => rounds_dynamically(o) && sys::float::fuses(),
        D::FcvtSD => rounds_dynamically(o),
        D::FcvtFromW | D::FcvtFromWu | D::FcvtFromL | D::FcvtFromLu | D::FcvtDS => rounds_somehow(o),
        D::FcvtToW | D::FcvtToWu | D::FcvtToL | D::FcvtToLu => rounds_to_integer(o) && o.rd() != 0,
        D::Feq | D::Flt | D::Fle => o.rd() != 0,
        D::Fld
        | D::Fsd
        | D::Fsgnj
        | D::Fsgnjn
        | D::Fsgnjx
        | D::Fmin
        | D::Fmax
        | D::FmvToX
        | D::FmvFromX
        | D::Fclass => true,
    }
}

impl Translator<'_> {
    pub(super) fn lower_d(&mut self, op: D, o: Operands) {
        match op {
            D::Fld => self.float_load(o, F64),
            D::Fsd => self.float_store(o, F64),
            D::Fmadd => self.float_fused(o, F64, false, false),
            D::Fmsub => self.float_fused(o, F64, false, true),
            D::Fnmsub => self.float_fused(o, F64, true, false),
            D::Fnmadd => self.float_fused(o, F64, true, true),
            D::Fadd => self.float_binary(o, F64, |b, x, y| b.ins().fadd(x, y)),
            D::Fsub => self.float_binary(o, F64, |b, x, y| b.ins().fsub(x, y)),
            D::Fmul => self.float_binary(o, F64, |b, x, y| b.ins().fmul(x, y)),
            D::Fdiv => self.float_binary(o, F64, |b, x, y| b.ins().fdiv(x, y)),
            D::Fsqrt => self.float_sqrt(o, F64),
            D::Fsgnj => self.float_sign(Sign::Copied, o, F64),
            D::Fsgnjn => self.float_sign(Sign::Negated, o, F64),
            D::Fsgnjx => self.float_sign(Sign::Multiplied, o, F64),
            D::Fmin => self.float_extreme(o, F64, false),
            D::Fmax => self.float_extreme(o, F64, true),
            D::Feq => self.float_equal(o, F64),
            D::Flt => self.float_less(FloatCC::LessThan, o, F64),
            D::Fle => self.float_less(FloatCC::LessThanOrEqual, o, F64),
            D::FcvtToW => self.float_to_signed(o, F64, types::I32),
            D::FcvtToWu => self.float_to_unsigned(o, F64, types::I32),
            D::FcvtToL => self.float_to_signed(o, F64, types::I64),
            D::FcvtToLu => self.float_to_unsigned(o, F64, types::I64),
            D::FcvtFromW => self.float_from_signed(o, F64, types::I32),
            D::FcvtFromWu => self.float_from_unsigned(o, F64, types::I32),
            D::FcvtFromL => self.float_from_signed(o, F64, types::I64),
            D::FcvtFromLu => self.float_from_unsigned(o, F64, types::I64),
            D::FcvtSD => self.float_narrow(o),
            D::FcvtDS => self.float_widen(o),
            D::FmvToX => self.float_to_bits(o, types::I64),
            D::FmvFromX => self.float_from_bits(o, types::I64),
            D::Fclass => self.float_class(o, F64),
        }
    }
}
