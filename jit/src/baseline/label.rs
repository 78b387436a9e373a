//! Jumps and labels of the assembler, and the end of its work.

use cranelift_assembler_x64::{Amode, DeferredTarget, GprMem, inst};
use riscope_core::addr::PageOffset;

use super::assembler::{Assembler, Label, UNBOUND, encode, position};
use super::operand::{Condition, Mem, Reg, Regs, Source};
use crate::code::{Code, Crossing, DISTANCE_ALIGN, Link};

impl Assembler {
    /// Pushes a register or eight bytes of memory.
    pub(super) fn push(&mut self, source: Source) {
        match source {
            Source::Reg(s) => encode!(self, pushq_o, s),
            Source::Mem(m) => encode!(self, pushq_m, GprMem::Mem(m.into())),
            Source::Imm(imm) => inst::pushq_i32::new(imm).encode(&mut self.code),
        }
    }

    /// Returns.
    pub(super) fn ret(&mut self) {
        inst::retq_zo::new().encode(&mut self.code);
    }

    /// Calls the function whose address is at `m`.
    pub(super) fn call_at(&mut self, m: Mem) {
        encode!(self, callq_m, GprMem::Mem(m.into()));
    }

    /// Calls the function whose address is in a register.
    pub(super) fn call_to(&mut self, address: Reg) {
        encode!(self, callq_m, GprMem::Gpr(address));
    }

    /// Jumps to the address at `m`.
    pub(super) fn jump_at(&mut self, m: Mem) {
        encode!(self, jmpq_m, GprMem::Mem(m.into()));
    }

    /// Jumps to the address in a register.
    pub(super) fn jump_to(&mut self, address: Reg) {
        encode!(self, jmpq_m, GprMem::Gpr(address));
    }

    /// Jumps to other code of the page, which is linked to this.
    pub(super) fn jump_linked(&mut self, target: PageOffset) {
        self.align_distance();
        inst::jmp_d32::new(0).encode(&mut self.code);
        self.link(target);
    }

    /// Calls other code of the page, which is linked to this.
    pub(super) fn call_linked(&mut self, target: PageOffset) {
        self.align_distance();
        inst::callq_d::new(0).encode(&mut self.code);
        self.link(target);
    }

    fn link(&mut self, target: PageOffset) {
        self.links.push(Link { at: self.len() - 4, target });
    }

    /// Aligns the distance of the jump that follows, which is behind one byte.
    fn align_distance(&mut self) {
        const NOPS: [&[u8]; DISTANCE_ALIGN] = [&[], &[0x90], &[0x66, 0x90], &[0x0f, 0x1f, 0x00]];
        let start = if self.cold == UNBOUND { 0 } else { self.cold as usize };
        self.data(NOPS[(start.wrapping_sub(self.len() + 1)) % DISTANCE_ALIGN]);
    }

    /// Jumps to a label.
    pub(super) fn jump(&mut self, label: Label) {
        inst::jmp_d32::new(0).encode(&mut self.code);
        self.use_label(label);
    }

    /// Calls a label.
    pub(super) fn call(&mut self, label: Label) {
        inst::callq_d::new(0).encode(&mut self.code);
        self.use_label(label);
    }

    /// Jumps to a label if the condition holds.
    pub(super) fn jump_if(&mut self, condition: Condition, label: Label) {
        match condition {
            Condition::Equal => inst::je_d32::new(0).encode(&mut self.code),
            Condition::NotEqual => inst::jne_d32::new(0).encode(&mut self.code),
            Condition::Less => inst::jl_d32::new(0).encode(&mut self.code),
            Condition::GreaterEqual => inst::jge_d32::new(0).encode(&mut self.code),
            Condition::Below => inst::jb_d32::new(0).encode(&mut self.code),
            Condition::AboveEqual => inst::jae_d32::new(0).encode(&mut self.code),
        }
        self.use_label(label);
    }

    /// `d` = the address of a label.
    pub(super) fn lea_label(&mut self, d: Reg, label: Label) {
        encode!(self, leaq_rm, d, Amode::RipRelative { target: DeferredTarget::None });
        self.use_label(label);
    }

    /// Bytes that are no code.
    pub(super) fn data(&mut self, bytes: &[u8]) {
        self.code.0.extend_from_slice(bytes);
    }

    /// Bytes so far.
    pub(super) fn len(&self) -> usize {
        self.code.0.len()
    }

    /// A label that is not bound yet.
    pub(super) fn label(&mut self) -> Label {
        self.labels.push(UNBOUND);
        Label(position(self.labels.len() - 1))
    }

    /// The label is here.
    pub(super) fn bind(&mut self, label: Label) {
        self.labels[label.0 as usize] = position(self.len());
    }

    fn use_label(&mut self, label: Label) {
        self.uses.push((position(self.len() - 4), label));
    }

    /// Starts with nothing.
    pub(super) fn clear(&mut self) {
        self.code.0.clear();
        self.labels.clear();
        self.uses.clear();
        self.crossings.clear();
        self.links.clear();
        self.cold = UNBOUND;
    }

    /// Here the second part starts, which may be placed anywhere within 2 GiB of the first.
    pub(super) fn start_cold_part(&mut self) {
        self.cold = position(self.len());
    }

    /// The code, every jump within a part at its target.
    pub(super) fn finish(&mut self) -> Code<'_> {
        for (at, label) in self.uses.drain(..) {
            let target = self.labels[label.0 as usize];
            debug_assert_ne!(target, UNBOUND);
            if (at < self.cold) != (target < self.cold) {
                self.crossings.push(Crossing { at: at as usize, target: target as usize });
                continue;
            }
            let at = at as usize;
            let distance = target.wrapping_sub(position(at + 4));
            self.code.0[at..at + 4].copy_from_slice(&distance.to_le_bytes());
        }
        Code { bytes: &self.code.0, cold: self.cold as usize, crossings: &self.crossings, links: &self.links }
    }
}
