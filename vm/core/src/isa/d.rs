//! D: conversions between the precisions. What D shares with F is in `float.rs`.

use super::row::extension;

extension! {
    /// Conversions between single and double precision.
    D {
        FcvtSD "fcvt.s.d" Fp1Rm 0x4010_0053;
        FcvtDS "fcvt.d.s" Fp1Rm 0x4200_0053;
    }
}
