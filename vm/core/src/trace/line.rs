//! Text of trace lines, in the format of the parent module.

use std::fmt::{self, Write};

use super::effect::{Effect, Memory, Register};
use crate::addr::GuestAddr;
use crate::disasm::disassemble;
use crate::hart::{PrivilegeMode, csr};

/// Hart, mode and address of an instruction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// `mhartid`.
    pub(super) hart: usize,
    pub(super) mode: PrivilegeMode,
    pub(super) pc: GuestAddr,
}

/// Buffer of lines.
#[derive(Debug, Default)]
pub(super) struct Lines(String);

impl Lines {
    pub(super) fn text(&self) -> &str {
        &self.0
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Appends the line of a retired instruction.
    pub(super) fn instruction(&mut self, place: Place, bits: u32, effect: &Effect) {
        self.line(|line| {
            write_place(line, place)?;
            write_bits(line, bits)?;
            write_effect(line, effect)?;
            write!(line, " ; {}", disassemble(place.pc, bits))
        });
    }

    /// Appends the line of an instruction that raised an exception; `bits` if it was fetched.
    pub(super) fn exception(&mut self, place: Place, bits: Option<u32>, cause: &str, value: u64) {
        self.line(|line| {
            write_place(line, place)?;
            bits.map_or(Ok(()), |bits| write_bits(line, bits))?;
            write!(line, " exception {cause} tval {value:#018x}")?;
            bits.map_or(Ok(()), |bits| write!(line, " ; {}", disassemble(place.pc, bits)))
        });
    }

    /// Appends the line of an interrupt taken at `place`.
    pub(super) fn interrupt(&mut self, place: Place, cause: &str) {
        self.line(|line| {
            write_place(line, place)?;
            write!(line, " interrupt {cause}")
        });
    }

    fn line(&mut self, write: impl FnOnce(&mut String) -> fmt::Result) {
        // Writing to a string does not fail.
        let _ = write(&mut self.0);
        self.0.push('\n');
    }
}

fn write_place(line: &mut String, place: Place) -> fmt::Result {
    let Place { hart, mode, pc } = place;
    write!(line, "core{hart:4}: {} {:#018x}", mode as u64, pc.0)
}

/// Two digits per byte of the instruction.
fn write_bits(line: &mut String, bits: u32) -> fmt::Result {
    if bits & 3 == 3 { write!(line, " ({bits:#010x})") } else { write!(line, " ({:#06x})", bits & 0xffff) }
}

fn write_effect(line: &mut String, effect: &Effect) -> fmt::Result {
    match effect.register {
        Some((Register::X(n), value)) => write!(line, " x{n:<2} {value:#018x}")?,
        Some((Register::F(n), value)) => write!(line, " f{n:<2} {value:#018x}")?,
        None => {}
    }
    for &(number, value) in &effect.csrs {
        write!(line, " c{number}_{} {value:#018x}", csr::name(number).unwrap_or_default())?;
    }
    for &memory in &effect.memory {
        match memory {
            Memory::At(at) => write!(line, " mem {:#018x}", at.0)?,
            Memory::Stored { at, value, bytes } => {
                let unused = 64 - 8 * bytes;
                write!(line, " mem {:#018x} {:#0width$x}", at.0, value << unused >> unused, width = 2 + 2 * bytes)?;
            }
        }
    }
    Ok(())
}
