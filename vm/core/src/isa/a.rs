//! A extension: atomic memory operations (Zalrsc and Zaamo).

use super::row::extension;

extension! {
    /// Atomic instructions.
    A {
        LrW "lr.w" Lr 0x1000_202f;
        ScW "sc.w" Amo 0x1800_202f;
        AmoswapW "amoswap.w" Amo 0x0800_202f;
        AmoaddW "amoadd.w" Amo 0x0000_202f;
        AmoxorW "amoxor.w" Amo 0x2000_202f;
        AmoandW "amoand.w" Amo 0x6000_202f;
        AmoorW "amoor.w" Amo 0x4000_202f;
        AmominW "amomin.w" Amo 0x8000_202f;
        AmomaxW "amomax.w" Amo 0xa000_202f;
        AmominuW "amominu.w" Amo 0xc000_202f;
        AmomaxuW "amomaxu.w" Amo 0xe000_202f;
        LrD "lr.d" Lr 0x1000_302f;
        ScD "sc.d" Amo 0x1800_302f;
        AmoswapD "amoswap.d" Amo 0x0800_302f;
        AmoaddD "amoadd.d" Amo 0x0000_302f;
        AmoxorD "amoxor.d" Amo 0x2000_302f;
        AmoandD "amoand.d" Amo 0x6000_302f;
        AmoorD "amoor.d" Amo 0x4000_302f;
        AmominD "amomin.d" Amo 0x8000_302f;
        AmomaxD "amomax.d" Amo 0xa000_302f;
        AmominuD "amominu.d" Amo 0xc000_302f;
        AmomaxuD "amomaxu.d" Amo 0xe000_302f;
    }
}
