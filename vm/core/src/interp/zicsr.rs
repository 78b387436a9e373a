//! Zicsr extension: access to control and status registers.

use super::{Flow, Handler};
use crate::hart::Hart;
use crate::hart::csr::{CsrDenied, Effect, MIP};
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

/// `csrrw`; with `rd` = `x0` the CSR is not read.
fn swap(hart: &mut Hart, o: Operands, value: u64) -> Flow {
    let number = o.imm() as u16;
    let old = if o.rd() == 0 { Ok(0) } else { hart.read_csr(number) };
    let written = old.and_then(|old| Ok((old, hart.write_csr(number, value)?)));
    finish(hart, o, written)
}

/// `csrrs` and `csrrc`; with `rs1` = `x0`, or an immediate of 0, the CSR is not written.
fn modify(hart: &mut Hart, o: Operands, bits: u64, combine: fn(u64, u64) -> u64) -> Flow {
    let number = o.imm() as u16;
    let written = read_for_modify(hart, number).and_then(|old| {
        // The field decides, not the value: another register that holds 0 causes a write.
        let effect = match o.rs1() {
            0 => hart.effect_of_read(number, old.visible),
            _ => hart.write_csr(number, combine(old.stored, bits))?,
        };
        Ok((old.visible, effect))
    });
    finish(hart, o, written)
}

/// Values read by a read-modify-write instruction: for `rd`, and to combine with.
struct Old {
    visible: u64,
    stored: u64,
}

/// For `mip` and `sip` the write combines with the software-written bits, without the
/// external line ("Machine Interrupt Registers", SEIP).
fn read_for_modify(hart: &Hart, number: u16) -> Result<Old, CsrDenied> {
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
