//! F: single-precision floating point.

use super::row::extension;

extension! {
    /// Single-precision floating point.
    F {
        Flw "flw" FpLoad 0x0000_2007;
        Fsw "fsw" FpS 0x0000_2027;
        Fmadd "fmadd.s" FpFma 0x0000_0043;
        Fmsub "fmsub.s" FpFma 0x0000_0047;
        Fnmsub "fnmsub.s" FpFma 0x0000_004b;
        Fnmadd "fnmadd.s" FpFma 0x0000_004f;
        Fadd "fadd.s" FpRm 0x0000_0053;
        Fsub "fsub.s" FpRm 0x0800_0053;
        Fmul "fmul.s" FpRm 0x1000_0053;
        Fdiv "fdiv.s" FpRm 0x1800_0053;
        Fsqrt "fsqrt.s" Fp1Rm 0x5800_0053;
        Fsgnj "fsgnj.s" Fp 0x2000_0053;
        Fsgnjn "fsgnjn.s" Fp 0x2000_1053;
        Fsgnjx "fsgnjx.s" Fp 0x2000_2053;
        Fmin "fmin.s" Fp 0x2800_0053;
        Fmax "fmax.s" Fp 0x2800_1053;
        Feq "feq.s" FpCmp 0xa000_2053;
        Flt "flt.s" FpCmp 0xa000_1053;
        Fle "fle.s" FpCmp 0xa000_0053;
        FcvtToW "fcvt.w.s" FpToIntRm 0xc000_0053;
        FcvtToWu "fcvt.wu.s" FpToIntRm 0xc010_0053;
        FcvtToL "fcvt.l.s" FpToIntRm 0xc020_0053;
        FcvtToLu "fcvt.lu.s" FpToIntRm 0xc030_0053;
        FcvtFromW "fcvt.s.w" FpFromIntRm 0xd000_0053;
        FcvtFromWu "fcvt.s.wu" FpFromIntRm 0xd010_0053;
        FcvtFromL "fcvt.s.l" FpFromIntRm 0xd020_0053;
        FcvtFromLu "fcvt.s.lu" FpFromIntRm 0xd030_0053;
        FmvToX "fmv.x.w" FpToInt 0xe000_0053;
        Fclass "fclass.s" FpToInt 0xe000_1053;
        FmvFromX "fmv.w.x" FpFromInt 0xf000_0053;
    }
}
