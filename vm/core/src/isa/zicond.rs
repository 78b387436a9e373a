//! Zicond extension: conditional zero.

use super::row::extension;

extension! {
    /// Conditional zero.
    Zicond {
        CzeroEqz "czero.eqz" R 0x0e00_5033;
        CzeroNez "czero.nez" R 0x0e00_7033;
    }
}
