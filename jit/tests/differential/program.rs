//! Test program: code, initial state and instruction limit.

use std::fmt;

use riscope_core::addr::GuestAddr;
use riscope_core::disasm::disassemble;

use super::firmware::Plan;
use super::layout::{CODE, CODE_BYTES};
use crate::common::encode::{Fields, encode, row};

/// An instruction with its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    /// Offset from the start of the code.
    pub(crate) at: u32,
    /// The instruction; the upper half is 0 if it is a 16-bit one.
    pub(crate) bits: u32,
}

impl Slot {
    /// Bytes, 2 or 4.
    pub(crate) fn len(self) -> u32 {
        length(self.bits)
    }

    /// Whether it is a no-operation, of either length.
    pub(crate) fn is_nop(self) -> bool {
        self.bits == nop(self.len())
    }

    /// A no-operation at the same position.
    pub(crate) fn emptied(self) -> Self {
        Self { bits: nop(self.len()), ..self }
    }
}

/// Bytes of an instruction, 2 or 4.
pub(crate) fn length(bits: u32) -> u32 {
    if bits & 3 == 3 { 4 } else { 2 }
}

fn nop(len: u32) -> u32 {
    if len == 4 { 0x0000_0013 } else { 0x0001 }
}

/// All inputs of a run.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    /// Seed that it was generated from.
    pub(crate) seed: u64,
    /// Its code; gaps are filled with jumps to the start.
    pub(crate) slots: Vec<Slot>,
    /// Integer registers at the start, from x1 on.
    pub(crate) integers: [u64; 31],
    /// Floating-point registers at the start.
    pub(crate) floats: [u64; 32],
    /// Control registers that set-up writes, in this order.
    pub(crate) control: Vec<(u16, u64)>,
    pub(crate) plan: Plan,
    /// Words in memory: physical address and value.
    pub(crate) memory: Vec<(u64, u64)>,
    /// Instructions between two comparisons.
    pub(crate) steps: Vec<u64>,
}

impl Program {
    /// The code region, as bytes.
    pub(crate) fn code(&self) -> Vec<u8> {
        let mut bytes = vec![0; CODE_BYTES as usize];
        let mut at = 0;
        for slot in &self.slots {
            self.fill(&mut bytes[..slot.at as usize], at);
            let (start, len) = (slot.at as usize, slot.len() as usize);
            bytes[start..start + len].copy_from_slice(&slot.bits.to_le_bytes()[..len]);
            at = start + len;
        }
        self.fill(&mut bytes, at);
        bytes
    }

    /// The code region of the second address space: of some instructions between registers,
    /// other ones.
    pub(crate) fn altered_code(&self) -> Vec<u8> {
        let mut altered = self.clone();
        for slot in &mut altered.slots {
            if slot.bits & 0xfe00_007f == 0x33 {
                slot.bits ^= match slot.bits >> 12 & 7 {
                    // `slt` and `sltu`, `xor` and `or`
                    2 | 3 => 1 << 12,
                    4 | 6 => 2 << 12,
                    _ => 0,
                };
            }
        }
        altered.code()
    }

    /// Fills from offset `at` on with jumps to the start.
    fn fill(&self, bytes: &mut [u8], mut at: usize) {
        let jump = row("jal");
        while at < bytes.len() {
            let imm = self.plan.restart as i32 - at as i32;
            let bits = if bytes.len() - at >= 4 { encode(jump, Fields { imm, ..Fields::default() }) } else { nop(2) };
            let len = length(bits) as usize;
            bytes[at..at + len].copy_from_slice(&bits.to_le_bytes()[..len]);
            at += len;
        }
    }

    /// Number of instructions that are not no-operations.
    pub(crate) fn live(&self) -> usize {
        self.slots.iter().filter(|slot| !slot.is_nop()).count()
    }

    /// Instructions to run.
    pub(crate) fn total(&self) -> u64 {
        self.steps.iter().sum()
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "program of seed {:#x}, {} instructions run", self.seed, self.total())?;
        for (number, value) in &self.control {
            let name = riscope_core::hart::csr::name(*number).unwrap_or_default();
            writeln!(f, "  {name} = {value:#x}")?;
        }
        writeln!(f, "  plan: {:x?}", self.plan)?;
        for (n, value) in self.integers.iter().enumerate().filter(|(_, value)| **value != 0) {
            writeln!(f, "  x{} = {value:#x}", n + 1)?;
        }
        for (n, value) in self.floats.iter().enumerate().filter(|(_, value)| **value != 0) {
            writeln!(f, "  f{n} = {value:#x}")?;
        }
        let mut end = None;
        for slot in self.slots.iter().filter(|slot| !slot.is_nop()) {
            if end.is_some_and(|end| end != slot.at) {
                writeln!(f, "      ...")?;
            }
            end = Some(slot.at + slot.len());
            let width = 2 * slot.len() as usize;
            let text = disassemble(GuestAddr(CODE + u64::from(slot.at)), slot.bits);
            writeln!(f, "  {:5x}: {:0width$x}  {text}", CODE + u64::from(slot.at), slot.bits)?;
        }
        Ok(())
    }
}
