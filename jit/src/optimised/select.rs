//! Which lowering an instruction has, under the file names of `riscope_core::isa`.
//!
//! [`lowering`] has one arm per instruction and no wildcard arm, so that a new instruction
//! compiles only once its translation is decided.

use riscope_core::fp::{F32, F64};
use riscope_core::isa::float::Precision;
use riscope_core::isa::{Insn, Op};

use super::lowering::Lowering;
use super::{a, d, float, i, m, zba, zbb, zbs, zicond, zicsr};

/// How `insn` is translated.
pub(crate) fn lowering(insn: Insn) -> Lowering {
    let o = insn.operands;
    match insn.op {
        Op::I(op) => i::lowering(op, o),
        Op::M(op) => m::lowering(op),
        Op::A(op) => a::lowering(op),
        Op::Float(op, Precision::Single) => float::lowering::<F32>(op, o),
        Op::Float(op, Precision::Double) => float::lowering::<F64>(op, o),
        Op::D(op) => d::lowering(op, o),
        Op::Zba(op) => zba::lowering(op),
        Op::Zbb(op) => zbb::lowering(op),
        Op::Zbs(op) => zbs::lowering(op),
        Op::Zicond(op) => zicond::lowering(op),
        Op::Zicsr(op) => zicsr::lowering(op, o),
        Op::Zifencei(_) | Op::Privileged(_) | Op::Zicboz(_) => Lowering::Interpreted,
    }
}
