//! Instructions that are fetched one by one, past the decoded lines.

use super::{Flow, handler};
use crate::hart::{Exception, ExceptionCause, Hart};
use crate::isa::{Operands, decode};
use crate::mem::access;

/// Fetches, decodes and executes the instruction at `pc` uncached: one that crosses a page,
/// or any on a page with more than one PMP permission. Never returns [`Flow::Next`] or
/// [`Flow::Resync`].
pub(super) fn uncached(hart: &mut Hart, _o: Operands) -> Flow {
    let pc = hart.state.pc;
    let bits = match hart.fetch_instruction() {
        Ok(bits) => bits,
        Err(exception) => return hart.raise(exception),
    };
    let Some(insn) = decode(bits) else { return hart.raise_illegal() };
    match handler(insn.op)(hart, insn.operands) {
        // The loop does not know the instruction's length, so `pc` advances here.
        Flow::Next => {
            hart.state.pc = pc.wrapping_add(insn.operands.length());
            Flow::Jump
        }
        Flow::Resync => {
            hart.state.pc = pc.wrapping_add(insn.operands.length());
            Flow::JumpResync
        }
        other => other,
    }
}

impl Hart {
    /// Fetches the instruction at `pc` in 16-bit parcels; a fault reports the address of
    /// its parcel.
    pub(super) fn fetch_instruction(&mut self) -> Result<u32, Exception> {
        let pc = self.state.pc;
        let low = self.fetch_half(pc)?;
        if low & 3 != 3 {
            return Ok(low);
        }
        Ok(self.fetch_half(pc.wrapping_add(2))? << 16 | low)
    }

    fn fetch_half(&mut self, va: u64) -> Result<u32, Exception> {
        let phys = self.translate_fetch(va)?.phys;
        let host = self.config.ram.host_ptr(phys, 2);
        let host = host.ok_or_else(|| Exception::new(ExceptionCause::InstructionAccessFault, va))?;
        // SAFETY: `host_ptr` covers two bytes of guest RAM.
        Ok(unsafe { access::load_u16(host) } as u32)
    }

    /// Encoding of the instruction at `pc`, for a trap value; 0 if it cannot be fetched.
    pub(super) fn fetch_bits(&mut self) -> u32 {
        self.fetch_instruction().unwrap_or(0)
    }
}
