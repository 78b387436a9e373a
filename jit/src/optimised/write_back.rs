//! What code of a loop does with the registers that it carries, see `carried.rs`: nothing where
//! there is no loop.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{BlockArg, InstBuilder, types};
use riscope_core::addr::PageOffset;

use super::carried::{Carried, float_type};
use super::translator::Translator;
use super::uses::registers;
use crate::abi::{self, Leave, Word};

impl Translator<'_> {
    /// Jumps to `target` if that continues the loop.
    pub(super) fn goes_on(&mut self, target: PageOffset) -> bool {
        let Some(carried) = self.carried else { return false };
        if target == carried.first {
            let arguments = self.arguments(carried);
            self.b.ins().jump(carried.header, &arguments);
            return true;
        }
        if target == carried.next {
            self.b.ins().jump(carried.next_code, &[]);
            return true;
        }
        false
    }

    fn arguments(&mut self, carried: Carried) -> Vec<BlockArg> {
        let mut arguments = vec![carried.countdown.into()];
        for register in registers(carried.uses.x) {
            arguments.push(self.x(register).into());
        }
        for register in registers(carried.uses.singles | carried.uses.doubles) {
            // Nothing is remembered, as the code behind a branch may not use it.
            let known = self.floats[register];
            let value = match float_type(carried.uses, register) {
                ty if ty == types::F32 => known.single.unwrap_or_else(|| {
                    // Whatever writes the register in this loop has boxed it.
                    let bits = self.known_bits(register);
                    let low = self.b.ins().ireduce(types::I32, bits);
                    self.bitcast(types::F32, low)
                }),
                ty if ty == types::F64 => known.double.unwrap_or_else(|| {
                    let bits = self.known_bits(register);
                    self.bitcast(types::F64, bits)
                }),
                _ => self.known_bits(register),
            };
            arguments.push(value.into());
        }
        arguments
    }

    /// Before an exit: stores what only SSA values hold. The code that does not exit goes on
    /// as if nothing had been stored.
    pub(super) fn write_back(&mut self) {
        let Some(carried) = &mut self.carried else { return };
        (carried.pinned_x, carried.pinned_f) = (0, 0);
        let carried = *carried;
        for register in registers(carried.dirty_x) {
            if let Some(value) = self.registers[register] {
                self.store_state(abi::x(register), value);
            }
        }
        for register in registers(carried.dirty_f) {
            self.store_known(register);
        }
        self.store_state(abi::COUNTDOWN, carried.countdown);
        let retired = self.b.ins().isub(carried.sum, carried.countdown);
        self.store_state(abi::word(Word::Optimised), retired);
    }

    /// Stores a floating-point register, from any of its values.
    pub(super) fn store_known(&mut self, register: usize) {
        let known = self.floats[register];
        let value = known.double.or(known.bits).unwrap_or_else(|| self.known_bits(register));
        self.store_state(abi::f(register), value);
    }

    /// Counts the instructions of a block of the loop down.
    pub(super) fn count_down_carried(&mut self, count: u16) -> bool {
        let Some(carried) = self.carried else { return false };
        let left = self.b.ins().iadd_imm_s(carried.countdown, -i64::from(count));
        let spent = self.b.ins().icmp_imm_s(IntCC::SignedLessThan, left, 0);
        let (cold, hot) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(cold);
        self.b.ins().brif(spent, cold, &[], hot, &[]);
        self.b.switch_to_block(cold);
        self.write_back();
        let pc = self.pc_of(self.at());
        self.leave(Leave::Quantum, pc);
        self.b.switch_to_block(hot);
        self.carried = self.carried.map(|carried| Carried { countdown: left, ..carried });
        true
    }

    /// Before an integer register gets a new value: whether a loop carries that.
    pub(super) fn carries_x(&mut self, register: usize) -> bool {
        let Some(carried) = &mut self.carried else { return false };
        let pinned = carried.pinned_x >> register & 1 != 0;
        carried.pinned_x &= !(1 << register);
        carried.dirty_x |= 1 << register;
        if let Some(value) = self.registers[register].filter(|_| pinned) {
            self.store_state(abi::x(register), value);
        }
        true
    }

    /// The same for a floating-point register.
    pub(super) fn carries_f(&mut self, register: usize) -> bool {
        let Some(carried) = &mut self.carried else { return false };
        let pinned = carried.pinned_f >> register & 1 != 0;
        carried.pinned_f &= !(1 << register);
        carried.dirty_f |= 1 << register;
        if pinned {
            self.store_known(register);
        }
        true
    }

    /// After an integer register was written by an instruction that raises flags.
    pub(super) fn pin_x(&mut self, register: usize) {
        if let Some(carried) = &mut self.carried {
            carried.pinned_x |= 1 << register;
        }
    }

    /// The same for a floating-point register whose value was not tested for a NaN.
    pub(super) fn pin_f(&mut self, register: usize) {
        if let Some(carried) = &mut self.carried {
            carried.pinned_f |= 1 << register;
        }
    }
}
