//! D extension: conversions between single and double precision.

use super::Handler;
use super::float::{Register, rounded};
use crate::fp::{self, F32, F64};
use crate::isa::d::D;

pub(super) fn handler(op: D) -> Handler {
    match op {
        D::FcvtSD => convert::<F64, F32>(),
        D::FcvtDS => convert::<F32, F64>(),
    }
}

fn convert<From: Register, To: Register>() -> Handler {
    |hart, o| rounded::<From>(hart, o, |[a, ..], rm, flags| To::pack(fp::convert::<From, To>(a, rm, flags)))
}
