//! Snippets that access memory.

use riscope_core::isa::{Format, Op, Row, rows};

use super::super::device::REGISTERS_END;
use super::super::layout::{DATA, DATA_BYTES, DEVICE, PAGE, SUPERPAGE};
use super::Generator;
use super::op;
use super::unit::{Reach, Target, Unit};
use crate::common::encode::{Fields, encode, row};

const LOADS: &[&str] = &["lb", "lh", "lw", "ld", "lbu", "lhu", "lwu"];
const STORES: &[&str] = &["sb", "sh", "sw", "sd"];
const FLOAT_LOADS: &[&str] = &["flw", "fld"];
const FLOAT_STORES: &[&str] = &["fsw", "fsd"];

impl Generator<'_> {
    fn pointer(&mut self) -> u32 {
        self.random.pick(&self.registers.pointers)
    }

    /// An offset that is aligned in most cases.
    fn offset(&mut self) -> i32 {
        let offset = self.random.between(-2048, 2047);
        if self.random.chance(60) { offset & !7 } else { offset }
    }

    /// An address in the data window, often close to the end of a page.
    fn address(&mut self) -> u64 {
        let inside = u64::from(self.random.below(DATA_BYTES as u32));
        let near_end = (inside & !(PAGE - 1)) + PAGE - u64::from(self.random.below(9));
        let address = DATA + if self.random.chance(30) { near_end } else { inside };
        if self.random.chance(10) { address + SUPERPAGE } else { address }
    }

    /// A load or store (its row has the immediate) to a fixed address.
    fn pair(&mut self, row: &Row, register: u32) -> Unit {
        let base = self.registers.address;
        let fields = Fields { rd: register, rs1: base, rs2: register, ..Fields::default() };
        let bits = vec![
            op("auipc", Fields { rd: base, ..Fields::default() }),
            encode(row, fields),
            op("addi", Fields { rd: base, ..Fields::default() }),
        ];
        let target = Target::Ram(self.address());
        Unit { bits, open: vec![(0, Reach::Pair, target)], ..Unit::default() }
    }

    pub(super) fn load(&mut self) -> Unit {
        let mnemonic = self.random.pick(LOADS);
        let rd = self.registers.target(&mut self.random);
        if self.random.chance(30) {
            return self.pair(row(mnemonic), rd);
        }
        let fields = Fields { rd, rs1: self.pointer(), imm: self.offset(), ..Fields::default() };
        Unit::of(vec![op(mnemonic, fields)])
    }

    pub(super) fn store(&mut self) -> Unit {
        let mnemonic = self.random.pick(STORES);
        let rs2 = self.random.below(32);
        if self.profile.patches || self.random.chance(30) {
            return self.pair(row(mnemonic), rs2);
        }
        let fields = Fields { rs2, rs1: self.pointer(), imm: self.offset(), ..Fields::default() };
        Unit::of(vec![op(mnemonic, fields)])
    }

    pub(super) fn float_memory(&mut self) -> Unit {
        let register = self.random.below(32);
        let load = self.random.chance(50);
        let mnemonic = self.random.pick(if load { FLOAT_LOADS } else { FLOAT_STORES });
        if self.profile.patches || self.random.chance(30) {
            return self.pair(row(mnemonic), register);
        }
        let (rs1, imm) = (self.pointer(), self.offset());
        Unit::of(vec![op(mnemonic, Fields { rd: register, rs1, rs2: register, imm, ..Fields::default() })])
    }

    /// A snippet that has an address in the data window in a register, to which
    /// `misaligned` of 100 are not aligned.
    fn with_address(&mut self, misaligned: u32, body: &[u32]) -> Unit {
        let address = self.registers.address;
        let alignment = if self.random.chance(misaligned) { 0 } else { 7 };
        let mut bits = vec![
            op("auipc", Fields { rd: address, ..Fields::default() }),
            op("addi", Fields { rd: address, rs1: address, ..Fields::default() }),
        ];
        bits.extend(body);
        bits.push(op("addi", Fields { rd: address, ..Fields::default() }));
        let target = Target::Ram(self.address() & !alignment);
        Unit { bits, open: vec![(0, Reach::Pair, target)], ..Unit::default() }
    }

    /// An atomic instruction of `format` on the address register.
    fn atomic_row(&mut self, format: Format) -> u32 {
        let of_format = |row: &&Row| matches!(row.op, Op::A(_)) && row.format == format;
        let all: Vec<_> = rows().filter(of_format).collect();
        let fields = Fields {
            rd: self.registers.target(&mut self.random),
            rs1: self.registers.address,
            rs2: self.random.below(32),
            modifier: self.random.below(4),
            ..Fields::default()
        };
        encode(self.random.pick(&all), fields)
    }

    pub(super) fn atomic(&mut self) -> Unit {
        let body = [self.atomic_row(Format::Amo)];
        self.with_address(15, &body)
    }

    /// Load-reserved and store-conditional of equal or different widths, sometimes with
    /// other instructions in between.
    pub(super) fn reserved(&mut self) -> Unit {
        let mut body = vec![self.atomic_row(Format::Lr)];
        if self.random.chance(30) {
            body.extend(self.integer().bits);
        }
        let width = if self.random.chance(80) { body[0] & 0x7000 } else { 0x2000 + (self.random.below(2) << 12) };
        let sc = op(
            "sc.w",
            Fields {
                rd: self.registers.target(&mut self.random),
                rs1: self.registers.address,
                rs2: self.random.below(32),
                ..Fields::default()
            },
        );
        body.push(sc & !0x7000 | width);
        self.with_address(10, &body)
    }

    pub(super) fn cache_block(&mut self) -> Unit {
        let rs1 = self.registers.address;
        self.with_address(50, &[op("cbo.zero", Fields { rs1, ..Fields::default() })])
    }

    /// A load or store of a device register, sometimes beyond the last one.
    pub(super) fn device(&mut self) -> Unit {
        let address = self.registers.address;
        let load = self.random.chance(60);
        let mnemonic = self.random.pick(if load { LOADS } else { STORES });
        let register = if load { self.registers.target(&mut self.random) } else { self.random.below(32) };
        let offset = self.random.below(REGISTERS_END as u32) as i32;
        let imm = if self.random.chance(90) { offset & !7 } else { offset };
        let imm = if self.random.chance(10) { -8 } else { imm };
        let fields = Fields { rd: register, rs1: address, rs2: register, imm, ..Fields::default() };
        Unit::of(vec![
            op("lui", Fields { rd: address, imm: DEVICE as i32, ..Fields::default() }),
            op(mnemonic, fields),
            op("addi", Fields { rd: address, ..Fields::default() }),
        ])
    }

    /// An access to vacant or unmapped addresses.
    pub(super) fn unmapped(&mut self) -> Unit {
        let address = self.registers.address;
        let upper = self.random.pick(&[0x2000_0000, 0x7000_0000, i32::MIN, -0x1000, 0x4100_0000]);
        let (rd, rs2) = (self.registers.target(&mut self.random), self.random.below(32));
        let access = self.random.pick(&["lw", "ld", "lbu", "sb", "sd", "amoadd.d", "lr.w", "sc.d", "fld", "fsw"]);
        let rd = if access == "fld" { self.random.below(32) } else { rd };
        let imm = if access.contains('.') { 0 } else { self.offset() };
        Unit::of(vec![
            op("lui", Fields { rd: address, imm: upper, ..Fields::default() }),
            op(access, Fields { rd, rs1: address, rs2, imm, ..Fields::default() }),
            op("addi", Fields { rd: address, ..Fields::default() }),
        ])
    }

    /// An access through a random register.
    pub(super) fn stray(&mut self) -> Unit {
        let load = self.profile.patches || self.random.chance(50);
        let mnemonic = self.random.pick(if load { LOADS } else { STORES });
        let rd = self.registers.target(&mut self.random);
        let (rs1, rs2, imm) = (self.random.below(32), self.random.below(32), self.offset());
        Unit::of(vec![op(mnemonic, Fields { rd, rs1, rs2, imm, ..Fields::default() })])
    }
}
