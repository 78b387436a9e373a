//! Zicsr extension: accesses to control and status registers that are plain words of the hart's
//! state. All others call the handler.

use riscope_core::hart::permission;
use riscope_core::isa::Operands;
use riscope_core::isa::zicsr::Zicsr;

use super::emitter::{Emitter, state};
use super::operand::{Mem, Reg, Width};
use super::template::Template;
use crate::abi;

/// A register that is a plain word of the state.
#[derive(Clone, Copy, Debug)]
struct Plain {
    place: Mem,
    /// Bits that cannot be written, from the lowest one.
    hardwired: u8,
}

/// Numbers of registers (privileged specification, "CSR Listing").
const SSCRATCH: i32 = 0x140;
const SEPC: i32 = 0x141;
const SCAUSE: i32 = 0x142;
const STVAL: i32 = 0x143;

fn plain(number: i32) -> Option<Plain> {
    let (offset, hardwired) = match number {
        SSCRATCH => (abi::SSCRATCH, 0),
        SEPC => (abi::SEPC, 1),
        SCAUSE => (abi::SCAUSE, 0),
        STVAL => (abi::STVAL, 0),
        _ => return None,
    };
    Some(Plain { place: state(offset), hardwired })
}

pub(super) fn template(op: Zicsr, o: Operands) -> Template {
    if plain(o.imm()).is_none() {
        return Template::Call;
    }
    match op {
        Zicsr::Csrrw => Template::Alone(|e, o| e.exchange_csr(o)),
        // Without operand, they only read.
        Zicsr::Csrrs | Zicsr::Csrrsi | Zicsr::Csrrc | Zicsr::Csrrci if o.rs1() == 0 => {
            Template::Alone(|e, o| e.read_csr(o))
        }
        Zicsr::Csrrs | Zicsr::Csrrsi | Zicsr::Csrrc | Zicsr::Csrrci | Zicsr::Csrrwi => Template::Call,
    }
}

impl Emitter<'_> {
    fn read_csr(&mut self, o: Operands) {
        let Some(csr) = plain(o.imm()) else { return };
        self.interpret_unless(permission::SUPERVISOR_REGISTERS);
        if o.rd() != 0 {
            let d = self.result(o.rd(), Reg::RAX);
            self.asm.mov(d, csr.place);
            self.set_x(o.rd(), d);
        }
    }

    fn exchange_csr(&mut self, o: Operands) {
        let Some(csr) = plain(o.imm()) else { return };
        self.interpret_unless(permission::SUPERVISOR_REGISTERS);
        self.copy_x(o.rs1(), Reg::RCX);
        if csr.hardwired != 0 {
            self.asm.and(Width::Double, Reg::RCX, -1 << csr.hardwired);
        }
        if o.rd() != 0 {
            let d = self.result(o.rd(), Reg::RAX);
            self.asm.mov(d, csr.place);
            self.set_x(o.rd(), d);
        }
        self.asm.store(csr.place, Reg::RCX);
    }
}
