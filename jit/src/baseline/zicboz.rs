//! Zicboz extension: zeroing of cache blocks.

use riscope_core::hart::permission;
use riscope_core::isa::Operands;
use riscope_core::isa::zicboz::Zicboz;

use super::emitter::Emitter;
use super::operand::{Mem, Reg, Xmm};
use super::site::BLOCK_BYTES;
use super::template::Template;

/// Bytes of a vector register of every x86-64 host.
const VECTOR_BYTES: usize = 16;

pub(super) fn template(op: Zicboz) -> Template {
    match op {
        Zicboz::CboZero => Template::Alone(|e, o| e.zero_block(o)),
    }
}

impl Emitter<'_> {
    fn zero_block(&mut self, o: Operands) {
        self.interpret_unless(permission::ZERO_BLOCKS);
        self.block_pointer(o);
        self.asm.clear_vector(Xmm::XMM0);
        for offset in (0..i32::from(BLOCK_BYTES)).step_by(VECTOR_BYTES) {
            self.asm.store_vector(Mem { base: Reg::RAX, offset }, Xmm::XMM0);
        }
    }
}
