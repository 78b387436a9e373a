//! Test of the instruction rows against binutils: equal mnemonics, registers and immediates
//! for equal encodings, which validates encodings derived from the rows.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

use super::elf::executable;
use super::suite::Symbols;

/// Address of the first instruction.
pub(crate) const START: u64 = 0x8000_0000;

/// Disassembly of `words` by `objdump`, placed from [`START`] on. With `aliases`, in short
/// forms.
///
/// # Panics
/// If binutils for riscv64 are not installed or fail.
pub(crate) fn objdump(name: &str, words: &[u32], aliases: bool) -> Vec<String> {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.elf"));
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let nowhere = Symbols { tohost: 0, begin_signature: 0, end_signature: 0 };
    std::fs::write(&path, executable(START, &bytes, nowhere)).expect("a file for the instructions");
    let mut command = Command::new("riscv64-linux-gnu-objdump");
    command.args(["--disassemble", "--disassemble-zeroes", "--section=.text"]);
    if !aliases {
        command.args(["-M", "no-aliases"]);
    }
    let output = command.arg(&path).output().unwrap_or_else(|error| {
        panic!("riscv64-linux-gnu-objdump: {error}; deploy/test-tools/install installs it");
    });
    assert!(output.status.success(), "objdump: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    let lines: HashMap<u64, String> = text.lines().filter_map(line).collect();
    let at = |n: u64| lines.get(&(START + 4 * n)).cloned().unwrap_or_default();
    (0..words.len() as u64).map(at).collect()
}

/// Address and text of a line such as `80000000:\t00a50533  \tadd\ta0,a0,a0 # comment`.
fn line(line: &str) -> Option<(u64, String)> {
    let (address, rest) = line.split_once(":\t")?;
    let address = u64::from_str_radix(address.trim(), 16).ok()?;
    let (_bits, text) = rest.split_once('\t')?;
    let text = text.split(['#', '<']).next()?.trim().replace('\t', " ");
    Some((address, text))
}

#[cfg(test)]
mod tests {
    use riscope_core::addr::GuestAddr;
    use riscope_core::disasm::disassemble;
    use riscope_core::hart::csr;
    use riscope_core::isa::d::D;
    use riscope_core::isa::float::{Float, Precision};
    use riscope_core::isa::{Format, Insn, Op, Operands, Row, decode, rows};

    use super::*;
    use crate::common::encode::{Fields, encode};
    use crate::common::random::Random;

    /// Random encodings of each row.
    const ENCODINGS: usize = 100;

    /// Random encoding of a row: fixed fields are kept, reserved rounding modes and
    /// reserved bits excluded.
    fn random_encoding(row: &Row, random: &mut Random) -> u32 {
        let open = random.word() & !row.format.mask();
        match row.format {
            Format::Fence => row.bits | open & 0x0ff0_0000,
            Format::FenceI => row.bits,
            Format::Csr | Format::CsrImm => row.bits | open & 0x000f_ffff | u32::from(random_csr(random)) << 20,
            Format::FpRm | Format::FpFma | Format::Fp1Rm | Format::FpToIntRm | Format::FpFromIntRm => {
                let mode = if is_exact(row) { 0 } else { random.pick(&[0, 1, 2, 3, 4, 7]) };
                row.bits | open & !0x7000 | mode << 12
            }
            _ => row.bits | open,
        }
    }

    /// An implemented CSR; binutils names more.
    fn random_csr(random: &mut Random) -> u16 {
        let known: Vec<u16> = (0..1 << 12).filter(|&number| csr::name(number).is_some()).collect();
        random.pick(&known)
    }

    /// Conversions that never round: binutils wants mode 0 there, and shows none.
    fn is_exact(row: &Row) -> bool {
        matches!(row.op, Op::Float(Float::CvtFromW | Float::CvtFromWu, Precision::Double) | Op::D(D::FcvtDS))
    }

    /// Zicond came with binutils 2.41, so on older ones it has no name.
    fn is_known(row: &&Row) -> bool {
        !matches!(row.op, Op::Zicond(_))
    }

    /// Normalises spelling: without `dyn` and hexadecimal prefixes, 0 for an empty fence
    /// set.
    fn normalised(row: &Row, text: &str) -> String {
        let text = text.strip_suffix(",dyn").unwrap_or(text);
        let text = if is_exact(row) { text.strip_suffix(",rne").unwrap_or(text) } else { text };
        text.replace("0x", "").replace("unknown", "0")
    }

    #[test]
    fn binutils_and_the_rows_agree_on_names_and_operands() {
        let mut random = Random::new(1);
        let all: Vec<(&Row, u32)> = rows()
            .filter(is_known)
            .flat_map(|row| (0..ENCODINGS).map(move |_| row))
            .map(|row| (row, random_encoding(row, &mut random)))
            .collect();
        let words: Vec<u32> = all.iter().map(|(_, bits)| *bits).collect();
        let theirs = objdump("rows", &words, false);
        let mut differing = Vec::new();
        for ((n, (row, bits)), theirs) in (0..).zip(&all).zip(&theirs) {
            let ours = disassemble(GuestAddr(START + 4 * n), *bits);
            if normalised(row, &ours) != normalised(row, theirs) {
                differing.push(format!("{bits:#010x}: {ours} | {theirs}"));
            }
        }
        assert!(differing.is_empty(), "{} differ:\n{}", differing.len(), differing.join("\n"));
    }

    /// The 32-bit expansion of a 16-bit instruction.
    fn expanded(insn: Insn) -> u32 {
        let o: Operands = insn.operands;
        let row = rows().find(|row| row.op == insn.op).expect("every operation has a row");
        let (rd, rs1, rs2) = (o.rd() as u32, o.rs1() as u32, o.rs2() as u32);
        encode(row, Fields { rd, rs1, rs2, imm: o.imm(), ..Fields::default() })
    }

    /// Whether an instruction is a hint, whose name depends on the version of binutils.
    fn is_hint(bits: u32) -> bool {
        const OP_IMM: u32 = 0x13;
        let (rd, rs1, amount) = (bits >> 7 & 31, bits >> 15 & 31, bits >> 20 & 0x3f);
        let is_shift = bits >> 12 & 3 == 1;
        let is_zero = if is_shift { amount == 0 } else { bits >> 20 == 0 };
        rd == 0 || bits & 0x7f == OP_IMM && rd == rs1 && is_zero
    }

    #[test]
    fn binutils_and_the_rows_agree_on_every_compressed_instruction() {
        const NOP: u32 = 0x0001;
        let halves: Vec<u32> = (0..1 << 16).filter(|half| half & 3 != 3).collect();
        let short: Vec<u32> = halves.iter().map(|half| half | NOP << 16).collect();
        let long: Vec<u32> = halves.iter().map(|half| decode(*half).map_or(0, expanded)).collect();
        let (short_texts, long_texts) = (objdump("short", &short, true), objdump("long", &long, true));
        let mut differing = Vec::new();
        let mut valid = 0;
        for ((half, short), (bits, long)) in halves.iter().zip(&short_texts).zip(long.iter().zip(&long_texts)) {
            let same = match bits {
                // `c.addi16sp` by nothing is reserved, which binutils overlooks.
                0 if *half == 0x6101 => true,
                0 => short.starts_with('.') || short == "unimp",
                bits if is_hint(*bits) => true,
                // Only the short form writes a move as `mv`.
                _ => *short == long.replace("add ", "mv ").replace(",zero,", ",") || short == long,
            };
            valid += usize::from(*bits != 0);
            if !same {
                differing.push(format!("{half:#06x}: {short} | {long}"));
            }
        }
        assert!(valid > 30_000, "{valid} are valid");
        assert!(
            differing.is_empty(),
            "{} differ:\n{}",
            differing.len(),
            differing.iter().take(100).cloned().collect::<Vec<_>>().join("\n")
        );
    }
}
