//! Host bytes, and the encoding of the instructions that templates use most: opcode, registers and
//! operand in memory, as `cranelift-assembler-x64` has them. One function serves them all, so
//! that it stays in the host's caches between two translations.

use cranelift_assembler_x64::{CodeSink, DeferredTarget, KnownOffset, TrapCode};

use super::operand::{Mem, Reg, Width};

/// Bytes written at once.
const CHUNK: usize = 8;

/// Host bytes of one fragment.
#[derive(Debug, Default)]
pub(super) struct Code {
    /// What has been written, and room behind it.
    bytes: Vec<u8>,
    len: usize,
}

/// An opcode, and how it uses its registers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Opcode(u32);

impl Opcode {
    const ESCAPE: u32 = 1 << 8;
    const WIDE: u32 = 1 << 9;
    const HALFWORD: u32 = 1 << 10;
    const BYTE_REG: u32 = 1 << 11;
    const BYTE_RM: u32 = 1 << 12;

    /// An opcode of one byte, on 32 bits.
    pub(super) const fn one(code: u8) -> Self {
        Self(code as u32)
    }

    /// An opcode of two bytes, the first of them `0f`, on 32 bits.
    pub(super) const fn two(code: u8) -> Self {
        Self(code as u32 | Self::ESCAPE)
    }

    /// The same on 64 bits.
    pub(super) const fn wide(self) -> Self {
        Self(self.0 | Self::WIDE)
    }

    /// The same on 16 bits.
    pub(super) const fn halfword(self) -> Self {
        Self(self.0 | Self::HALFWORD)
    }

    /// The same with a register that has 8 bits.
    pub(super) const fn byte_reg(self) -> Self {
        Self(self.0 | Self::BYTE_REG)
    }

    /// The same with an operand in a register or in memory that has 8 bits.
    pub(super) const fn byte_rm(self) -> Self {
        Self(self.0 | Self::BYTE_RM)
    }

    /// The same on as many bits.
    pub(super) const fn on(self, width: Width) -> Self {
        match width {
            Width::Double => self.wide(),
            Width::Word => self,
        }
    }

    const fn has(self, flag: u32) -> bool {
        self.0 & flag != 0
    }

    /// Prefixes and opcode, and how many bits they have; `extended` are the upper bits of register
    /// numbers as the prefix has them.
    fn start(self, extended: u64, bytes_above_3: bool) -> (u64, u32) {
        let (mut word, mut bits) = (0, 0);
        if self.has(Self::HALFWORD) {
            (word, bits) = (0x66, 8);
        }
        let rex = extended | u64::from(self.has(Self::WIDE)) << 3;
        if rex != 0 || bytes_above_3 {
            word |= (0x40 | rex) << bits;
            bits += 8;
        }
        if self.has(Self::ESCAPE) {
            word |= 0x0f << bits;
            bits += 8;
        }
        (word | u64::from(self.0 & 0xff) << bits, bits + 8)
    }
}

/// The byte that says which registers, or how long a distance is.
fn mod_rm(kind: u64, reg: u8, rm: u8) -> u64 {
    kind << 6 | u64::from(reg & 7) << 3 | u64::from(rm & 7)
}

impl Code {
    /// Bytes so far.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// All bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// Starts with nothing.
    pub(super) fn clear(&mut self) {
        self.len = 0;
    }

    /// Appends the low `n` bytes of a word, at most [`CHUNK`].
    #[inline(always)]
    pub(super) fn put(&mut self, word: u64, n: usize) {
        let at = self.len;
        if at + CHUNK > self.bytes.len() {
            self.make_room();
        }
        self.bytes[at..at + CHUNK].copy_from_slice(&word.to_le_bytes());
        self.len = at + n;
    }

    #[cold]
    fn make_room(&mut self) {
        let size = (2 * self.bytes.len()).max(1 << 14);
        self.bytes.resize(size, 0);
    }

    /// Appends bytes.
    pub(super) fn data(&mut self, data: &[u8]) {
        for chunk in data.chunks(CHUNK) {
            let mut word = [0; CHUNK];
            word[..chunk.len()].copy_from_slice(chunk);
            self.put(u64::from_le_bytes(word), chunk.len());
        }
    }

    /// Replaces the four bytes at an offset.
    pub(super) fn patch(&mut self, at: usize, bytes: u32) {
        self.bytes[at..at + 4].copy_from_slice(&bytes.to_le_bytes());
    }

    /// Appends a signed byte.
    pub(super) fn imm8(&mut self, imm: i8) {
        self.put(imm.cast_unsigned().into(), 1);
    }

    /// Appends four bytes.
    pub(super) fn imm32(&mut self, imm: u32) {
        self.put(imm.into(), 4);
    }

    /// An instruction with the register `reg`, or an extension of the opcode, and the register `rm`.
    pub(super) fn reg_reg(&mut self, op: Opcode, reg: u8, rm: Reg) {
        let rm = rm.number();
        let above_3 = op.has(Opcode::BYTE_REG) && reg > 3 || op.has(Opcode::BYTE_RM) && rm > 3;
        let (start, bits) = op.start(u64::from(reg >> 3) << 2 | u64::from(rm >> 3), above_3);
        self.put(start | mod_rm(3, reg, rm) << bits, (bits / 8 + 1) as usize);
    }

    /// An instruction with the register `reg`, or an extension of the opcode, and an operand in
    /// memory.
    pub(super) fn reg_mem(&mut self, op: Opcode, reg: u8, mem: Mem) {
        const SIB_FOLLOWS: u8 = 4;
        const NEEDS_OFFSET: u8 = 5;
        const NO_INDEX: u64 = 0x20;
        let base = mem.base.number();
        let above_3 = op.has(Opcode::BYTE_REG) && reg > 3;
        let (mut word, mut bits) = op.start(u64::from(reg >> 3) << 2 | u64::from(base >> 3), above_3);
        let short = i8::try_from(mem.offset);
        let kind = match short {
            Ok(0) if base & 7 != NEEDS_OFFSET => 0,
            Ok(_) => 1,
            Err(_) => 2,
        };
        word |= mod_rm(kind, reg, base) << bits;
        bits += 8;
        if base & 7 == SIB_FOLLOWS {
            word |= (NO_INDEX | u64::from(base & 7)) << bits;
            bits += 8;
        }
        self.put(word, (bits / 8) as usize);
        match (kind, short) {
            (0, _) => {}
            (_, Ok(offset)) => self.imm8(offset),
            (_, Err(_)) => self.imm32(mem.offset.cast_unsigned()),
        }
    }

    /// An instruction with the register `reg` and an operand in memory, whose distance from behind
    /// the instruction follows, in four bytes.
    pub(super) fn reg_behind(&mut self, op: Opcode, reg: u8) {
        let (start, bits) = op.start(u64::from(reg >> 3) << 2, false);
        self.put(start | mod_rm(0, reg, 5) << bits, (bits / 8 + 1) as usize);
    }

    /// An instruction with a register in its opcode.
    pub(super) fn reg(&mut self, op: Opcode, reg: Reg) {
        let reg = reg.number();
        let (start, bits) = op.start(u64::from(reg >> 3), false);
        self.put(start | u64::from(reg & 7) << (bits - 8), (bits / 8) as usize);
    }

    /// An instruction without operands.
    pub(super) fn plain(&mut self, op: Opcode) {
        let (start, bits) = op.start(0, false);
        self.put(start, (bits / 8) as usize);
    }
}

impl CodeSink for Code {
    fn put1(&mut self, byte: u8) {
        self.put(byte.into(), 1);
    }
    fn put2(&mut self, bytes: u16) {
        self.put(bytes.into(), 2);
    }
    fn put4(&mut self, bytes: u32) {
        self.put(bytes.into(), 4);
    }
    fn put8(&mut self, bytes: u64) {
        self.put(bytes, 8);
    }
    fn add_trap(&mut self, _code: TrapCode) {}
    fn use_target(&mut self, _target: DeferredTarget) {}
    fn known_offset(&self, _offset: KnownOffset) -> i32 {
        0
    }
}

#[cfg(test)]
mod tests;
