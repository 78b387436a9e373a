//! Snippets of CSR accesses, traps, fences, translation, and self-modifying code.

use riscope_core::isa::decode;

use super::super::layout::{CODE, COPIED, COPIES, DATA, OPERANDS, PAGE, SUPERVISOR, USER};
use super::unit::{Reach, Target, Unit};
use super::{Generator, op};
use crate::common::encode::Fields;

const ACCESSES: &[&str] = &["csrrw", "csrrs", "csrrc", "csrrwi", "csrrsi", "csrrci"];

/// Registers that a program may set to any value without losing control: counters, their
/// enables, and trap state.
const HARMLESS: &[i32] =
    &[0x001, 0x002, 0x003, 0x106, 0x10a, 0x141, 0x142, 0x143, 0x320, 0x341, 0x342, 0x343, 0xb00, 0xb02, 0xf14, 0xc00];

impl Generator<'_> {
    fn control_access(&mut self, number: i32, mnemonics: &[&'static str]) -> u32 {
        let mnemonic = self.random.pick(mnemonics);
        let rd = self.registers.target(&mut self.random);
        op(mnemonic, Fields { rd, rs1: self.random.below(32), imm: number, ..Fields::default() })
    }

    pub(super) fn control_read(&mut self) -> Unit {
        let rd = self.registers.target(&mut self.random);
        let common = [0xc00, 0xc01, 0xc02, 0x100, 0x300, 0x144, 0x344, 0x342, 0x142, 0xf14, 0x301, 0x180];
        let number = if self.random.chance(70) { self.random.pick(&common) } else { self.random.between(0, 0xfff) };
        let mnemonic = self.random.pick(&["csrrs", "csrrc", "csrrsi", "csrrci"]);
        Unit::of(vec![op(mnemonic, Fields { rd, imm: number, ..Fields::default() })])
    }

    pub(super) fn control_write(&mut self) -> Unit {
        let number = self.random.pick(HARMLESS);
        Unit::of(vec![self.control_access(number, ACCESSES)])
    }

    pub(super) fn float_control(&mut self) -> Unit {
        if self.random.chance(50) {
            // A legal rounding mode in most cases.
            let rs1 = self.random.weighted(&[(20, 0), (20, 1), (20, 2), (20, 3), (20, 4), (2, 5), (1, 7)]);
            let rd = self.registers.target(&mut self.random);
            return Unit::of(vec![op("csrrwi", Fields { rd, rs1, imm: 2, ..Fields::default() })]);
        }
        if self.random.chance(40) {
            return self.float_control_write();
        }
        let number = self.random.pick(&[1, 1, 1, 3]);
        let mnemonics = if number == 3 { &["csrrs", "csrrsi"][..] } else { ACCESSES };
        let bits = self.control_access(number, mnemonics);
        // Here `fcsr` is only read: writes would mostly set illegal modes.
        Unit::of(vec![if number == 3 { bits & !(31 << 15) } else { bits }])
    }

    /// Writes `frm` or `fcsr` from a register with a legal rounding mode in most cases.
    fn float_control_write(&mut self) -> Unit {
        let mode = self.random.weighted(&[(20, 0), (20, 1), (20, 2), (20, 3), (4, 4), (1, 6)]);
        let number = self.random.pick(&[2, 3]);
        let value = if number == 3 { mode << 5 | self.random.between(0, 31) } else { mode };
        let (rd, rs1) = (self.registers.target(&mut self.random), self.registers.target(&mut self.random));
        Unit::of(vec![
            op("addi", Fields { rd: rs1, imm: value, ..Fields::default() }),
            op(
                self.random.pick(&["csrrw", "csrrw", "csrrs", "csrrc"]),
                Fields { rd, rs1, imm: number, ..Fields::default() },
            ),
        ])
    }

    /// Sets or clears a bit of `mstatus` or `sstatus`: interrupt enables, FS, MPRV,
    /// SUM, MXR, TVM, TW, TSR.
    pub(super) fn status_bit(&mut self) -> Unit {
        let rd = self.registers.target(&mut self.random);
        let status = self.random.pick(&[0x300, 0x100]);
        let bit = self.random.weighted(&[
            (4, 1 << 1),
            (4, 1 << 3),
            (4, 1 << 13),
            (4, 1 << 14),
            (4, 3 << 13),
            (2, 1 << 17),
            (4, 1 << 18),
            (4, 1 << 19),
            // A fence of a changed page of code may not trap.
            (1, if self.remaps_code { 1 << 19 } else { 1 << 20 }),
            (1, 1 << 21),
            (1, 1 << 22),
        ]);
        // Without FS, all floating-point instructions trap, which should not last.
        let clears = if bit & 3 << 13 != 0 { 20 } else { 50 };
        let access = if self.random.chance(clears) { "csrrc" } else { "csrrs" };
        let mask = if bit < 2048 {
            op("addi", Fields { rd, imm: bit, ..Fields::default() })
        } else {
            op("lui", Fields { rd, imm: bit, ..Fields::default() })
        };
        Unit::of(vec![mask, op(access, Fields { rs1: rd, imm: status, ..Fields::default() })])
    }

    pub(super) fn system(&mut self) -> Unit {
        let choices =
            [(40, "ecall"), (10, "ebreak"), (6, "wfi"), (6, "mret"), (6, "sret"), (10, "c.ebreak"), (10, "sip")];
        let bits = match self.random.weighted(&choices) {
            "c.ebreak" => 0x9002,
            "sip" => op("csrrsi", Fields { rs1: 2, imm: 0x144, ..Fields::default() }),
            mnemonic => op(mnemonic, Fields::default()),
        };
        Unit::of(vec![bits])
    }

    pub(super) fn fence(&mut self) -> Unit {
        let (rs1, rs2) = (self.random.below(32), self.random.below(32));
        let bits = match self.random.below(4) {
            0 => op("fence.i", Fields::default()),
            1 => op("sfence.vma", Fields { rs1, rs2, ..Fields::default() }),
            _ => op("fence", Fields { imm: self.random.between(0, 255), ..Fields::default() }),
        };
        Unit::of(vec![bits])
    }

    /// An illegal encoding.
    pub(super) fn invalid(&mut self) -> Unit {
        let bits = loop {
            let word = self.random.word();
            let bits = if word & 3 == 3 { word } else { word & 0xffff };
            if decode(bits).is_none() {
                break bits;
            }
        };
        Unit::of(vec![bits])
    }

    /// Flips a bit in the immediate of an instruction, and fences.
    pub(super) fn patch(&mut self) -> Unit {
        let address = self.registers.address;
        let word = self.registers.target(&mut self.random);
        let flip = loop {
            let flip = self.registers.target(&mut self.random);
            if flip != word && flip != 0 {
                break flip;
            }
        };
        let word = if word == 0 { self.registers.counters[1] } else { word };
        let bit = 1i32 << self.random.between(20, 31);
        let bits = vec![
            op("auipc", Fields { rd: address, ..Fields::default() }),
            op("addi", Fields { rd: address, rs1: address, ..Fields::default() }),
            op("lw", Fields { rd: word, rs1: address, ..Fields::default() }),
            op("lui", Fields { rd: flip, imm: bit, ..Fields::default() }),
            op("xor", Fields { rd: word, rs1: word, rs2: flip, ..Fields::default() }),
            op("sw", Fields { rs1: address, rs2: word, ..Fields::default() }),
            op("fence.i", Fields::default()),
            op("addi", Fields { rd: address, ..Fields::default() }),
        ];
        let target = Target::Patchable(self.random.below(1 << 16) as usize);
        // Code that changes on every iteration would never be translated.
        self.now_and_then(Unit { bits, open: vec![(0, Reach::Pair, target)], ..Unit::default() })
    }

    /// The unit, executed in one of two to one of eight iterations.
    fn now_and_then(&mut self, unit: Unit) -> Unit {
        let address = self.registers.address;
        let mask = self.random.pick(&[0x40, 0x180, 0x1c0]);
        let mut bits = vec![
            op("auipc", Fields { rd: address, ..Fields::default() }),
            op("ld", Fields { rd: address, rs1: address, ..Fields::default() }),
            op("andi", Fields { rd: address, rs1: address, imm: mask, ..Fields::default() }),
            op("bne", Fields { rs1: address, imm: 4 + unit.len() as i32, ..Fields::default() }),
        ];
        let before = bits.len();
        bits.extend(unit.bits);
        let mut open = vec![(0, Reach::Pair, Target::Ram(OPERANDS))];
        open.extend(unit.open.into_iter().map(|(n, reach, target)| (n + before, reach, target)));
        Unit { bits, open, patchable: false }
    }

    /// Flips a bit in the page table entry of a data page: permissions, accessed,
    /// dirty, or which page it is; or exchanges a page of code with its copy. Only S-mode and
    /// M-mode can.
    pub(super) fn remap(&mut self) -> Unit {
        let address = self.registers.address;
        let code = self.remaps_code && self.random.chance(60);
        let copied = self.random.below(COPIED.len() as u32) as usize;
        let page = if code { CODE + COPIED[copied] } else { DATA + u64::from(self.random.below(4)) * PAGE };
        let base = self.random.pick(&[SUPERVISOR, USER]);
        let entry = self.surroundings.entry_offset(base + page, &mut self.random);
        let Some((entry, asid)) = entry else { return self.load() };
        let word = self.registers.target(&mut self.random);
        let word = if word == 0 { self.registers.counters[1] } else { word };
        let flip = self.random.pick(&[1, 2, 4, 8, 16, 64, 128, 1024, 1024, 1024]);
        let mut bits = vec![
            op("auipc", Fields { rd: address, ..Fields::default() }),
            op("addi", Fields { rd: address, rs1: address, ..Fields::default() }),
            op("ld", Fields { rd: word, rs1: address, ..Fields::default() }),
        ];
        if code {
            let difference = page ^ (COPIES + copied as u64 * PAGE);
            let bits_of_entry = (0..64).filter(|bit| difference >> bit & 1 != 0).map(|bit| bit - 2);
            bits.extend(bits_of_entry.map(|imm| op("binvi", Fields { rd: word, rs1: word, imm, ..Fields::default() })));
        } else {
            bits.push(op("xori", Fields { rd: word, rs1: word, imm: flip, ..Fields::default() }));
        }
        bits.push(op("sd", Fields { rs1: address, rs2: word, ..Fields::default() }));
        let (by_address, by_space) = (self.random.chance(50), self.random.chance(50));
        if by_address {
            // The address in the modified space, whatever the mode.
            let upper = if base == USER { (USER + page) as i32 } else { (SUPERVISOR + page) as i32 };
            let inside = Fields { rd: address, rs1: address, imm: self.random.between(0, 2047), ..Fields::default() };
            bits.push(op("lui", Fields { rd: address, imm: upper, ..Fields::default() }));
            bits.push(op("addi", inside));
        }
        if by_space {
            bits.push(op("addi", Fields { rd: word, imm: asid, ..Fields::default() }));
        }
        let operands = (if by_address { address } else { 0 }, if by_space { word } else { 0 });
        bits.push(op("sfence.vma", Fields { rs1: operands.0, rs2: operands.1, ..Fields::default() }));
        bits.push(op("addi", Fields { rd: address, ..Fields::default() }));
        self.now_and_then(Unit { bits, open: vec![(0, Reach::Pair, Target::Ram(entry))], ..Unit::default() })
    }

    /// Flips the bits of `satp` that tell the two address spaces apart. No fence is needed for
    /// that, even if they have the same ASID, as the MMU promises.
    pub(super) fn switch_space(&mut self) -> Unit {
        let Some((flip, asid)) = self.surroundings.space_difference() else { return self.store() };
        let register = self.registers.target(&mut self.random);
        let register = if register == 0 { self.registers.counters[1] } else { register };
        let mut bits = vec![
            op("csrrs", Fields { rd: register, imm: 0x180, ..Fields::default() }),
            op("xori", Fields { rd: register, rs1: register, imm: flip, ..Fields::default() }),
        ];
        if asid != 0 {
            let bit = 44 + asid.trailing_zeros() as i32;
            bits.push(op("binvi", Fields { rd: register, rs1: register, imm: bit, ..Fields::default() }));
        }
        bits.push(op("csrrw", Fields { rs1: register, imm: 0x180, ..Fields::default() }));
        if self.random.chance(20) {
            bits.push(op("sfence.vma", Fields::default()));
        }
        self.now_and_then(Unit::of(bits))
    }
}
