//! Zicsr extension: accesses to control and status registers that are plain words of the hart's
//! state, reads of `sstatus` and what disables interrupts there. All others call the handler:
//! what they write has effects elsewhere, or a poll is due behind it.

use riscope_core::hart::{permission, status};
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
const SSTATUS: i32 = 0x100;
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
    if o.imm() == SSTATUS {
        return status_template(op, o);
    }
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

/// Interrupts are disabled by an immediate.
const DISABLE: usize = 1 << 1;
const _: () = assert!(status::SIE == DISABLE as u64);

fn status_template(op: Zicsr, o: Operands) -> Template {
    match op {
        Zicsr::Csrrs | Zicsr::Csrrsi | Zicsr::Csrrc | Zicsr::Csrrci if o.rs1() == 0 => {
            Template::Alone(|e, o| e.read_status(o))
        }
        Zicsr::Csrrci if o.rs1() == DISABLE => Template::Alone(|e, o| e.disable_interrupts(o)),
        _ => Template::Call,
    }
}

/// Position in `sstatus` of the sum of FS and 1, if FS is dirty.
const DIRTY_CARRY: u8 = 15;
const FS_UNIT: i32 = 1 << 13;
const _: () = assert!(status::FS == 3 * FS_UNIT as u64 && status::SUPERVISOR & 1 << DIRTY_CARRY == 0);

/// The bits of `mstatus` that `sstatus` has.
#[expect(clippy::cast_possible_truncation, reason = "checked below")]
const SUPERVISOR: i32 = status::SUPERVISOR as i32;
const _: () = assert!(SUPERVISOR > 0 && SUPERVISOR as u64 == status::SUPERVISOR);

impl Emitter<'_> {
    fn read_status(&mut self, o: Operands) {
        self.interpret_unless(permission::SUPERVISOR_REGISTERS);
        self.status(o);
    }

    fn disable_interrupts(&mut self, o: Operands) {
        self.interpret_unless(permission::SUPERVISOR_REGISTERS);
        self.status(o);
        self.asm.and_to(state(abi::STATUS), !DISABLE.to_le_bytes()[0].cast_signed());
    }

    /// `rd` = `sstatus`, with the fields that are computed: UXL, and SD if FS is dirty.
    fn status(&mut self, o: Operands) {
        if o.rd() == 0 {
            return;
        }
        let (bits, other) = (Reg::RAX, Reg::RCX);
        self.asm.mov(bits, state(abi::STATUS));
        self.asm.and(Width::Double, bits, SUPERVISOR);
        self.asm.lea(Width::Word, other, bits, FS_UNIT);
        self.asm.shr(Width::Word, other, DIRTY_CARRY);
        self.asm.and(Width::Word, other, 1);
        self.asm.ror(Width::Double, other, 1);
        self.asm.or(Width::Double, bits, other);
        self.asm.mov_wide(other, status::UXL64);
        self.asm.or(Width::Double, bits, other);
        self.set_x(o.rd(), bits);
    }

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
