//! x86-64 instructions, as far as templates need them, and jumps whose targets come later.
//!
//! Encodings are those of [`Code`], or `cranelift-assembler-x64`'s for what is rare. A register that a template names is 64 bits
//! wide; [`Width`] says how much of it an operation works on.

use cranelift_assembler_x64::{Fixed, GprMem, TrapCode, inst};

use super::opcode::{Bytes, Code, Opcode};
use super::operand::{Condition, Mem, Reg, Regs, Source, Width, indexed};
use crate::code::{Crossing, Link};

/// A place in the code that is jumped to, perhaps before it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Label(pub(super) u32);

pub(super) const UNBOUND: u32 = u32::MAX;

/// Assembles the code of one fragment at a time, into buffers that are kept.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    pub(super) code: Code,
    /// Where each label is.
    pub(super) labels: Vec<u32>,
    /// Offsets of four bytes that become the distance from behind them to a label.
    pub(super) uses: Vec<(u32, Label)>,
    /// Where the second part starts.
    pub(super) cold: u32,
    pub(super) crossings: Vec<Crossing>,
    pub(super) links: Vec<Link>,
}

/// `mov` from a register or memory, and that of an immediate.
const LOAD: Opcode = Opcode::one(0x8b);
const STORE_IMM: Opcode = Opcode::one(0xc7);

/// `mov` of so many bytes, extended to 64 bits.
fn extending(bytes: u8, signed: bool) -> Opcode {
    match (bytes, signed) {
        (1, false) => Opcode::two(0xb6).byte_rm(),
        (1, true) => Opcode::two(0xbe).byte_rm().wide(),
        (2, false) => Opcode::two(0xb7),
        (2, true) => Opcode::two(0xbf).wide(),
        (4, false) => LOAD,
        (4, true) => Opcode::one(0x63).wide(),
        _ => LOAD.wide(),
    }
}

/// An instruction by the library.
macro_rules! encode {
    ($self:ident, $name:ident, $($operand:expr),*) => {
        inst::$name::<Regs>::new($($operand),*).encode(&mut $self.code)
    };
}
pub(super) use encode;

/// `op d, source`, by the number of the operation.
macro_rules! two_operands {
    ($($name:ident: $number:literal;)*) => {
        $(pub(super) fn $name(&mut self, width: Width, d: Reg, source: impl Into<Source>) {
            self.two_operands($number, width, d, source.into());
        })*
    };
}

/// Shifts and rotations by a constant and by the low bits of `rcx`, by the number of the operation.
macro_rules! shifts {
    ($($name:ident $by_cl:ident: $number:literal;)*) => {
        $(pub(super) fn $name(&mut self, width: Width, d: Reg, amount: u8) {
            let shift = Bytes::reg_reg(Opcode::one(0xc1).on(width), $number, d);
            self.code.put(shift.imm8(amount.cast_signed()));
        }
        pub(super) fn $by_cl(&mut self, width: Width, d: Reg) {
            self.code.reg_reg(Opcode::one(0xd3).on(width), $number, d);
        })*
    };
}

impl Assembler {
    two_operands! {
        add: 0;
        or: 1;
        and: 4;
        sub: 5;
        xor: 6;
        cmp: 7;
    }

    fn two_operands(&mut self, number: u8, width: Width, d: Reg, source: Source) {
        let op = Opcode::one(number << 3 | 3).on(width);
        match source {
            Source::Reg(s) => self.code.reg_reg(op, d.number(), s),
            Source::Mem(m) => self.code.reg_mem(op, d.number(), m),
            Source::Imm(imm) => match i8::try_from(imm) {
                Ok(imm) => self.code.put(Bytes::reg_reg(Opcode::one(0x83).on(width), number, d).imm8(imm)),
                Err(_) => {
                    let operation = Bytes::reg_reg(Opcode::one(0x81).on(width), number, d);
                    self.code.put(operation.imm32(imm.cast_unsigned()));
                }
            },
        }
    }

    shifts! {
        ror ror_cl: 1;
        shl shl_cl: 4;
        shr shr_cl: 5;
        sar sar_cl: 7;
    }

    pub(super) fn rol_cl(&mut self, width: Width, d: Reg) {
        self.code.reg_reg(Opcode::one(0xd3).on(width), 0, d);
    }

    /// `d = source`; nothing if that is the same register.
    pub(super) fn mov(&mut self, d: Reg, source: impl Into<Source>) {
        match source.into() {
            Source::Reg(s) if s == d => {}
            Source::Reg(s) => self.code.reg_reg(LOAD.wide(), d.number(), s),
            Source::Mem(m) => self.code.known_reg_mem(LOAD.wide(), d.number(), m),
            Source::Imm(0) => self.xor(Width::Word, d, d),
            Source::Imm(imm) if imm > 0 => self.mov_low(d, imm.cast_unsigned()),
            Source::Imm(imm) => self.code.put(Bytes::reg_reg(STORE_IMM.wide(), 0, d).imm32(imm.cast_unsigned())),
        }
    }

    /// `d = imm`, zero-extended.
    pub(super) fn mov_low(&mut self, d: Reg, imm: u32) {
        self.code.put(Bytes::reg(Opcode::one(0xb8), d).imm32(imm));
    }

    /// `d = imm`, all 64 bits of it.
    pub(super) fn mov_wide(&mut self, d: Reg, imm: u64) {
        self.code.put(Bytes::reg(Opcode::one(0xb8).wide(), d));
        self.code.imm(imm, 8);
    }

    /// `d = source`, the low half, zero-extended.
    pub(super) fn mov_word(&mut self, d: Reg, source: Reg) {
        self.code.reg_reg(LOAD, d.number(), source);
    }

    /// `[m] = source`, 8 bytes.
    pub(super) fn store(&mut self, m: Mem, source: Reg) {
        self.code.known_reg_mem(Opcode::one(0x89).wide(), source.number(), m);
    }

    /// `[m] = source`, its low 1, 2, 4 or 8 bytes.
    pub(super) fn store_sized(&mut self, m: Mem, source: Reg, bytes: u8) {
        let op = match bytes {
            1 => Opcode::one(0x88).byte_reg(),
            2 => Opcode::one(0x89).halfword(),
            4 => Opcode::one(0x89),
            _ => Opcode::one(0x89).wide(),
        };
        self.code.reg_mem(op, source.number(), m);
    }

    /// `[m] = 0`, 1, 2, 4 or 8 bytes.
    pub(super) fn store_zero(&mut self, m: Mem, bytes: u8) {
        let (op, imm_bytes) = match bytes {
            1 => (Opcode::one(0xc6), 1),
            2 => (STORE_IMM.halfword(), 2),
            4 => (STORE_IMM, 4),
            _ => (STORE_IMM.wide(), 4),
        };
        self.code.reg_mem(op, 0, m);
        self.code.imm(0, imm_bytes);
    }

    /// `d = [m]`, 1, 2, 4 or 8 bytes, sign- or zero-extended.
    pub(super) fn load_sized(&mut self, d: Reg, m: Mem, bytes: u8, signed: bool) {
        self.code.reg_mem(extending(bytes, signed), d.number(), m);
    }

    /// `d` = the low 1, 2 or 4 bytes of `source`, sign- or zero-extended.
    pub(super) fn extend_reg(&mut self, d: Reg, source: Reg, bytes: u8, signed: bool) {
        self.code.reg_reg(extending(bytes, signed), d.number(), source);
    }

    /// `d` = the low half of `source`, sign-extended.
    pub(super) fn sign_extend_word(&mut self, d: Reg, source: impl Into<Source>) {
        match source.into() {
            Source::Reg(s) => self.extend_reg(d, s, 4, true),
            Source::Mem(m) => self.load_sized(d, m, 4, true),
            Source::Imm(imm) => self.mov(d, imm),
        }
    }

    /// `d = base + offset`
    pub(super) fn lea(&mut self, width: Width, d: Reg, base: Reg, offset: i32) {
        self.code.reg_mem(Opcode::one(0x8d).on(width), d.number(), Mem { base, offset });
    }

    /// `d = base + index * 2^shift`
    pub(super) fn lea_indexed(&mut self, width: Width, d: Reg, base: Reg, index: Reg, shift: u8) {
        match width {
            Width::Double => encode!(self, leaq_rm, d, indexed(base, index, shift)),
            Width::Word => encode!(self, leal_rm, d, indexed(base, index, shift)),
        }
    }

    /// `d *= source`
    pub(super) fn imul(&mut self, width: Width, d: Reg, source: Reg) {
        self.code.reg_reg(Opcode::two(0xaf).on(width), d.number(), source);
    }

    /// `rdx:rax = rax * source`
    pub(super) fn multiply_wide(&mut self, source: Reg, signed: bool) {
        let (rax, rdx) = (Fixed(Reg::RAX), Fixed(Reg::RDX));
        if signed {
            encode!(self, imulq_m, rax, rdx, GprMem::Gpr(source));
        } else {
            encode!(self, mulq_m, rax, rdx, GprMem::Gpr(source));
        }
    }

    /// `rax, rdx = rax / source, rax % source`. Traps on the host where the quotient does
    /// not fit and for a divisor of 0.
    pub(super) fn divide(&mut self, width: Width, source: Reg, signed: bool) {
        const NO_TRAP: TrapCode = TrapCode(std::num::NonZeroU8::MIN);
        let (rax, rdx, source) = (Fixed(Reg::RAX), Fixed(Reg::RDX), GprMem::Gpr(source));
        match (width, signed) {
            (Width::Double, true) => {
                encode!(self, cqto_zo, rdx, rax);
                encode!(self, idivq_m, rax, rdx, source, NO_TRAP);
            }
            (Width::Word, true) => {
                encode!(self, cltd_zo, rdx, rax);
                encode!(self, idivl_m, rax, rdx, source, NO_TRAP);
            }
            (Width::Double, false) => {
                self.mov(Reg::RDX, 0);
                encode!(self, divq_m, rax, rdx, source, NO_TRAP);
            }
            (Width::Word, false) => {
                self.mov(Reg::RDX, 0);
                encode!(self, divl_m, rax, rdx, source, NO_TRAP);
            }
        }
    }

    pub(super) fn neg(&mut self, width: Width, d: Reg) {
        self.code.reg_reg(Opcode::one(0xf7).on(width), 3, d);
    }

    pub(super) fn not(&mut self, d: Reg) {
        self.code.reg_reg(Opcode::one(0xf7).wide(), 2, d);
    }

    /// Reverses the bytes of a register.
    pub(super) fn swap_bytes(&mut self, d: Reg) {
        encode!(self, bswapq_o, d);
    }

    /// Sets flags by `a & b`.
    pub(super) fn test(&mut self, width: Width, a: Reg, b: Reg) {
        self.code.reg_reg(Opcode::one(0x85).on(width), b.number(), a);
    }

    /// `d = source` if the condition holds.
    pub(super) fn mov_if(&mut self, condition: Condition, d: Reg, source: Reg) {
        self.code.reg_reg(Opcode::two(0x40 | condition.code()).wide(), d.number(), source);
    }

    /// The low byte of `d` = 1 if the condition holds, else 0.
    pub(super) fn set_if(&mut self, condition: Condition, d: Reg) {
        self.code.reg_reg(Opcode::two(0x90 | condition.code()).byte_rm(), 0, d);
    }

    /// Compares the eight bytes at `m`.
    #[inline(always)]
    pub(super) fn compare_with(&mut self, m: Mem, imm: i8) {
        self.code.reg_mem_imm8(Opcode::one(0x83).wide(), 7, m, imm);
    }

    /// Subtracts from the eight bytes at `m`.
    #[inline(always)]
    pub(super) fn subtract_from(&mut self, m: Mem, imm: i8) {
        self.code.reg_mem_imm8(Opcode::one(0x83).wide(), 5, m, imm);
    }

    /// Lets no load behind it be done before a store in front of it.
    pub(super) fn store_load_fence(&mut self) {
        encode!(self, lock_orl_mi_sxb, Mem { base: Reg::RSP, offset: 0 }, 0);
    }
}

/// An offset in the code of one fragment, which is far smaller than 4 GiB.
#[expect(clippy::cast_possible_truncation, reason = "fragments have a few KiB of code")]
pub(super) fn position(at: usize) -> u32 {
    at as u32
}

#[cfg(test)]
mod tests;
