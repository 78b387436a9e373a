//! RV64I base integer instruction set.

use super::row::extension;

extension! {
    /// Base integer instructions, RV64I.
    I {
        Lui "lui" U 0x0000_0037;
        Auipc "auipc" U 0x0000_0017;
        Jal "jal" J 0x0000_006f;
        Jalr "jalr" Load 0x0000_0067;
        Beq "beq" B 0x0000_0063;
        Bne "bne" B 0x0000_1063;
        Blt "blt" B 0x0000_4063;
        Bge "bge" B 0x0000_5063;
        Bltu "bltu" B 0x0000_6063;
        Bgeu "bgeu" B 0x0000_7063;
        Lb "lb" Load 0x0000_0003;
        Lh "lh" Load 0x0000_1003;
        Lw "lw" Load 0x0000_2003;
        Ld "ld" Load 0x0000_3003;
        Lbu "lbu" Load 0x0000_4003;
        Lhu "lhu" Load 0x0000_5003;
        Lwu "lwu" Load 0x0000_6003;
        Sb "sb" S 0x0000_0023;
        Sh "sh" S 0x0000_1023;
        Sw "sw" S 0x0000_2023;
        Sd "sd" S 0x0000_3023;
        Addi "addi" I 0x0000_0013;
        Slti "slti" I 0x0000_2013;
        Sltiu "sltiu" I 0x0000_3013;
        Xori "xori" I 0x0000_4013;
        Ori "ori" I 0x0000_6013;
        Andi "andi" I 0x0000_7013;
        Slli "slli" Shift64 0x0000_1013;
        Srli "srli" Shift64 0x0000_5013;
        Srai "srai" Shift64 0x4000_5013;
        Add "add" R 0x0000_0033;
        Sub "sub" R 0x4000_0033;
        Sll "sll" R 0x0000_1033;
        Slt "slt" R 0x0000_2033;
        Sltu "sltu" R 0x0000_3033;
        Xor "xor" R 0x0000_4033;
        Srl "srl" R 0x0000_5033;
        Sra "sra" R 0x4000_5033;
        Or "or" R 0x0000_6033;
        And "and" R 0x0000_7033;
        Addiw "addiw" I 0x0000_001b;
        Slliw "slliw" Shift32 0x0000_101b;
        Srliw "srliw" Shift32 0x0000_501b;
        Sraiw "sraiw" Shift32 0x4000_501b;
        Addw "addw" R 0x0000_003b;
        Subw "subw" R 0x4000_003b;
        Sllw "sllw" R 0x0000_103b;
        Srlw "srlw" R 0x0000_503b;
        Sraw "sraw" R 0x4000_503b;
        Fence "fence" Fence 0x0000_000f;
        Ecall "ecall" Exact 0x0000_0073;
        Ebreak "ebreak" Exact 0x0010_0073;
    }
}

/// Immediate of the `fence` that is the hint `pause` (Zihintpause): a predecessor set with
/// writes only, and an empty successor set.
pub const PAUSE: i32 = 0x010;
