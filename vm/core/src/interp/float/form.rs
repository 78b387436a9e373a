//! Instruction forms of floating point: register access, rounding and flags.

use crate::fp::{F32, F64, Flags, Format, RoundingMode, box_f32, unbox_f32};
use crate::hart::{Exception, Hart};
use crate::interp::{Flow, sext32};
use crate::isa::Operands;

/// Representation of a format in floating-point registers ("NaN Boxing of Narrower
/// Values"), in integer registers and in memory.
pub(in crate::interp) trait Register: Format {
    /// Number in a register.
    fn unpack(register: u64) -> Self::Bits;
    /// Register value that holds a number.
    fn pack(bits: Self::Bits) -> u64;
    /// Low bits of a register, boxed or not, sign-extended, as `fmv.x` moves them.
    fn raw(register: u64) -> u64;
    /// Loads the bits of a number at virtual address `va`.
    fn load(hart: &mut Hart, va: u64) -> Result<u64, Exception>;
    /// Stores the low bits of a register, boxed or not, at `va`.
    fn store(hart: &mut Hart, va: u64, register: u64) -> Result<(), Exception>;
}

impl Register for F32 {
    fn unpack(register: u64) -> u32 {
        unbox_f32(register)
    }

    fn pack(bits: u32) -> u64 {
        box_f32(bits)
    }

    fn raw(register: u64) -> u64 {
        sext32(register as u32)
    }

    fn load(hart: &mut Hart, va: u64) -> Result<u64, Exception> {
        hart.load32(va)
    }

    fn store(hart: &mut Hart, va: u64, register: u64) -> Result<(), Exception> {
        hart.store32(va, register)
    }
}

impl Register for F64 {
    fn unpack(register: u64) -> u64 {
        register
    }

    fn pack(bits: u64) -> u64 {
        bits
    }

    fn raw(register: u64) -> u64 {
        register
    }

    fn load(hart: &mut Hart, va: u64) -> Result<u64, Exception> {
        hart.load64(va)
    }

    fn store(hart: &mut Hart, va: u64, register: u64) -> Result<(), Exception> {
        hart.store64(va, register)
    }
}

/// `rm` value that selects `frm`.
const DYNAMIC: u8 = 7;

impl Hart {
    fn source<F: Register>(&self, register: usize) -> F::Bits {
        F::unpack(self.f(register))
    }

    fn write_float(&mut self, register: usize, bits: u64) {
        self.set_f(register, bits);
        self.mark_float_dirty();
    }

    fn accrue(&mut self, flags: Flags) {
        if flags != Flags::NONE {
            self.state.fflags |= u64::from(flags.bits());
            self.mark_float_dirty();
        }
    }

    fn rounding(&self, o: Operands) -> Option<RoundingMode> {
        let rm = if o.rm() == DYNAMIC { self.state.frm as u8 } else { o.rm() };
        RoundingMode::from_bits(rm)
    }
}

/// `flw`, `fld`: loads bits into a register.
pub(super) fn load<F: Register>(hart: &mut Hart, o: Operands) -> Flow {
    if !hart.float_enabled() {
        return hart.raise_illegal();
    }
    let va = hart.x(o.rs1()).wrapping_add(o.imm_u64());
    match F::load(hart, va) {
        Ok(bits) => {
            hart.write_float(o.rd(), F::pack(F::narrow(bits)));
            Flow::Next
        }
        Err(exception) => hart.raise(exception),
    }
}

/// `fsw`, `fsd`: stores the low bits of a register.
pub(super) fn store<F: Register>(hart: &mut Hart, o: Operands) -> Flow {
    if !hart.float_enabled() {
        return hart.raise_illegal();
    }
    let va = hart.x(o.rs1()).wrapping_add(o.imm_u64());
    match F::store(hart, va, hart.f(o.rs2())) {
        Ok(()) => Flow::Next,
        Err(exception) => hart.raise(exception),
    }
}

/// Instruction that rounds: `operation` maps the sources and the rounding mode to the value
/// of `rd`.
#[inline(always)]
pub(in crate::interp) fn rounded<F: Register>(
    hart: &mut Hart,
    o: Operands,
    operation: impl FnOnce([F::Bits; 3], RoundingMode, &mut Flags) -> u64,
) -> Flow {
    let Some(rm) = hart.rounding(o).filter(|_| hart.float_enabled()) else { return hart.raise_illegal() };
    let mut flags = Flags::NONE;
    let sources = [hart.source::<F>(o.rs1()), hart.source::<F>(o.rs2()), hart.source::<F>(o.rs3())];
    let result = operation(sources, rm, &mut flags);
    hart.accrue(flags);
    hart.write_float(o.rd(), result);
    Flow::Next
}

/// Instruction with a floating-point result that does not round.
#[inline(always)]
pub(super) fn unrounded<F: Register>(
    hart: &mut Hart,
    o: Operands,
    operation: impl FnOnce(F::Bits, F::Bits, &mut Flags) -> F::Bits,
) -> Flow {
    if !hart.float_enabled() {
        return hart.raise_illegal();
    }
    let mut flags = Flags::NONE;
    let result = operation(hart.source::<F>(o.rs1()), hart.source::<F>(o.rs2()), &mut flags);
    hart.accrue(flags);
    hart.write_float(o.rd(), F::pack(result));
    Flow::Next
}

/// Comparison or classification, with an integer result.
#[inline(always)]
pub(super) fn to_flag<F: Register>(
    hart: &mut Hart,
    o: Operands,
    operation: impl FnOnce(F::Bits, F::Bits, &mut Flags) -> u64,
) -> Flow {
    if !hart.float_enabled() {
        return hart.raise_illegal();
    }
    let mut flags = Flags::NONE;
    let result = operation(hart.source::<F>(o.rs1()), hart.source::<F>(o.rs2()), &mut flags);
    hart.accrue(flags);
    hart.set_x(o.rd(), result);
    Flow::Next
}

/// Conversion to an integer.
#[inline(always)]
pub(super) fn to_integer<F: Register>(
    hart: &mut Hart,
    o: Operands,
    operation: impl FnOnce(F::Bits, RoundingMode, &mut Flags) -> u64,
) -> Flow {
    let Some(rm) = hart.rounding(o).filter(|_| hart.float_enabled()) else { return hart.raise_illegal() };
    let mut flags = Flags::NONE;
    let result = operation(hart.source::<F>(o.rs1()), rm, &mut flags);
    hart.accrue(flags);
    hart.set_x(o.rd(), result);
    Flow::Next
}

/// Conversion from an integer.
#[inline(always)]
pub(super) fn from_integer<F: Register>(
    hart: &mut Hart,
    o: Operands,
    operation: impl FnOnce(u64, RoundingMode, &mut Flags) -> F::Bits,
) -> Flow {
    let Some(rm) = hart.rounding(o).filter(|_| hart.float_enabled()) else { return hart.raise_illegal() };
    let mut flags = Flags::NONE;
    let result = operation(hart.x(o.rs1()), rm, &mut flags);
    hart.accrue(flags);
    hart.write_float(o.rd(), F::pack(result));
    Flow::Next
}

/// `fmv.w.x`, `fmv.d.x`: moves bits from an integer register.
pub(super) fn move_from_integer<F: Register>(hart: &mut Hart, o: Operands) -> Flow {
    if !hart.float_enabled() {
        return hart.raise_illegal();
    }
    hart.write_float(o.rd(), F::pack(F::narrow(hart.x(o.rs1()))));
    Flow::Next
}

/// `fmv.x.w`, `fmv.x.d`: moves bits to an integer register.
pub(super) fn move_to_integer<F: Register>(hart: &mut Hart, o: Operands) -> Flow {
    if !hart.float_enabled() {
        return hart.raise_illegal();
    }
    hart.set_x(o.rd(), F::raw(hart.f(o.rs1())));
    Flow::Next
}
