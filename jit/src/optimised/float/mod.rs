//! F and D extensions: floating point of either precision on the host's floating-point
//! unit.
//!
//! - **Flags.** x86-64 accrues the same five exceptions as RISC-V under the same
//!   conditions, tininess detected after rounding included. Generated code therefore
//!   computes no flags: they accumulate in the host's control register and are merged into
//!   `fflags` on exit (`crate::sys::float`).
//! - **Rounding.** The host's rounding mode is set from `frm` on entry. Instructions with a
//!   static rounding mode are translated if their result is exact or if they convert to
//!   integers, which compilers use for `floor` and the like.
//! - **Availability.** Generated code uses the unit only while `mstatus.FS` is dirty and
//!   `frm` is one of the four modes that hosts implement; each block tests this once.
//!   Otherwise the interpreter executes the instruction, which sets `FS` to dirty or traps.
//! - **Differences** from RISC-V are left to the interpreter before the destination is
//!   written: single-precision values that are not NaN-boxed; NaNs in signalling
//!   comparisons, minimum, maximum and conversions to integers; conversions of large
//!   unsigned integers, and of all large numbers in modes other than towards zero; fused
//!   multiply-adds that yield a NaN. Host operations executed before such an exit raise
//!   only flags that the instruction raises too.
//!
//! Cranelift treats floating-point operations as pure. Even without its optimiser it
//! removes those whose result is unused, and their flags with them. Every result here is
//! stored to the hart's state or used otherwise (`carried.rs`); an instruction that raises
//! flags and writes `x0` is not translated.

mod arithmetic;
mod compare;
mod convert;
mod moves;
mod number;

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{InstBuilder, types};
use riscope_core::fp::RoundingMode;
use riscope_core::isa::Operands;
use riscope_core::isa::float::Float;

use crate::abi::{self, Word};
use crate::optimised::lowering::{Lowering, when};
use crate::optimised::translator::Translator;
use crate::sys;
use moves::Sign;

pub(super) use number::Number;

/// Emits code for the host's floating-point unit, on hosts where it matches RISC-V's.
macro_rules! by_unit {
    (|$t:ident, $o:ident| $code:expr) => {
        $crate::optimised::lowering::when(
            $crate::sys::float::AVAILABLE,
            $crate::optimised::lowering::Lowering::Straight(|$t, $o| {
                $t.use_float_unit();
                $code
            }),
        )
    };
}
pub(super) use by_unit;

macro_rules! binary {
    ($operation:ident) => {
        by_unit!(|t, o| t.float_binary::<P>(o, |b, x, y| b.ins().$operation(x, y)))
    };
}

macro_rules! fused {
    ($negate_product:literal, $negate_addend:literal) => {
        by_unit!(|t, o| t.float_fused::<P>(o, $negate_product, $negate_addend))
    };
}

/// How operation `op` is translated for precision `P`.
pub(super) fn lowering<P: Number>(op: Float, o: Operands) -> Lowering {
    let fuses = rounds_dynamically(o) && sys::float::fuses();
    let to_integer = rounds_to_integer(o) && o.rd() != 0;
    match op {
        Float::Load => by_unit!(|t, o| t.float_load::<P>(o)),
        Float::Store => by_unit!(|t, o| t.float_store::<P>(o)),
        Float::Madd => when(fuses, fused!(false, false)),
        Float::Msub => when(fuses, fused!(false, true)),
        Float::Nmsub => when(fuses, fused!(true, false)),
        Float::Nmadd => when(fuses, fused!(true, true)),
        Float::Add => when(rounds_dynamically(o), binary!(fadd)),
        Float::Sub => when(rounds_dynamically(o), binary!(fsub)),
        Float::Mul => when(rounds_dynamically(o), binary!(fmul)),
        Float::Div => when(rounds_dynamically(o), binary!(fdiv)),
        Float::Sqrt => when(rounds_dynamically(o), by_unit!(|t, o| t.float_sqrt::<P>(o))),
        Float::Sgnj => by_unit!(|t, o| t.float_sign::<P>(Sign::Copied, o)),
        Float::Sgnjn => by_unit!(|t, o| t.float_sign::<P>(Sign::Negated, o)),
        Float::Sgnjx => by_unit!(|t, o| t.float_sign::<P>(Sign::Multiplied, o)),
        Float::Min => by_unit!(|t, o| t.float_extreme::<P>(o, false)),
        Float::Max => by_unit!(|t, o| t.float_extreme::<P>(o, true)),
        Float::Eq => when(o.rd() != 0, by_unit!(|t, o| t.float_equal::<P>(o))),
        Float::Lt => when(o.rd() != 0, by_unit!(|t, o| t.float_less::<P>(FloatCC::LessThan, o))),
        Float::Le => when(o.rd() != 0, by_unit!(|t, o| t.float_less::<P>(FloatCC::LessThanOrEqual, o))),
        Float::CvtToW => when(to_integer, by_unit!(|t, o| t.float_to_signed::<P>(o, types::I32))),
        Float::CvtToWu => when(to_integer, by_unit!(|t, o| t.float_to_unsigned::<P>(o, types::I32))),
        Float::CvtToL => when(to_integer, by_unit!(|t, o| t.float_to_signed::<P>(o, types::I64))),
        Float::CvtToLu => when(to_integer, by_unit!(|t, o| t.float_to_unsigned::<P>(o, types::I64))),
        Float::CvtFromW => when(rounds_somehow(o), by_unit!(|t, o| t.float_from_signed::<P>(o, types::I32))),
        Float::CvtFromWu => when(rounds_somehow(o), by_unit!(|t, o| t.float_from_unsigned::<P>(o, types::I32))),
        Float::CvtFromL => when(rounds_somehow(o), by_unit!(|t, o| t.float_from_signed::<P>(o, types::I64))),
        Float::CvtFromLu => when(rounds_somehow(o), by_unit!(|t, o| t.float_from_unsigned::<P>(o, types::I64))),
        Float::MvToX => by_unit!(|t, o| t.float_to_bits::<P>(o)),
        Float::Class => by_unit!(|t, o| t.float_class::<P>(o)),
        Float::MvFromX => by_unit!(|t, o| t.float_from_bits::<P>(o)),
    }
}

/// Rounding mode of an instruction with an `rm` field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rounding {
    /// `frm`.
    Dynamic,
    /// Static rounding mode of the instruction.
    Static(RoundingMode),
    /// Reserved encoding: illegal instruction.
    Reserved,
}

impl Rounding {
    fn of(o: Operands) -> Self {
        /// `rm` value that selects `frm`.
        const DYNAMIC: u8 = 7;
        match RoundingMode::from_bits(o.rm()) {
            Some(mode) => Self::Static(mode),
            None if o.rm() == DYNAMIC => Self::Dynamic,
            None => Self::Reserved,
        }
    }
}

/// Whether the instruction rounds by `frm`.
pub(super) fn rounds_dynamically(o: Operands) -> bool {
    Rounding::of(o) == Rounding::Dynamic
}

/// Whether `rm` is legal, for instructions with an exact result or translated only where it
/// is.
pub(super) fn rounds_somehow(o: Operands) -> bool {
    Rounding::of(o) != Rounding::Reserved
}

/// Whether the host can convert to integers in the instruction's rounding mode.
fn rounds_to_integer(o: Operands) -> bool {
    match Rounding::of(o) {
        Rounding::Dynamic => true,
        Rounding::Static(mode) => mode != RoundingMode::NearestMaxMagnitude && sys::float::rounds(),
        Rounding::Reserved => false,
    }
}

impl Translator<'_> {
    /// Exits to the interpreter unless the floating-point unit may be used; tested once per
    /// block.
    pub(super) fn use_float_unit(&mut self) {
        if !self.float_unit {
            let control = self.load_state(types::I64, abi::word(Word::FloatControl));
            let unusable = self.b.ins().icmp_imm_s(IntCC::Equal, control, 0);
            self.interpret_if(unusable);
            self.float_unit = true;
        }
    }
}
