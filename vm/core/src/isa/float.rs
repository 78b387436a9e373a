//! F and D extensions: one row for both precisions.
//!
//! A row gives the single-precision encoding; others differ in the field that selects the
//! precision (`Precision::encode`).

use super::{Format, Op, Row};

/// Floating-point precision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Precision {
    /// Single precision: binary32, of the F extension.
    Single,
    /// Double precision: binary64, of the D extension.
    Double,
}

impl Precision {
    /// Encoding in this precision of an operation with the single-precision encoding
    /// `bits`. Loads and stores have the width in `funct3`, other operations a field `fmt`.
    const fn encode(self, format: Format, bits: u32) -> u32 {
        let (width, fmt) = match self {
            Self::Single => (0b010, 0b00),
            Self::Double => (0b011, 0b01),
        };
        match format {
            Format::FpLoad | Format::FpS => bits & !(0b111 << 12) | width << 12,
            _ => bits | fmt << 25,
        }
    }
}

/// Declares operations with their mnemonics in single and double precision.
macro_rules! operations {
    ($($variant:ident $single:literal $double:literal $format:ident $bits:literal;)*) => {
        /// Floating-point operation, independent of precision.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Float {
            $(#[doc = concat!("`", $single, "`, `", $double, "`")] $variant,)*
        }

        pub(super) const ROWS: &[Row] = &[
            $(row(Float::$variant, Precision::Single, $single, Format::$format, $bits),)*
            $(row(Float::$variant, Precision::Double, $double, Format::$format, $bits),)*
        ];
    };
}

const fn row(op: Float, precision: Precision, mnemonic: &'static str, format: Format, bits: u32) -> Row {
    Row { op: Op::Float(op, precision), mnemonic, format, bits: precision.encode(format, bits) }
}

operations! {
    Load "flw" "fld" FpLoad 0x0000_2007;
    Store "fsw" "fsd" FpS 0x0000_2027;
    Madd "fmadd.s" "fmadd.d" FpFma 0x0000_0043;
    Msub "fmsub.s" "fmsub.d" FpFma 0x0000_0047;
    Nmsub "fnmsub.s" "fnmsub.d" FpFma 0x0000_004b;
    Nmadd "fnmadd.s" "fnmadd.d" FpFma 0x0000_004f;
    Add "fadd.s" "fadd.d" FpRm 0x0000_0053;
    Sub "fsub.s" "fsub.d" FpRm 0x0800_0053;
    Mul "fmul.s" "fmul.d" FpRm 0x1000_0053;
    Div "fdiv.s" "fdiv.d" FpRm 0x1800_0053;
    Sqrt "fsqrt.s" "fsqrt.d" Fp1Rm 0x5800_0053;
    Sgnj "fsgnj.s" "fsgnj.d" Fp 0x2000_0053;
    Sgnjn "fsgnjn.s" "fsgnjn.d" Fp 0x2000_1053;
    Sgnjx "fsgnjx.s" "fsgnjx.d" Fp 0x2000_2053;
    Min "fmin.s" "fmin.d" Fp 0x2800_0053;
    Max "fmax.s" "fmax.d" Fp 0x2800_1053;
    Eq "feq.s" "feq.d" FpCmp 0xa000_2053;
    Lt "flt.s" "flt.d" FpCmp 0xa000_1053;
    Le "fle.s" "fle.d" FpCmp 0xa000_0053;
    CvtToW "fcvt.w.s" "fcvt.w.d" FpToIntRm 0xc000_0053;
    CvtToWu "fcvt.wu.s" "fcvt.wu.d" FpToIntRm 0xc010_0053;
    CvtToL "fcvt.l.s" "fcvt.l.d" FpToIntRm 0xc020_0053;
    CvtToLu "fcvt.lu.s" "fcvt.lu.d" FpToIntRm 0xc030_0053;
    CvtFromW "fcvt.s.w" "fcvt.d.w" FpFromIntRm 0xd000_0053;
    CvtFromWu "fcvt.s.wu" "fcvt.d.wu" FpFromIntRm 0xd010_0053;
    CvtFromL "fcvt.s.l" "fcvt.d.l" FpFromIntRm 0xd020_0053;
    CvtFromLu "fcvt.s.lu" "fcvt.d.lu" FpFromIntRm 0xd030_0053;
    MvToX "fmv.x.w" "fmv.x.d" FpToInt 0xe000_0053;
    Class "fclass.s" "fclass.d" FpToInt 0xe000_1053;
    MvFromX "fmv.w.x" "fmv.d.x" FpFromInt 0xf000_0053;
}
