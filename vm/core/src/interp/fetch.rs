//! Instructions that are fetched one by one, past the decoded lines.

use super::{Flow, handler};
use crate::hart::{Exception, ExceptionCause, Hart};
use crate::isa::{Insn, Operands, decode};
use crate::mem::access;

/// Fetches, decodes and executes the instruction at `pc` uncached: one that crosses a page,
/// or any on a page with more than one PMP permission. Never returns [`Flow::Next`] or
/// [`Flow::Resync`].
pub(super) fn uncached(hart: &mut Hart, _o: Operands) -> Flow {
    let bits = match hart.fetch_instruction() {
        Ok(bits) => bits,
        Err(exception) => return hart.raise(exception),
    };
    match decode(bits) {
        Some(insn) => execute(hart, insn),
        None => hart.raise_illegal(),
    }
}

/// Executes a decoded instruction at `pc`, which is advanced, as its length is not in a cell.
pub(super) fn execute(hart: &mut Hart, insn: Insn) -> Flow {
    let next = hart.state.pc.wrapping_add(insn.operands.length());
    match handler(insn.op)(hart, insn.operands) {
        Flow::Next => {
            hart.state.pc = next;
            Flow::Jump
        }
        Flow::Resync => {
            hart.state.pc = next;
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
