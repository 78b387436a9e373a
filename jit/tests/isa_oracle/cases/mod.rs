//! Experiments, by kind of instruction.

mod atomic;
mod compressed;
mod control;
mod float;
mod flow;
mod integer;
mod memory;

use riscope_core::isa::Op;
use riscope_core::isa::float::Precision;

use super::suite::Suite;

/// A suite with its name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Group {
    pub(crate) name: &'static str,
    pub(crate) build: fn() -> Suite,
    /// Minimum percentage of instructions in generated code.
    pub(crate) translated: u64,
}

/// All suites.
pub(crate) const GROUPS: &[Group] = &[BASE, MULTIPLY, BITS, MEMORY, ATOMIC, SINGLE, DOUBLE, FLOW, COMPRESSED, CONTROL];

pub(crate) const BASE: Group =
    Group { name: "base", build: || integer::suite(1, |op| matches!(op, Op::I(_))), translated: 95 };
pub(crate) const MULTIPLY: Group =
    Group { name: "multiply", build: || integer::suite(2, |op| matches!(op, Op::M(_))), translated: 95 };
pub(crate) const BITS: Group = Group {
    name: "bits",
    build: || integer::suite(3, |op| matches!(op, Op::Zba(_) | Op::Zbb(_) | Op::Zbs(_) | Op::Zicond(_))),
    translated: 95,
};
pub(crate) const MEMORY: Group = Group { name: "memory", build: || memory::suite(4), translated: 50 };
pub(crate) const ATOMIC: Group = Group { name: "atomic", build: || atomic::suite(5), translated: 50 };
/// Whether generated code computes with the host's floating-point unit.
const HOST_FLOAT: u64 = cfg!(target_arch = "x86_64") as u64;
pub(crate) const SINGLE: Group = Group {
    name: "single",
    build: || float::suite(6, |op| matches!(op, Op::Float(_, Precision::Single))),
    translated: HOST_FLOAT * 15,
};
pub(crate) const DOUBLE: Group = Group {
    name: "double",
    build: || float::suite(7, |op| matches!(op, Op::Float(_, Precision::Double) | Op::D(_))),
    translated: HOST_FLOAT * 20,
};
pub(crate) const FLOW: Group = Group { name: "flow", build: || flow::suite(8), translated: 80 };
pub(crate) const COMPRESSED: Group = Group { name: "compressed", build: || compressed::suite(9), translated: 60 };
pub(crate) const CONTROL: Group = Group { name: "control", build: || control::suite(10), translated: 0 };
