//! Zicsr: access to control and status registers.

use super::{Flow, Handler};
use crate::hart::Hart;
use crate::hart::csr::{CsrDenied, Effect};
use crate::isa::Operands;
use crate::isa::zicsr::Zicsr;

pub(super) fn handler(op: Zicsr) -> Handler {
    match op {
        Zicsr::Csrrw => |hart, o| swap(hart, o, hart.x(o.rs1())),
        Zicsr::Csrrs => |hart, o| modify(hart, o, hart.x(o.rs1()), |old, bits| old | bits),
        Zicsr::Csrrc => |hart, o| modify(hart, o, hart.x(o.rs1()), |old, bits| old & !bits),
        Zicsr::Csrrwi => |hart, o| swap(hart, o, o.rs1() as u64),
        Zicsr::Csrrsi => |hart, o| modify(hart, o, o.rs1() as u64, |old, bits| old | bits),
        Zicsr::Csrrci => |hart, o| modify(hart, o, o.rs1() as u64, |old, bits| old & !bits),
    }
}

/// `csrrw`: without a destination the register is not read at all.
fn swap(hart: &mut Hart, o: Operands, value: u64) -> Flow {
    let number = o.imm() as u16;
    let old = if o.rd() == 0 { Ok(0) } else { hart.read_csr(number) };
    let written = old.and_then(|old| Ok((old, hart.write_csr(number, value)?)));
    finish(hart, o, written)
}

/// `csrrs` and `csrrc`: with `x0` or 0 as source the register is not written.
fn modify(hart: &mut Hart, o: Operands, bits: u64, combine: fn(u64, u64) -> u64) -> Flow {
    let number = o.imm() as u16;
    let written = read_for_modify(hart, number).and_then(|old| {
        // The field counts, not the value: a register that holds 0 is written.
        let effect = if o.rs1() == 0 { Effect::None } else { hart.write_csr(number, combine(old.stored, bits))? };
        Ok((old.visible, effect))
    });
    finish(hart, o, written)
}

/// What a read-modify-write reads, and what it combines with.
struct Old {
    visible: u64,
    stored: u64,
}

/// For `mip` and `sip` the write combines with the bits that software wrote, not
/// with the external line ("Machine Interrupt Registers", on SEIP).
fn read_for_modify(hart: &Hart, number: u16) -> Result<Old, CsrDenied> {
    const MIP: u16 = 0x344;
    let visible = hart.read_csr(number)?;
    let stored = if number == MIP { hart.csr.mip } else { visible };
    Ok(Old { visible, stored })
}

fn finish(hart: &mut Hart, o: Operands, outcome: Result<(u64, Effect), CsrDenied>) -> Flow {
    match outcome {
        Ok((old, effect)) => {
            hart.set_x(o.rd(), old);
            match effect {
                Effect::None => Flow::Next,
                Effect::Resync => Flow::Resync,
            }
        }
        Err(CsrDenied) => hart.raise_illegal(),
    }
}
