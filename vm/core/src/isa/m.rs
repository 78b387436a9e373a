//! M extension: integer multiplication and division.

use super::row::extension;

extension! {
    /// Integer multiplication and division.
    M {
        Mul "mul" R 0x0200_0033;
        Mulh "mulh" R 0x0200_1033;
        Mulhsu "mulhsu" R 0x0200_2033;
        Mulhu "mulhu" R 0x0200_3033;
        Div "div" R 0x0200_4033;
        Divu "divu" R 0x0200_5033;
        Rem "rem" R 0x0200_6033;
        Remu "remu" R 0x0200_7033;
        Mulw "mulw" R 0x0200_003b;
        Divw "divw" R 0x0200_403b;
        Divuw "divuw" R 0x0200_503b;
        Remw "remw" R 0x0200_603b;
        Remuw "remuw" R 0x0200_703b;
    }
}
