//! Jumps and labels of the assembler, and the end of its work.

use riscope_core::addr::PageOffset;

use super::assembler::{Assembler, Label, UNBOUND, position};
use super::opcode::{Bytes, Opcode};
use super::operand::{Condition, Mem, Reg, Source};
use super::sequence::Sequence;
use crate::code::{Code, Crossing, DISTANCE_ALIGN, Link};

const CALL: Opcode = Opcode::one(0xe8);
const JUMP: Opcode = Opcode::one(0xe9);

impl Assembler {
    /// Pushes a register or eight bytes of memory.
    pub(super) fn push(&mut self, source: Source) {
        match source {
            Source::Reg(s) => self.code.put(Bytes::reg(Opcode::one(0x50), s)),
            Source::Mem(m) => self.code.reg_mem(Opcode::one(0xff), 6, m),
            Source::Imm(imm) => self.code.put(Bytes::plain(Opcode::one(0x68)).imm32(imm.cast_unsigned())),
        }
    }

    /// Returns.
    pub(super) fn ret(&mut self) {
        self.code.put(Bytes::plain(Opcode::one(0xc3)));
    }

    /// Calls the function whose address is at `m`.
    pub(super) fn call_at(&mut self, m: Mem) {
        self.code.reg_mem(Opcode::one(0xff), 2, m);
    }

    /// Jumps to the address at `m`.
    pub(super) fn jump_at(&mut self, m: Mem) {
        self.code.reg_mem(Opcode::one(0xff), 4, m);
    }

    /// Jumps to other code of the page, which is linked to this.
    pub(super) fn jump_linked(&mut self, target: PageOffset) {
        self.align_distance();
        self.distance(JUMP);
        self.link(target);
    }

    /// Calls other code of the page, which is linked to this.
    pub(super) fn call_linked(&mut self, target: PageOffset) {
        self.align_distance();
        self.distance(CALL);
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
        self.distance(JUMP);
        self.use_label(label);
    }

    /// Calls a label.
    pub(super) fn call(&mut self, label: Label) {
        self.distance(CALL);
        self.use_label(label);
    }

    /// Jumps to a label if the condition holds.
    pub(super) fn jump_if(&mut self, condition: Condition, label: Label) {
        self.distance(Opcode::jump_if(condition));
        self.use_label(label);
    }

    /// Appends some instructions.
    pub(super) fn sequence(&mut self, sequence: &Sequence) {
        self.code.append(sequence.bytes, sequence.len);
    }

    /// Appends some instructions, of which a jump to a label takes the last ones of the first `to`
    /// bytes.
    pub(super) fn sequence_jumping(&mut self, sequence: &Sequence, to: usize, label: Label) {
        self.uses.push((position(self.len() + to - 4), label));
        self.code.append(sequence.bytes, sequence.len);
    }

    /// Calls a label with a constant in `ecx` and jumps to another one.
    pub(super) fn call_and_jump(&mut self, constant: u32, callee: Label, target: Label) {
        const WHOLE: Sequence = Sequence::EMPTY.constant(Reg::RCX).jump(CALL).jump(JUMP);
        let at = self.len();
        self.code.append(WHOLE.bytes, WHOLE.len);
        self.code.patch(at + 1, constant);
        self.uses.push((position(at + 6), callee));
        self.uses.push((position(at + 11), target));
    }

    /// `d` = the address of a label.
    pub(super) fn lea_label(&mut self, d: Reg, label: Label) {
        self.code.put(Bytes::reg_behind(Opcode::one(0x8d).wide(), d.number()).imm32(0));
        self.use_label(label);
    }

    /// Bytes that are no code.
    pub(super) fn data(&mut self, bytes: &[u8]) {
        self.code.data(bytes);
    }

    /// Bytes so far.
    pub(super) fn len(&self) -> usize {
        self.code.len()
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

    /// A jump or call whose distance comes later.
    fn distance(&mut self, op: Opcode) {
        self.code.put(Bytes::plain(op).imm32(0));
    }

    fn use_label(&mut self, label: Label) {
        self.uses.push((position(self.len() - 4), label));
    }

    /// Starts with nothing.
    pub(super) fn clear(&mut self) {
        self.code.clear();
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
            self.code.patch(at, distance);
        }
        Code { bytes: self.code.bytes(), cold: self.cold as usize, crossings: &self.crossings, links: &self.links }
    }
}
