//! x86-64 instructions, as far as templates need them, and jumps whose targets come later.
//!
//! Encodings are `cranelift-assembler-x64`'s. A register that a template names is 64 bits
//! wide; [`Width`] says how much of it an operation works on.

use cranelift_assembler_x64::{Amode, CodeSink, DeferredTarget, Fixed, GprMem, KnownOffset, TrapCode, inst};

use super::operand::{Condition, Mem, Reg, Regs, Source, Width, indexed};
use crate::code::{Crossing, Link};

/// Host bytes of one fragment.
#[derive(Debug, Default)]
pub(super) struct Code(pub(super) Vec<u8>);

impl CodeSink for Code {
    #[inline]
    fn put1(&mut self, byte: u8) {
        self.0.push(byte);
    }
    #[inline]
    fn put2(&mut self, bytes: u16) {
        self.0.extend_from_slice(&bytes.to_le_bytes());
    }
    #[inline]
    fn put4(&mut self, bytes: u32) {
        self.0.extend_from_slice(&bytes.to_le_bytes());
    }
    #[inline]
    fn put8(&mut self, bytes: u64) {
        self.0.extend_from_slice(&bytes.to_le_bytes());
    }
    fn add_trap(&mut self, _code: TrapCode) {}
    fn use_target(&mut self, _target: DeferredTarget) {}
    fn known_offset(&self, _offset: KnownOffset) -> i32 {
        0
    }
}

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

macro_rules! encode {
    ($self:ident, $name:ident, $($operand:expr),*) => {
        inst::$name::<Regs>::new($($operand),*).encode(&mut $self.code)
    };
}
pub(super) use encode;

/// `op d, source` in both widths.
macro_rules! two_operands {
    ($($(#[$doc:meta])* $name:ident: $q_rm:ident $l_rm:ident $q_i8:ident $l_i8:ident $q_i32:ident $l_i32:ident;)*) => {
        $($(#[$doc])*
        pub(super) fn $name(&mut self, width: Width, d: Reg, source: impl Into<Source>) {
            match (width, source.into()) {
                (Width::Double, Source::Reg(s)) => encode!(self, $q_rm, d, GprMem::Gpr(s)),
                (Width::Word, Source::Reg(s)) => encode!(self, $l_rm, d, GprMem::Gpr(s)),
                (Width::Double, Source::Mem(m)) => encode!(self, $q_rm, d, GprMem::Mem(m.into())),
                (Width::Word, Source::Mem(m)) => encode!(self, $l_rm, d, GprMem::Mem(m.into())),
                (Width::Double, Source::Imm(imm)) => match i8::try_from(imm) {
                    Ok(imm) => encode!(self, $q_i8, GprMem::Gpr(d), imm),
                    Err(_) => encode!(self, $q_i32, GprMem::Gpr(d), imm),
                },
                (Width::Word, Source::Imm(imm)) => match i8::try_from(imm) {
                    Ok(imm) => encode!(self, $l_i8, GprMem::Gpr(d), imm),
                    Err(_) => encode!(self, $l_i32, GprMem::Gpr(d), imm),
                },
            }
        })*
    };
}

/// Shifts and rotations by a constant and by the low bits of `rcx`.
macro_rules! shifts {
    ($($name:ident $by_cl:ident: $q_i:ident $l_i:ident $q_c:ident $l_c:ident;)*) => {
        $(pub(super) fn $name(&mut self, width: Width, d: Reg, amount: u8) {
            match width {
                Width::Double => encode!(self, $q_i, GprMem::Gpr(d), amount),
                Width::Word => encode!(self, $l_i, GprMem::Gpr(d), amount),
            }
        }
        pub(super) fn $by_cl(&mut self, width: Width, d: Reg) {
            match width {
                Width::Double => encode!(self, $q_c, GprMem::Gpr(d), Fixed(Reg::RCX)),
                Width::Word => encode!(self, $l_c, GprMem::Gpr(d), Fixed(Reg::RCX)),
            }
        })*
    };
}

impl Assembler {
    two_operands! {
        add: addq_rm addl_rm addq_mi_sxb addl_mi_sxb addq_mi_sxl addl_mi;
        sub: subq_rm subl_rm subq_mi_sxb subl_mi_sxb subq_mi_sxl subl_mi;
        and: andq_rm andl_rm andq_mi_sxb andl_mi_sxb andq_mi_sxl andl_mi;
        or: orq_rm orl_rm orq_mi_sxb orl_mi_sxb orq_mi_sxl orl_mi;
        xor: xorq_rm xorl_rm xorq_mi_sxb xorl_mi_sxb xorq_mi_sxl xorl_mi;
        cmp: cmpq_rm cmpl_rm cmpq_mi_sxb cmpl_mi_sxb cmpq_mi cmpl_mi;
    }

    shifts! {
        shl shl_cl: shlq_mi shll_mi shlq_mc shll_mc;
        shr shr_cl: shrq_mi shrl_mi shrq_mc shrl_mc;
        sar sar_cl: sarq_mi sarl_mi sarq_mc sarl_mc;
        ror ror_cl: rorq_mi rorl_mi rorq_mc rorl_mc;
    }

    pub(super) fn rol_cl(&mut self, width: Width, d: Reg) {
        match width {
            Width::Double => encode!(self, rolq_mc, GprMem::Gpr(d), Fixed(Reg::RCX)),
            Width::Word => encode!(self, roll_mc, GprMem::Gpr(d), Fixed(Reg::RCX)),
        }
    }

    /// `d = source`; nothing if that is the same register.
    pub(super) fn mov(&mut self, d: Reg, source: impl Into<Source>) {
        match source.into() {
            Source::Reg(s) if s == d => {}
            Source::Reg(s) => encode!(self, movq_rm, d, GprMem::Gpr(s)),
            Source::Mem(m) => encode!(self, movq_rm, d, GprMem::Mem(m.into())),
            Source::Imm(0) => encode!(self, xorl_rm, d, GprMem::Gpr(d)),
            Source::Imm(imm) if imm > 0 => self.mov_low(d, imm.cast_unsigned()),
            Source::Imm(imm) => encode!(self, movq_mi_sxl, GprMem::Gpr(d), imm),
        }
    }

    /// `d = imm`, zero-extended.
    pub(super) fn mov_low(&mut self, d: Reg, imm: u32) {
        encode!(self, movl_oi, d, imm);
    }

    /// `d = imm`, all 64 bits of it.
    pub(super) fn mov_wide(&mut self, d: Reg, imm: u64) {
        encode!(self, movabsq_oi, d, imm);
    }

    /// `d = source`, the low half, zero-extended.
    pub(super) fn mov_word(&mut self, d: Reg, source: Reg) {
        encode!(self, movl_rm, d, GprMem::Gpr(source));
    }

    /// `[m] = source`, 8 bytes.
    pub(super) fn store(&mut self, m: Mem, source: Reg) {
        encode!(self, movq_mr, GprMem::Mem(m.into()), source);
    }

    /// `[m] = source`, its low 1, 2, 4 or 8 bytes.
    pub(super) fn store_sized(&mut self, m: Mem, source: Reg, bytes: u8) {
        let m = GprMem::Mem(m.into());
        match bytes {
            1 => encode!(self, movb_mr, m, source),
            2 => encode!(self, movw_mr, m, source),
            4 => encode!(self, movl_mr, m, source),
            _ => encode!(self, movq_mr, m, source),
        }
    }

    /// `[m] = 0`, 1, 2, 4 or 8 bytes.
    pub(super) fn store_zero(&mut self, m: Mem, bytes: u8) {
        let m = GprMem::Mem(m.into());
        match bytes {
            1 => encode!(self, movb_mi, m, 0),
            2 => encode!(self, movw_mi, m, 0),
            4 => encode!(self, movl_mi, m, 0u32),
            _ => encode!(self, movq_mi_sxl, m, 0),
        }
    }

    /// `d = [m]`, 1, 2, 4 or 8 bytes, sign- or zero-extended.
    pub(super) fn load_sized(&mut self, d: Reg, m: Mem, bytes: u8, signed: bool) {
        self.extend(d, GprMem::Mem(m.into()), bytes, signed);
    }

    /// `d` = the low 1, 2 or 4 bytes of `source`, sign- or zero-extended.
    pub(super) fn extend_reg(&mut self, d: Reg, source: Reg, bytes: u8, signed: bool) {
        self.extend(d, GprMem::Gpr(source), bytes, signed);
    }

    fn extend(&mut self, d: Reg, source: GprMem<Reg, Reg>, bytes: u8, signed: bool) {
        match (bytes, signed) {
            (1, false) => encode!(self, movzbl_rm, d, source),
            (1, true) => encode!(self, movsbq_rm, d, source),
            (2, false) => encode!(self, movzwl_rm, d, source),
            (2, true) => encode!(self, movswq_rm, d, source),
            (4, false) => encode!(self, movl_rm, d, source),
            (4, true) => encode!(self, movslq_rm, d, source),
            _ => encode!(self, movq_rm, d, source),
        }
    }

    /// `d` = the low half of `source`, sign-extended.
    pub(super) fn sign_extend_word(&mut self, d: Reg, source: impl Into<Source>) {
        match source.into() {
            Source::Reg(s) => encode!(self, movslq_rm, d, GprMem::Gpr(s)),
            Source::Mem(m) => encode!(self, movslq_rm, d, GprMem::Mem(m.into())),
            Source::Imm(imm) => self.mov(d, imm),
        }
    }

    /// `d = base + offset`
    pub(super) fn lea(&mut self, width: Width, d: Reg, base: Reg, offset: i32) {
        let mem = Amode::from(Mem { base, offset });
        match width {
            Width::Double => encode!(self, leaq_rm, d, mem),
            Width::Word => encode!(self, leal_rm, d, mem),
        }
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
        match width {
            Width::Double => encode!(self, imulq_rm, d, GprMem::Gpr(source)),
            Width::Word => encode!(self, imull_rm, d, GprMem::Gpr(source)),
        }
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
        match width {
            Width::Double => encode!(self, negq_m, GprMem::Gpr(d)),
            Width::Word => encode!(self, negl_m, GprMem::Gpr(d)),
        }
    }

    pub(super) fn not(&mut self, d: Reg) {
        encode!(self, notq_m, GprMem::Gpr(d));
    }

    /// Reverses the bytes of a register.
    pub(super) fn swap_bytes(&mut self, d: Reg) {
        encode!(self, bswapq_o, d);
    }

    /// Sets flags by `a & b`.
    pub(super) fn test(&mut self, width: Width, a: Reg, b: Reg) {
        match width {
            Width::Double => encode!(self, testq_mr, GprMem::Gpr(a), b),
            Width::Word => encode!(self, testl_mr, GprMem::Gpr(a), b),
        }
    }

    /// `d = source` if the condition holds.
    pub(super) fn mov_if(&mut self, condition: Condition, d: Reg, source: Reg) {
        let source = GprMem::Gpr(source);
        match condition {
            Condition::Equal => encode!(self, cmoveq_rm, d, source),
            Condition::NotEqual => encode!(self, cmovneq_rm, d, source),
            Condition::Less => encode!(self, cmovlq_rm, d, source),
            Condition::GreaterEqual => encode!(self, cmovgeq_rm, d, source),
            Condition::Below => encode!(self, cmovbq_rm, d, source),
            Condition::AboveEqual => encode!(self, cmovaeq_rm, d, source),
        }
    }

    /// The low byte of `d` = 1 if the condition holds, else 0.
    pub(super) fn set_if(&mut self, condition: Condition, d: Reg) {
        let d = GprMem::Gpr(d);
        match condition {
            Condition::Equal => encode!(self, sete_m, d),
            Condition::NotEqual => encode!(self, setne_m, d),
            Condition::Less => encode!(self, setl_m, d),
            Condition::GreaterEqual => encode!(self, setge_m, d),
            Condition::Below => encode!(self, setb_m, d),
            Condition::AboveEqual => encode!(self, setae_m, d),
        }
    }

    /// Compares the eight bytes at `m`.
    pub(super) fn compare_with(&mut self, m: Mem, imm: i8) {
        encode!(self, cmpq_mi_sxb, GprMem::Mem(m.into()), imm);
    }

    /// Subtracts from the eight bytes at `m`.
    pub(super) fn subtract_from(&mut self, m: Mem, imm: i8) {
        encode!(self, subq_mi_sxb, GprMem::Mem(m.into()), imm);
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
