//! Zbb extension: basic bit manipulation.

use super::row::extension;

extension! {
    /// Basic bit manipulation.
    Zbb {
        Andn "andn" R 0x4000_7033;
        Orn "orn" R 0x4000_6033;
        Xnor "xnor" R 0x4000_4033;
        Clz "clz" R1 0x6000_1013;
        Clzw "clzw" R1 0x6000_101b;
        Ctz "ctz" R1 0x6010_1013;
        Ctzw "ctzw" R1 0x6010_101b;
        Cpop "cpop" R1 0x6020_1013;
        Cpopw "cpopw" R1 0x6020_101b;
        Max "max" R 0x0a00_6033;
        Maxu "maxu" R 0x0a00_7033;
        Min "min" R 0x0a00_4033;
        Minu "minu" R 0x0a00_5033;
        SextB "sext.b" R1 0x6040_1013;
        SextH "sext.h" R1 0x6050_1013;
        ZextH "zext.h" R1 0x0800_403b;
        Rol "rol" R 0x6000_1033;
        Rolw "rolw" R 0x6000_103b;
        Ror "ror" R 0x6000_5033;
        Rori "rori" Shift64 0x6000_5013;
        Roriw "roriw" Shift32 0x6000_501b;
        Rorw "rorw" R 0x6000_503b;
        OrcB "orc.b" R1 0x2870_5013;
        Rev8 "rev8" R1 0x6b80_5013;
    }
}
