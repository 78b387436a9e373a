//! Zicboz extension: cache-block zero.

use super::row::extension;

extension! {
    /// Cache-block zero.
    Zicboz {
        CboZero "cbo.zero" Cbo 0x0040_200f;
    }
}
