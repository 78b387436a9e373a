//! Disassembler in GNU assembler syntax without aliases, driven by the rows of instructions
//! and CSRs.

use crate::addr::GuestAddr;
use crate::hart::csr;
use crate::isa::decode::{find, find_compressed, row_of};
use crate::isa::{Format, Operands};

const X: [&str; 32] = [
    "zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "s2",
    "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6",
];

const F: [&str; 32] = [
    "ft0", "ft1", "ft2", "ft3", "ft4", "ft5", "ft6", "ft7", "fs0", "fs1", "fa0", "fa1", "fa2", "fa3", "fa4", "fa5",
    "fa6", "fa7", "fs2", "fs3", "fs4", "fs5", "fs6", "fs7", "fs8", "fs9", "fs10", "fs11", "ft8", "ft9", "ft10", "ft11",
];

const ROUNDING: [&str; 8] = ["rne", "rtz", "rdn", "rup", "rmm", "rm5", "rm6", "dyn"];

/// Text of the instruction `bits` at `pc`. A 16-bit instruction appears under its own
/// mnemonic with the operands of its expansion; undefined encodings as `.insn` or `.2byte`.
pub fn disassemble(pc: GuestAddr, bits: u32) -> String {
    if bits & 3 == 3 {
        let Some(row) = find(bits) else { return format!(".insn {bits:#010x}") };
        let name = match row.format {
            Format::Amo | Format::Lr => format!("{}{}", row.mnemonic, ordering(bits)),
            _ => row.mnemonic.to_owned(),
        };
        return join(&name, operands(row.format, row.format.operands(bits), pc));
    }
    let [low, high, ..] = bits.to_le_bytes();
    let half = u16::from_le_bytes([low, high]);
    let expanded = find_compressed(half).and_then(|row| Some((row, (row.operands)(half)?)));
    let Some((row, fields)) = expanded else { return format!(".2byte {half:#06x}") };
    let format = row_of(row.op).map_or(Format::Exact, |full| full.format);
    join(row.mnemonic, operands(format, fields, pc))
}

fn join(name: &str, operands: String) -> String {
    if operands.is_empty() { name.to_owned() } else { format!("{name} {operands}") }
}

/// Suffix `.aq`, `.rl`, `.aqrl` or none.
fn ordering(bits: u32) -> &'static str {
    ["", ".rl", ".aq", ".aqrl"][(bits >> 25 & 3) as usize]
}

fn operands(format: Format, o: Operands, pc: GuestAddr) -> String {
    let (rd, rs1, rs2) = (X[o.rd()], X[o.rs1()], X[o.rs2()]);
    let (fd, fs1, fs2, fs3) = (F[o.rd()], F[o.rs1()], F[o.rs2()], F[o.rs3()]);
    let (imm, rm) = (o.imm(), ROUNDING[usize::from(o.rm())]);
    let target = pc.wrapping_add(o.imm_u64());
    match format {
        Format::R => format!("{rd},{rs1},{rs2}"),
        Format::R1 => format!("{rd},{rs1}"),
        Format::I => format!("{rd},{rs1},{imm}"),
        Format::Shift64 | Format::Shift32 => format!("{rd},{rs1},{imm:#x}"),
        Format::Load => format!("{rd},{imm}({rs1})"),
        Format::S => format!("{rs2},{imm}({rs1})"),
        Format::B => format!("{rs1},{rs2},{target}"),
        Format::U => format!("{rd},{:#x}", (imm.cast_unsigned()) >> 12),
        Format::J => format!("{rd},{target}"),
        Format::Fence => format!("{},{}", fence_set(imm >> 4), fence_set(imm)),
        Format::FenceI | Format::Exact => String::new(),
        Format::Sfence => format!("{rs1},{rs2}"),
        Format::Cbo => format!("({rs1})"),
        Format::Csr => format!("{rd},{},{rs1}", csr_name(imm)),
        Format::CsrImm => format!("{rd},{},{}", csr_name(imm), o.rs1()),
        Format::Amo => format!("{rd},{rs2},({rs1})"),
        Format::Lr => format!("{rd},({rs1})"),
        Format::FpLoad => format!("{fd},{imm}({rs1})"),
        Format::FpS => format!("{fs2},{imm}({rs1})"),
        Format::FpRm => format!("{fd},{fs1},{fs2},{rm}"),
        Format::Fp => format!("{fd},{fs1},{fs2}"),
        Format::FpCmp => format!("{rd},{fs1},{fs2}"),
        Format::FpFma => format!("{fd},{fs1},{fs2},{fs3},{rm}"),
        Format::Fp1Rm => format!("{fd},{fs1},{rm}"),
        Format::FpToIntRm => format!("{rd},{fs1},{rm}"),
        Format::FpFromIntRm => format!("{fd},{rs1},{rm}"),
        Format::FpToInt => format!("{rd},{fs1}"),
        Format::FpFromInt => format!("{fd},{rs1}"),
    }
}

/// Predecessor or successor set, as in `fence rw,rw`.
fn fence_set(bits: i32) -> String {
    if bits & 15 == 0 {
        return "0".to_owned();
    }
    let names = [(8, 'i'), (4, 'o'), (2, 'r'), (1, 'w')];
    names.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, name)| name).collect()
}

fn csr_name(number: i32) -> String {
    let name = u16::try_from(number).ok().and_then(csr::name);
    name.unwrap_or_else(|| format!("{number:#x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bits: u32) -> String {
        disassemble(GuestAddr(0x1000), bits)
    }

    #[test]
    fn names_registers_and_targets() {
        assert_eq!(text(0xfff5_0513), "addi a0,a0,-1");
        assert_eq!(text(0xffdf_f06f), "jal zero,0xffc");
        assert_eq!(text(0x0ff0_000f), "fence iorw,iorw");
        assert_eq!(text(0x1405_252f), "lr.w.aq a0,(a0)");
        assert_eq!(text(0x02b5_7553), "fadd.d fa0,fa0,fa1,dyn");
        assert_eq!(text(0x3000_2573), "csrrs a0,mstatus,zero");
        assert_eq!(text(0x8082), "c.jr zero,0(ra)");
        assert_eq!(text(0x0000), ".2byte 0x0000");
        assert_eq!(text(0xffff_ffff), ".insn 0xffffffff");
    }
}
