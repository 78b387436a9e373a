//! D extension: conversions between single and double precision.

use cranelift_codegen::ir::InstBuilder;
use riscope_core::fp::{F32, F64};
use riscope_core::isa::Operands;
use riscope_core::isa::d::D;

use super::float::{Number, by_unit, rounds_dynamically, rounds_somehow};
use super::lowering::{Lowering, when};

pub(super) fn lowering(op: D, o: Operands) -> Lowering {
    match op {
        D::FcvtSD => when(
            rounds_dynamically(o),
            by_unit!(|t, o| {
                let value = F64::read(t, o.rs1());
                let result = t.b.ins().fdemote(F32::TYPE, value);
                t.set_result::<F32>(o, result);
            }),
        ),
        D::FcvtDS => when(
            rounds_somehow(o),
            by_unit!(|t, o| {
                let value = F32::read(t, o.rs1());
                let result = t.b.ins().fpromote(F64::TYPE, value);
                t.set_result::<F64>(o, result);
            }),
        ),
    }
}
