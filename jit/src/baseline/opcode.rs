//! Host bytes, and the encoding of the instructions that templates use most: opcode, registers and
//! operand in memory, as `cranelift-assembler-x64` has them. One function serves them all, so
//! that it stays in the host's caches between two translations.

use cranelift_assembler_x64::{CodeSink, DeferredTarget, KnownOffset, TrapCode};

use super::operand::{Condition, Mem, Reg, Width};

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
pub(super) struct Opcode {
    /// Prefixes and opcode, with the prefix that has the upper bits of register numbers.
    extended: u32,
    /// The same without that prefix.
    plain: u32,
    /// Bytes of the longer form.
    len: u8,
    flags: u8,
}

impl Opcode {
    const WIDE: u8 = 1;
    const BYTE_REG: u8 = 2;
    const BYTE_RM: u8 = 4;
    /// Also the place of the prefix in the longer form: it is the second one.
    const HALFWORD: u8 = 8;

    const PREFIX: u32 = 0x40;

    /// An opcode of one byte, on 32 bits.
    pub(super) const fn one(code: u8) -> Self {
        Self { extended: Self::PREFIX | (code as u32) << 8, plain: code as u32, len: 2, flags: 0 }
    }

    /// An opcode of two bytes, the first of them `0f`, on 32 bits.
    pub(super) const fn two(code: u8) -> Self {
        let plain = 0x0f | (code as u32) << 8;
        Self { extended: Self::PREFIX | plain << 8, plain, len: 3, flags: 0 }
    }

    /// A jump under a condition.
    pub(super) const fn jump_if(condition: Condition) -> Self {
        Self::two(0x80 | condition.code())
    }

    /// The same on 64 bits.
    pub(super) const fn wide(self) -> Self {
        Self { extended: self.extended | 8, flags: self.flags | Self::WIDE, ..self }
    }

    /// The same on 16 bits.
    pub(super) const fn halfword(self) -> Self {
        Self {
            extended: 0x66 | self.extended << 8,
            plain: 0x66 | self.plain << 8,
            len: self.len + 1,
            flags: self.flags | Self::HALFWORD,
        }
    }

    /// The same with a register that has 8 bits.
    pub(super) const fn byte_reg(self) -> Self {
        Self { flags: self.flags | Self::BYTE_REG, ..self }
    }

    /// The same with an operand in a register or in memory that has 8 bits.
    pub(super) const fn byte_rm(self) -> Self {
        Self { flags: self.flags | Self::BYTE_RM, ..self }
    }

    /// The same on as many bits.
    pub(super) const fn on(self, width: Width) -> Self {
        match width {
            Width::Double => self.wide(),
            Width::Word => self,
        }
    }

    const fn has(self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Prefixes and opcode; `extended` are the upper bits of register numbers as the prefix has
    /// them.
    const fn start(self, extended: u8, bytes_above_3: bool) -> Bytes {
        if extended != 0 || bytes_above_3 || self.has(Self::WIDE) {
            let word = self.extended as u64 | (extended as u64) << (self.flags & Self::HALFWORD);
            Bytes { word, len: self.len }
        } else {
            Bytes { word: self.plain as u64, len: self.len - 1 }
        }
    }
}

/// Some bytes of code, at most [`CHUNK`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Bytes {
    pub(super) word: u64,
    pub(super) len: u8,
}

impl Bytes {
    /// With the low bytes of a word behind them.
    #[inline(always)]
    const fn then(self, word: u64, len: u8) -> Self {
        Self { word: self.word | word << (8 * self.len), len: self.len + len }
    }

    /// With an immediate behind them.
    #[inline(always)]
    pub(super) const fn imm8(self, imm: i8) -> Self {
        self.then(imm.cast_unsigned() as u64, 1)
    }

    /// With an immediate behind them.
    #[inline(always)]
    pub(super) const fn imm32(self, imm: u32) -> Self {
        self.then(imm as u64, 4)
    }

    /// An instruction with the register `reg`, or an extension of the opcode, and the register `rm`.
    #[inline(always)]
    pub(super) const fn reg_reg(op: Opcode, reg: u8, rm: Reg) -> Self {
        let rm = rm.number();
        let above_3 = op.has(Opcode::BYTE_REG) && reg > 3 || op.has(Opcode::BYTE_RM) && rm > 3;
        op.start(reg >> 3 << 2 | rm >> 3, above_3).then(mod_rm(3, reg, rm), 1)
    }

    /// An instruction with the register `reg`, or an extension of the opcode, and an operand in
    /// memory; without its distance if that is too long.
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "checked")]
    pub(super) const fn reg_mem(op: Opcode, reg: u8, mem: Mem) -> (Self, bool) {
        const SIB_FOLLOWS: u8 = 4;
        const NEEDS_OFFSET: u8 = 5;
        const NO_INDEX: u64 = 0x24;
        let base = mem.base.number();
        let above_3 = op.has(Opcode::BYTE_REG) && reg > 3;
        let start = op.start(reg >> 3 << 2 | base >> 3, above_3);
        let short = mem.offset as i8;
        let is_long = short as i32 != mem.offset;
        let kind = if is_long { 2 } else { (short != 0 || base & 7 == NEEDS_OFFSET) as u64 };
        let mut bytes = start.then(mod_rm(kind, reg, base), 1);
        if base & 7 == SIB_FOLLOWS {
            bytes = bytes.then(NO_INDEX, 1);
        }
        // What is too much in the last byte is overwritten.
        bytes = Self { len: bytes.len + (kind == 1) as u8, ..bytes.then(short.cast_unsigned() as u64, 0) };
        (bytes, is_long)
    }

    /// An instruction with the register `reg` and an operand in memory, whose distance from behind
    /// the instruction follows, in four bytes.
    #[inline(always)]
    pub(super) const fn reg_behind(op: Opcode, reg: u8) -> Self {
        op.start(reg >> 3 << 2, false).then(mod_rm(0, reg, 5), 1)
    }

    /// An instruction with a register in its opcode.
    #[inline(always)]
    pub(super) const fn reg(op: Opcode, reg: Reg) -> Self {
        let reg = reg.number();
        let Self { word, len } = op.start(reg >> 3, false);
        Self { word: word | ((reg & 7) as u64) << (8 * (len - 1)), len }
    }

    /// An instruction without operands.
    #[inline(always)]
    pub(super) const fn plain(op: Opcode) -> Self {
        op.start(0, false)
    }
}

/// The byte that says which registers, or how long a distance is.
#[inline(always)]
const fn mod_rm(kind: u64, reg: u8, rm: u8) -> u64 {
    kind << 6 | ((reg & 7) as u64) << 3 | (rm & 7) as u64
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

    /// Appends bytes.
    #[inline(always)]
    pub(super) fn put(&mut self, Bytes { word, len }: Bytes) {
        self.append(word.to_le_bytes(), len.into());
    }

    /// Appends the first `len` of `N` bytes.
    #[inline(always)]
    pub(super) fn append<const N: usize>(&mut self, bytes: [u8; N], len: usize) {
        let room = self.bytes.get_mut(self.len..).and_then(<[u8]>::first_chunk_mut);
        match room {
            Some(room) => *room = bytes,
            None => self.append_slowly(&bytes),
        }
        self.len += len;
    }

    #[cold]
    fn append_slowly(&mut self, bytes: &[u8]) {
        let size = (2 * self.bytes.len()).max(1 << 14);
        self.bytes.resize(size, 0);
        self.bytes[self.len..self.len + bytes.len()].copy_from_slice(bytes);
    }

    /// Appends bytes.
    pub(super) fn data(&mut self, data: &[u8]) {
        for chunk in data.chunks(CHUNK) {
            let mut word = [0; CHUNK];
            word[..chunk.len()].copy_from_slice(chunk);
            self.append(word, chunk.len());
        }
    }

    /// Replaces the four bytes at an offset.
    pub(super) fn patch(&mut self, at: usize, bytes: u32) {
        if let Some(place) = self.bytes.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
            *place = bytes.to_le_bytes();
        }
    }

    /// An instruction with the register `reg`, or an extension of the opcode, and the register `rm`.
    pub(super) fn reg_reg(&mut self, op: Opcode, reg: u8, rm: Reg) {
        self.put(Bytes::reg_reg(op, reg, rm));
    }

    /// An instruction with the register `reg`, or an extension of the opcode, and an operand in
    /// memory.
    pub(super) fn reg_mem(&mut self, op: Opcode, reg: u8, mem: Mem) {
        self.known_reg_mem(op, reg, mem);
    }

    /// The same in the caller's code, which knows the opcode.
    #[inline(always)]
    pub(super) fn known_reg_mem(&mut self, op: Opcode, reg: u8, mem: Mem) {
        let (bytes, is_long) = Bytes::reg_mem(op, reg, mem);
        self.put(bytes);
        if is_long {
            self.append(mem.offset.to_le_bytes(), 4);
        }
    }

    /// The same with an immediate behind it.
    #[inline(always)]
    pub(super) fn reg_mem_imm8(&mut self, op: Opcode, reg: u8, mem: Mem, imm: i8) {
        let (bytes, is_long) = Bytes::reg_mem(op, reg, mem);
        if is_long {
            self.put(bytes);
            self.append(mem.offset.to_le_bytes(), 4);
            self.append(imm.to_le_bytes(), 1);
        } else {
            self.put(bytes.imm8(imm));
        }
    }

    /// Appends the low bytes of an immediate.
    pub(super) fn imm(&mut self, imm: u64, bytes: usize) {
        self.append(imm.to_le_bytes(), bytes);
    }
}

impl CodeSink for Code {
    fn put1(&mut self, byte: u8) {
        self.append([byte], 1);
    }
    fn put2(&mut self, bytes: u16) {
        self.append(bytes.to_le_bytes(), 2);
    }
    fn put4(&mut self, bytes: u32) {
        self.append(bytes.to_le_bytes(), 4);
    }
    fn put8(&mut self, bytes: u64) {
        self.append(bytes.to_le_bytes(), 8);
    }
    fn add_trap(&mut self, _code: TrapCode) {}
    fn use_target(&mut self, _target: DeferredTarget) {}
    fn known_offset(&self, _offset: KnownOffset) -> i32 {
        0
    }
}

#[cfg(test)]
mod tests;
