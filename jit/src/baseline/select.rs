//! Which template translates an instruction, under the file names of `riscope_core::isa`.
//!
//! [`template`] has an arm for each extension and each file one for each of its instructions:
//! a new instruction does not compile until somebody has decided. One without a template of
//! its own is [`Template::Call`], which is always right.

use riscope_core::isa::{Insn, Op};

use super::group::Access;
use super::template::Template;
use super::{a, i, m, zba, zbb, zbs, zicboz, zicond, zicsr};

/// The template of an instruction.
pub(super) fn template(insn: Insn) -> Template {
    match insn.op {
        Op::I(op) => i::template(op, insn.operands),
        Op::M(op) => m::template(op),
        Op::A(op) => a::template(op),
        Op::Zba(op) => zba::template(op),
        Op::Zbb(op) => zbb::template(op),
        Op::Zbs(op) => zbs::template(op),
        Op::Zicond(op) => zicond::template(op),
        Op::Zicsr(op) => zicsr::template(op, insn.operands),
        Op::Zicboz(op) => zicboz::template(op),
        Op::Privileged(_) => Template::LastCall,
        Op::Float(..) | Op::D(_) | Op::Zifencei(_) => Template::Call,
    }
}

/// The access of an instruction to memory at `imm(rs1)`, if its template has one.
pub(super) fn access(insn: Insn) -> Option<Access> {
    match insn.op {
        Op::I(op) => i::access(op),
        Op::M(_)
        | Op::A(_)
        | Op::Float(..)
        | Op::D(_)
        | Op::Zicsr(_)
        | Op::Zifencei(_)
        | Op::Privileged(_)
        | Op::Zba(_)
        | Op::Zbb(_)
        | Op::Zbs(_)
        | Op::Zicond(_)
        | Op::Zicboz(_) => None,
    }
}
