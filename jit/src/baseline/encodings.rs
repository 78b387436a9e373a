//! x86-64 instructions that few templates need: atomics, counts of bits, blocks of bytes.

use cranelift_assembler_x64::{Fixed, GprMem, XmmMem, inst};

use super::assembler::{Assembler, encode};
use super::operand::{Mem, Reg, Regs, Width, Xmm};

impl Assembler {
    /// Sets flags by the low byte of a register and `imm`; only of `rax`, `rcx`, `rdx` and `rbx`.
    pub(super) fn test_low(&mut self, a: Reg, imm: u8) {
        encode!(self, testb_mi, GprMem::Gpr(a), imm);
    }

    /// Sets flags by the byte at `m` and `imm`.
    pub(super) fn test_byte(&mut self, m: Mem, imm: u8) {
        encode!(self, testb_mi, GprMem::Mem(m.into()), imm);
    }

    /// Adds to the eight bytes at `m`.
    pub(super) fn add_to(&mut self, m: Mem, source: Reg) {
        encode!(self, addq_mr, GprMem::Mem(m.into()), source);
    }

    /// `[m] &= imm`, eight bytes.
    pub(super) fn and_to(&mut self, m: Mem, imm: i8) {
        encode!(self, andq_mi_sxb, GprMem::Mem(m.into()), imm);
    }

    // Atomics

    /// `source, [m] = [m], [m] + source`; of a word, clears the upper half of `source`.
    pub(super) fn exchange_and_add(&mut self, width: Width, m: Mem, source: Reg) {
        match width {
            Width::Double => encode!(self, lock_xaddq_mr, m, source),
            Width::Word => encode!(self, lock_xaddl_mr, m, source),
        }
    }

    /// `source, [m] = [m], source`; of a word, clears the upper half of `source`.
    pub(super) fn exchange(&mut self, width: Width, m: Mem, source: Reg) {
        match width {
            Width::Double => encode!(self, xchgq_rm, source, m),
            Width::Word => encode!(self, xchgl_rm, source, m),
        }
    }

    /// `[m] = source` if that is `rax`; otherwise loads `rax` from there. Sets flags by whether
    /// they were equal.
    pub(super) fn compare_and_exchange(&mut self, width: Width, m: Mem, source: Reg) {
        let rax = Fixed(Reg::RAX);
        match width {
            Width::Double => encode!(self, lock_cmpxchgq_mr, m, source, rax),
            Width::Word => encode!(self, lock_cmpxchgl_mr, m, source, rax),
        }
    }

    // Bits

    /// `d` = the position of the highest bit of `source`, and sets flags by whether there is one.
    pub(super) fn highest_bit(&mut self, width: Width, d: Reg, source: Reg) {
        match width {
            Width::Double => encode!(self, bsrq_rm, d, GprMem::Gpr(source)),
            Width::Word => encode!(self, bsrl_rm, d, GprMem::Gpr(source)),
        }
    }

    /// `d` = the position of the lowest bit of `source`, and sets flags by whether there is one.
    pub(super) fn lowest_bit(&mut self, width: Width, d: Reg, source: Reg) {
        match width {
            Width::Double => encode!(self, bsfq_rm, d, GprMem::Gpr(source)),
            Width::Word => encode!(self, bsfl_rm, d, GprMem::Gpr(source)),
        }
    }

    /// `d` = how many bits of `source` are set. Not every host has it.
    pub(super) fn count_bits(&mut self, width: Width, d: Reg, source: Reg) {
        match width {
            Width::Double => encode!(self, popcntq_rm, d, GprMem::Gpr(source)),
            Width::Word => encode!(self, popcntl_rm, d, GprMem::Gpr(source)),
        }
    }

    // Vectors

    /// `d = 0`
    pub(super) fn clear_vector(&mut self, d: Xmm) {
        encode!(self, pxor_a, d, XmmMem::Xmm(d));
    }

    /// The low half of `d = source`, and the other 0.
    pub(super) fn fill_vector(&mut self, d: Xmm, source: Reg) {
        encode!(self, movq_a, d, GprMem::Gpr(source));
    }

    /// `d` = the low half of `source`
    pub(super) fn take_vector(&mut self, d: Reg, source: Xmm) {
        encode!(self, movq_b, GprMem::Gpr(d), source);
    }

    /// Each byte of `d` = all ones if it equals that of `source`, else 0.
    pub(super) fn equal_bytes(&mut self, d: Xmm, source: Xmm) {
        encode!(self, pcmpeqb_a, d, XmmMem::Xmm(source));
    }

    /// `[m] = source`, 16 bytes, at any alignment.
    pub(super) fn store_vector(&mut self, m: Mem, source: Xmm) {
        encode!(self, movups_b, XmmMem::Mem(m.into()), source);
    }
}
