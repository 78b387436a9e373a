//! Zbs extension: single-bit instructions.

use super::row::extension;

extension! {
    /// Single-bit instructions.
    Zbs {
        Bclr "bclr" R 0x4800_1033;
        Bclri "bclri" Shift64 0x4800_1013;
        Bext "bext" R 0x4800_5033;
        Bexti "bexti" Shift64 0x4800_5013;
        Binv "binv" R 0x6800_1033;
        Binvi "binvi" Shift64 0x6800_1013;
        Bset "bset" R 0x2800_1033;
        Bseti "bseti" Shift64 0x2800_1013;
    }
}
