//! D extension: conversions between single and double precision. `float.rs` has what it
//! shares with F.

use super::row::extension;

extension! {
    /// Conversions between single and double precision.
    D {
        FcvtSD "fcvt.s.d" Fp1Rm 0x4010_0053;
        FcvtDS "fcvt.d.s" Fp1Rm 0x4200_0053;
    }
}
