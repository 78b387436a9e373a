//! D: double-precision floating point.

use super::row::extension;

extension! {
    /// Double-precision floating point.
    D {
        Fld "fld" FpLoad 0x0000_3007;
        Fsd "fsd" FpS 0x0000_3027;
        Fmadd "fmadd.d" FpFma 0x0200_0043;
        Fmsub "fmsub.d" FpFma 0x0200_0047;
        Fnmsub "fnmsub.d" FpFma 0x0200_004b;
        Fnmadd "fnmadd.d" FpFma 0x0200_004f;
        Fadd "fadd.d" FpRm 0x0200_0053;
        Fsub "fsub.d" FpRm 0x0a00_0053;
        Fmul "fmul.d" FpRm 0x1200_0053;
        Fdiv "fdiv.d" FpRm 0x1a00_0053;
        Fsqrt "fsqrt.d" Fp1Rm 0x5a00_0053;
        Fsgnj "fsgnj.d" Fp 0x2200_0053;
        Fsgnjn "fsgnjn.d" Fp 0x2200_1053;
        Fsgnjx "fsgnjx.d" Fp 0x2200_2053;
        Fmin "fmin.d" Fp 0x2a00_0053;
        Fmax "fmax.d" Fp 0x2a00_1053;
        Feq "feq.d" FpCmp 0xa200_2053;
        Flt "flt.d" FpCmp 0xa200_1053;
        Fle "fle.d" FpCmp 0xa200_0053;
        FcvtToW "fcvt.w.d" FpToIntRm 0xc200_0053;
        FcvtToWu "fcvt.wu.d" FpToIntRm 0xc210_0053;
        FcvtToL "fcvt.l.d" FpToIntRm 0xc220_0053;
        FcvtToLu "fcvt.lu.d" FpToIntRm 0xc230_0053;
        FcvtFromW "fcvt.d.w" FpFromIntRm 0xd200_0053;
        FcvtFromWu "fcvt.d.wu" FpFromIntRm 0xd210_0053;
        FcvtFromL "fcvt.d.l" FpFromIntRm 0xd220_0053;
        FcvtFromLu "fcvt.d.lu" FpFromIntRm 0xd230_0053;
        FcvtSD "fcvt.s.d" Fp1Rm 0x4010_0053;
        FcvtDS "fcvt.d.s" Fp1Rm 0x4200_0053;
        FmvToX "fmv.x.d" FpToInt 0xe200_0053;
        Fclass "fclass.d" FpToInt 0xe200_1053;
        FmvFromX "fmv.d.x" FpFromInt 0xf200_0053;
    }
}
