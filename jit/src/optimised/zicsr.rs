//! Zicsr extension: `fflags`, `frm` and `fcsr` while the host's floating-point unit is in use.
//! Compilers access them around quiet comparisons, and libraries around computations in
//! another rounding mode. The interpreter accesses all other registers.
//!
//! The guest's flags are those in the hart's state and those that the host has accrued since.
//! A write goes to the state; it clears what the host has accrued and must not have any more.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value, types};
use riscope_core::isa::Operands;
use riscope_core::isa::zicsr::Zicsr;

use super::float::by_unit;
use super::lowering::{Lowering, when};
use super::translator::Translator;
use crate::abi::{self, Word};
use crate::float_unit;
use crate::sys;

const FFLAGS: i32 = 1;
const FRM: i32 = 2;
const FCSR: i32 = 3;

const FLAGS_MASK: i64 = 0x1f;
const ROUNDING_MASK: i64 = 7;
/// Position of the rounding mode in `fcsr`.
const ROUNDING_SHIFT: i64 = 5;

/// How an instruction that writes makes the new value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Write {
    Operand,
    Set,
    Clear,
}

pub(super) fn lowering(op: Zicsr, o: Operands) -> Lowering {
    let access = match op {
        Zicsr::Csrrw => by_unit!(|t, o| t.access_by_register(o, Write::Operand)),
        Zicsr::Csrrs => by_unit!(|t, o| t.access_by_register(o, Write::Set)),
        Zicsr::Csrrc => by_unit!(|t, o| t.access_by_register(o, Write::Clear)),
        Zicsr::Csrrwi => by_unit!(|t, o| t.access_by_immediate(o, Write::Operand)),
        Zicsr::Csrrsi => by_unit!(|t, o| t.access_by_immediate(o, Write::Set)),
        Zicsr::Csrrci => by_unit!(|t, o| t.access_by_immediate(o, Write::Clear)),
    };
    when(matches!(o.imm(), FFLAGS | FRM | FCSR), access)
}

impl Translator<'_> {
    fn access_by_register(&mut self, o: Operands, write: Write) {
        let operand = self.x(o.rs1());
        self.access_control(o, operand, write);
    }

    fn access_by_immediate(&mut self, o: Operands, write: Write) {
        #[expect(clippy::cast_possible_wrap, reason = "five bits")]
        let operand = self.b.ins().iconst(types::I64, o.rs1() as i64);
        self.access_control(o, operand, write);
    }

    /// The encoded register or immediate decides whether there is a write, not its value.
    fn access_control(&mut self, o: Operands, operand: Value, write: Write) {
        let writes = write == Write::Operand || o.rs1() != 0;
        match o.imm() {
            FFLAGS => {
                let (old, accrued) = self.flags_in_force();
                if writes {
                    let new = self.combined(old, operand, write);
                    self.write_flags(new, accrued);
                }
                self.set_x(o.rd(), old);
            }
            FRM => {
                let old = self.load_state(types::I64, abi::FRM);
                if writes {
                    let new = self.combined(old, operand, write);
                    let (flags, _) = self.flags_in_force();
                    self.write_all(new, flags);
                }
                self.set_x(o.rd(), old);
            }
            _ => {
                let (flags, _) = self.flags_in_force();
                let rounding = self.load_state(types::I64, abi::FRM);
                let rounding = self.b.ins().ishl_imm_u(rounding, ROUNDING_SHIFT);
                let old = self.b.ins().bor(rounding, flags);
                if writes {
                    let new = self.combined(old, operand, write);
                    let rounding = self.b.ins().ushr_imm_u(new, ROUNDING_SHIFT);
                    self.write_all(rounding, new);
                }
                self.set_x(o.rd(), old);
            }
        }
    }

    fn combined(&mut self, old: Value, operand: Value, write: Write) -> Value {
        match write {
            Write::Operand => operand,
            Write::Set => self.b.ins().bor(old, operand),
            Write::Clear => self.b.ins().band_not(old, operand),
        }
    }

    /// The guest's flags, and those of them that the host has accrued.
    fn flags_in_force(&mut self) -> (Value, Value) {
        let accrued = self.accrued_flags();
        let stored = self.load_state(types::I64, abi::FFLAGS);
        (self.b.ins().bor(stored, accrued), accrued)
    }

    /// Flags that the host's unit has accrued since they were last taken over into the state.
    fn accrued_flags(&mut self) -> Value {
        self.call_on_state(sys::float::STORE_STATUS);
        let status = self.b.ins().uload8(types::I64, self.flags.state, self.cpu, abi::word(Word::FloatStatus));
        let status = self.b.ins().band_imm_u(status, float_unit::STATUS_MASK);
        let table = self.address(float_unit::flags_by_status().as_ptr());
        let entry = self.b.ins().iadd(table, status);
        self.b.ins().uload8(types::I64, self.flags.tables, entry, 0)
    }

    /// Writes `fflags`, given what the host has accrued: that stays there if `new` has it.
    fn write_flags(&mut self, new: Value, accrued: Value) {
        let new = self.b.ins().band_imm_u(new, FLAGS_MASK);
        self.store_state(abi::FFLAGS, new);
        let stale = self.b.ins().band_not(accrued, new);
        let (cold, join) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(cold);
        self.b.ins().brif(stale, cold, &[], join, &[]);
        self.b.switch_to_block(cold);
        self.call_on_state(sys::float::LOAD_CONTROL);
        self.b.ins().jump(join, &[]);
        self.b.switch_to_block(join);
    }

    /// Writes the rounding mode and the flags. Exits to the interpreter if the host does not
    /// have the mode.
    fn write_all(&mut self, mode: Value, flags: Value) {
        let mode = self.b.ins().band_imm_u(mode, ROUNDING_MASK);
        let table = self.address(float_unit::controls_by_mode().as_ptr().cast());
        let distance = self.b.ins().ishl_imm_u(mode, 3);
        let entry = self.b.ins().iadd(table, distance);
        let control = self.b.ins().load(types::I64, self.flags.tables, entry, 0);
        let absent = self.b.ins().icmp_imm_s(IntCC::Equal, control, 0);
        self.interpret_if(absent);
        self.store_state(abi::FRM, mode);
        self.store_state(abi::word(Word::FloatControl), control);
        let flags = self.b.ins().band_imm_u(flags, FLAGS_MASK);
        self.store_state(abi::FFLAGS, flags);
        self.call_on_state(sys::float::LOAD_CONTROL);
    }

    /// Calls a thunk that takes the state and changes no register.
    fn call_on_state(&mut self, thunk: sys::float::Thunk) {
        let address = self.address((thunk as *const ()).cast());
        self.b.ins().call_indirect(self.signatures.refill, address, &[self.cpu]);
    }

    #[expect(clippy::cast_possible_wrap, reason = "an address as bits")]
    fn address(&mut self, of: *const u8) -> Value {
        self.b.ins().iconst(types::I64, of.expose_provenance() as i64)
    }
}
