//! F and D: floating point in any precision, by the host's floating-point unit.
//!
//! - **Flags.** x86-64 accrues the same five exceptions under the same conditions as
//!   RISC-V, tininess after rounding included. So generated code never computes a flag:
//!   they gather in the host's control register and go to `fflags` when the code is left
//!   (`crate::sys::float`).
//! - **Rounding.** The host rounds as `frm` says, set on entry. Of instructions with a mode
//!   of their own, those are translated whose result is exact, and conversions to
//!   integers: `floor` and its like are made of these.
//! - **When.** Code uses the unit only if the hart's floating point is on and dirty and
//!   `frm` is one of the four modes that hosts have; it asks once a block. Otherwise the
//!   interpreter executes the instruction, which makes the state dirty or traps.
//! - **What differs** from RISC-V is left to the interpreter too, before the destination is
//!   written: numbers that are not boxed; NaNs in signalling comparisons, minimum, maximum
//!   and conversions to integers; conversions of large unsigned integers, and of all large
//!   numbers in other modes than towards zero; fused multiply-adds that give a NaN. A host
//!   operation before that has raised no flag that the instruction does not raise.
//!
//! Cranelift takes floating-point operations for pure. Without its optimiser it still
//! drops those whose result nobody uses, and with them their flags. Each result here is
//! stored to the hart's state; what raises flags and writes to `x0` is not translated.

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

use super::{Lowering, when};
use crate::abi::{self, Word};
use crate::sys;
use crate::translator::Translator;
use moves::Sign;

pub(super) use number::Number;

/// Code that computes with the host's unit, where the host has one that will do.
macro_rules! by_unit {
    (|$t:ident, $o:ident| $code:expr) => {
        $crate::lower::when(
            $crate::sys::float::AVAILABLE,
            $crate::lower::Lowering::Straight(|$t, $o| {
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

/// How an operation is translated in the precision `P`.
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

/// How an instruction that has a field `rm` rounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rounding {
    /// As `frm` says.
    Dynamic,
    /// In a mode of its own.
    Static(RoundingMode),
    /// Not at all: it is illegal.
    Reserved,
}

impl Rounding {
    fn of(o: Operands) -> Self {
        /// `rm` that stands for `frm`.
        const DYNAMIC: u8 = 7;
        match RoundingMode::from_bits(o.rm()) {
            Some(mode) => Self::Static(mode),
            None if o.rm() == DYNAMIC => Self::Dynamic,
            None => Self::Reserved,
        }
    }
}

/// Whether an instruction rounds as `frm` says.
pub(super) fn rounds_dynamically(o: Operands) -> bool {
    Rounding::of(o) == Rounding::Dynamic
}

/// Whether an instruction has a rounding mode at all: for those whose result is exact, or is
/// translated only where it is.
pub(super) fn rounds_somehow(o: Operands) -> bool {
    Rounding::of(o) != Rounding::Reserved
}

/// Whether the host converts to integers in the rounding mode of an instruction.
fn rounds_to_integer(o: Operands) -> bool {
    match Rounding::of(o) {
        Rounding::Dynamic => true,
        Rounding::Static(mode) => mode != RoundingMode::NearestMaxMagnitude && sys::float::rounds(),
        Rounding::Reserved => false,
    }
}

impl Translator<'_> {
    /// Makes sure that the rest of the block may use the host's unit.
    pub(super) fn use_float_unit(&mut self) {
        if !self.float_unit {
            let control = self.load_state(types::I64, abi::word(Word::FloatControl));
            let unusable = self.b.ins().icmp_imm_s(IntCC::Equal, control, 0);
            self.interpret_if(unusable);
            self.float_unit = true;
        }
    }
}
