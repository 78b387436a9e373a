//! Assembler of the instructions that the guests of these tests use.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "instruction fields are cut out of numbers"
)]

/// Integer registers by their names in the calling convention.
pub(crate) const ZERO: u32 = 0;
pub(crate) const T0: u32 = 5;
pub(crate) const T1: u32 = 6;
pub(crate) const T2: u32 = 7;
pub(crate) const A0: u32 = 10;
pub(crate) const A1: u32 = 11;
pub(crate) const A2: u32 = 12;
pub(crate) const A6: u32 = 16;
pub(crate) const A7: u32 = 17;

/// Control and status registers by number.
pub(crate) const SIE: u32 = 0x104;
pub(crate) const SIP: u32 = 0x144;
pub(crate) const TIME: u32 = 0xc01;
pub(crate) const MIE: u32 = 0x304;
pub(crate) const MHARTID: u32 = 0xf14;

/// A program under construction.
#[derive(Default)]
pub(crate) struct Asm {
    words: Vec<u32>,
}

impl Asm {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Offset of the next instruction from the program's start.
    pub(crate) fn here(&self) -> usize {
        self.words.len() * 4
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    /// Appends another program.
    pub(crate) fn append(&mut self, other: &Self) {
        self.words.extend(&other.words);
    }

    fn emit(&mut self, word: u32) -> &mut Self {
        self.words.push(word);
        self
    }

    fn i_type(&mut self, opcode: u32, funct3: u32, rd: u32, rs1: u32, imm: i32) -> &mut Self {
        self.emit((imm as u32) << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | opcode)
    }

    pub(crate) fn addi(&mut self, rd: u32, rs1: u32, imm: i32) -> &mut Self {
        self.i_type(0x13, 0, rd, rs1, imm)
    }

    fn slli(&mut self, rd: u32, rs1: u32, shift: i32) -> &mut Self {
        self.i_type(0x13, 1, rd, rs1, shift)
    }

    pub(crate) fn add(&mut self, rd: u32, rs1: u32, rs2: u32) -> &mut Self {
        self.emit(rs2 << 20 | rs1 << 15 | rd << 7 | 0x33)
    }

    /// Loads any constant, 8 bits at a time.
    pub(crate) fn li(&mut self, rd: u32, value: u64) -> &mut Self {
        self.addi(rd, ZERO, 0);
        for byte in value.to_be_bytes() {
            self.slli(rd, rd, 8).addi(rd, rd, i32::from(byte));
        }
        self
    }

    pub(crate) fn ld(&mut self, rd: u32, base: u32) -> &mut Self {
        self.i_type(0x03, 3, rd, base, 0)
    }

    pub(crate) fn lbu(&mut self, rd: u32, base: u32) -> &mut Self {
        self.i_type(0x03, 4, rd, base, 0)
    }

    fn store(&mut self, funct3: u32, rs2: u32, base: u32) -> &mut Self {
        self.emit(rs2 << 20 | base << 15 | funct3 << 12 | 0x23)
    }

    pub(crate) fn sb(&mut self, rs2: u32, base: u32) -> &mut Self {
        self.store(0, rs2, base)
    }

    pub(crate) fn sw(&mut self, rs2: u32, base: u32) -> &mut Self {
        self.store(2, rs2, base)
    }

    pub(crate) fn sd(&mut self, rs2: u32, base: u32) -> &mut Self {
        self.store(3, rs2, base)
    }

    fn branch(&mut self, funct3: u32, rs1: u32, target: usize) -> &mut Self {
        let offset = (target as i64 - self.here() as i64) as u32;
        let high = (offset >> 12 & 1) << 31 | (offset >> 5 & 0x3f) << 25;
        let low = (offset >> 1 & 0xf) << 8 | (offset >> 11 & 1) << 7;
        self.emit(high | rs1 << 15 | funct3 << 12 | low | 0x63)
    }

    /// Jumps to `target`, an offset from the program's start, if `rs1` is zero.
    pub(crate) fn beqz(&mut self, rs1: u32, target: usize) -> &mut Self {
        self.branch(0, rs1, target)
    }

    /// Jumps to `target`, an offset from the program's start, unless `rs1` is zero.
    pub(crate) fn bnez(&mut self, rs1: u32, target: usize) -> &mut Self {
        self.branch(1, rs1, target)
    }

    /// Loops for ever.
    pub(crate) fn spin(&mut self) -> &mut Self {
        self.emit(0x6f)
    }

    pub(crate) fn csrr(&mut self, rd: u32, csr: u32) -> &mut Self {
        self.emit(csr << 20 | 2 << 12 | rd << 7 | 0x73)
    }

    pub(crate) fn csrw(&mut self, csr: u32, rs1: u32) -> &mut Self {
        self.emit(csr << 20 | rs1 << 15 | 1 << 12 | 0x73)
    }

    pub(crate) fn wfi(&mut self) -> &mut Self {
        self.emit(0x1050_0073)
    }

    pub(crate) fn ecall(&mut self) -> &mut Self {
        self.emit(0x73)
    }

    /// Makes an SBI call; its arguments are in their registers.
    pub(crate) fn sbi(&mut self, extension: u64, function: u64) -> &mut Self {
        self.li(A7, extension).li(A6, function).ecall()
    }

    /// Stores a word at `address`.
    pub(crate) fn poke(&mut self, address: u64, value: u64) -> &mut Self {
        self.li(T0, address).li(T1, value).sw(T1, T0)
    }

    /// Prints through the serial port.
    pub(crate) fn print(&mut self, text: &str) -> &mut Self {
        self.li(T0, 0x1000_0000);
        for byte in text.bytes() {
            self.li(T1, byte.into()).sb(T1, T0);
        }
        self
    }

    /// Ends the machine through the test device.
    pub(crate) fn finish(&mut self, value: u64) -> &mut Self {
        self.poke(0x10_0000, value).spin()
    }
}

/// Wraps a program into an `Image` that is loaded and entered at 0x8020_0000; its first
/// word jumps over the header.
pub(crate) fn image(program: &Asm) -> Vec<u8> {
    let mut bytes = vec![0; 64];
    // jal zero, 64
    bytes[..4].copy_from_slice(&0x0400_006fu32.to_le_bytes());
    bytes[8..16].copy_from_slice(&0x20_0000u64.to_le_bytes());
    bytes[56..60].copy_from_slice(b"RSC\x05");
    [bytes, program.bytes()].concat()
}

/// Physical address of offset `offset` of a program in an [`image`].
pub(crate) fn image_address(offset: usize) -> u64 {
    0x8020_0040 + offset as u64
}
