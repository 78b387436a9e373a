//! Instructions whose second half is on the next page, for engines that translate by page.

use super::fetch::execute;
use super::{Flow, Interpreter};
use crate::hart::{Exception, Hart};
use crate::isa::{OpClass, decode};

/// Bytes of half an instruction.
const HALF: u64 = 2;

impl Interpreter {
    /// Executes the instruction at `pc`, whose second half is on the next page. Each half is
    /// read from memory by the translation of its own page. Never gives [`Flow::Next`] or
    /// [`Flow::Resync`]: `pc` is at what comes next. The class of one that cannot be fetched or
    /// decoded is [`OpClass::Other`].
    pub fn execute_across(&mut self, hart: &mut Hart) -> (Flow, OpClass) {
        let bits = match self.fetch_across(hart) {
            Ok(bits) => bits,
            Err(exception) => return (hart.raise(exception), OpClass::Other),
        };
        match decode(bits) {
            Some(insn) => (execute(hart, insn), insn.op.class()),
            None => (hart.raise_illegal(), OpClass::Other),
        }
    }

    /// Bits of the instruction at `pc`. A fault has the address of its half.
    fn fetch_across(&mut self, hart: &mut Hart) -> Result<u32, Exception> {
        let pc = hart.pc().0;
        let Some(low) = self.half(hart, pc)? else { return hart.fetch_instruction() };
        if low & 3 != 3 {
            return Ok(low as u32);
        }
        let Some(high) = self.half(hart, pc.wrapping_add(HALF))? else { return hart.fetch_instruction() };
        Ok((high << 16 | low) as u32)
    }
}
