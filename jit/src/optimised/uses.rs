//! Which registers instructions use, and in which precision.

use riscope_core::isa::d::D;
use riscope_core::isa::float::{Float, Precision};
use riscope_core::isa::{Op, Operands};

/// Registers, a bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Uses {
    /// Integer registers that are read or written.
    pub(crate) x: u32,
    pub(crate) x_written: u32,
    /// Floating-point registers that are read or written as single-precision numbers.
    pub(crate) singles: u32,
    pub(crate) doubles: u32,
    pub(crate) f_written: u32,
    /// Whether an instruction needs the floating-point unit.
    pub(crate) float_unit: bool,
}

/// How an operation uses its operand fields: `x`, `f`, or not at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fields {
    float_rd: bool,
    float_rs1: bool,
    float_rs2: bool,
    float_rs3: bool,
}

/// Floating-point fields of an operation; the others are integer registers or `x0`.
fn fields(op: Float) -> Fields {
    let [float_rd, float_rs1, float_rs2, float_rs3] = match op {
        Float::Madd | Float::Msub | Float::Nmsub | Float::Nmadd => [true; 4],
        Float::Add | Float::Sub | Float::Mul | Float::Div => [true, true, true, false],
        Float::Sgnj | Float::Sgnjn | Float::Sgnjx | Float::Min | Float::Max => [true, true, true, false],
        Float::Sqrt => [true, true, false, false],
        Float::Store => [false, false, true, false],
        Float::Eq | Float::Lt | Float::Le => [false, true, true, false],
        Float::CvtToW | Float::CvtToWu | Float::CvtToL | Float::CvtToLu => [false, true, false, false],
        Float::MvToX | Float::Class => [false, true, false, false],
        Float::CvtFromW | Float::CvtFromWu | Float::CvtFromL | Float::CvtFromLu => [true, false, false, false],
        Float::Load | Float::MvFromX => [true, false, false, false],
    };
    Fields { float_rd, float_rs1, float_rs2, float_rs3 }
}

impl Uses {
    /// Registers that any of `instructions` uses.
    pub(crate) fn of(instructions: impl Iterator<Item = (Op, Operands)>) -> Self {
        let mut uses = Self::default();
        for (op, o) in instructions {
            match op {
                Op::Float(op, precision) => uses.add_float(fields(op), precision, o),
                Op::D(D::FcvtSD) => uses.add_conversion(o, Precision::Double, Precision::Single),
                Op::D(D::FcvtDS) => uses.add_conversion(o, Precision::Single, Precision::Double),
                Op::Zicsr(_) => {
                    uses.float_unit = true;
                    uses.add_integers(o);
                }
                Op::I(_)
                | Op::M(_)
                | Op::A(_)
                | Op::Zifencei(_)
                | Op::Privileged(_)
                | Op::Zba(_)
                | Op::Zbb(_)
                | Op::Zbs(_)
                | Op::Zicond(_)
                | Op::Zicboz(_) => uses.add_integers(o),
            }
        }
        uses.x &= !1;
        uses.x_written &= !1;
        uses
    }

    fn add_integers(&mut self, o: Operands) {
        self.x |= 1 << o.rd() | 1 << o.rs1() | 1 << o.rs2();
        self.x_written |= 1 << o.rd();
    }

    fn add_float(&mut self, fields: Fields, precision: Precision, o: Operands) {
        self.float_unit = true;
        let sources = [(fields.float_rs1, o.rs1()), (fields.float_rs2, o.rs2()), (fields.float_rs3, o.rs3())];
        for (float, register) in sources {
            // Field `rs3` exists in fused operations only.
            if float { *self.floats(precision) |= 1 << register } else { self.x |= 1 << register }
        }
        if fields.float_rd {
            *self.floats(precision) |= 1 << o.rd();
            self.f_written |= 1 << o.rd();
        } else {
            self.x |= 1 << o.rd();
            self.x_written |= 1 << o.rd();
        }
    }

    fn add_conversion(&mut self, o: Operands, from: Precision, to: Precision) {
        self.float_unit = true;
        *self.floats(from) |= 1 << o.rs1();
        *self.floats(to) |= 1 << o.rd();
        self.f_written |= 1 << o.rd();
    }

    fn floats(&mut self, precision: Precision) -> &mut u32 {
        match precision {
            Precision::Single => &mut self.singles,
            Precision::Double => &mut self.doubles,
        }
    }
}

/// The registers of a set, in order.
pub(crate) fn registers(set: u32) -> impl Iterator<Item = usize> {
    (0..32).filter(move |register| set >> register & 1 != 0)
}
