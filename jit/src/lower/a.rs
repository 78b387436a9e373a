//! A: atomics.
//!
//! A misaligned address makes the access miss on purpose: the interpreter then
//! raises the exception. Load-reserved and store-conditional follow
//! `riscope_core::interp`: the reservation is the host address and the value seen.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{AtomicRmwOp, InstBuilder, Type, Value, types};
use riscope_core::isa::Operands;
use riscope_core::isa::a::A;

use super::Translator;
use crate::abi;
use crate::memory::Group;

impl Translator<'_> {
    pub(super) fn lower_a(&mut self, op: A, o: Operands) {
        let (operation, ty) = match op {
            A::LrW => return self.load_reserved(o, types::I32),
            A::LrD => return self.load_reserved(o, types::I64),
            A::ScW => return self.store_conditional(o, types::I32),
            A::ScD => return self.store_conditional(o, types::I64),
            A::AmoswapW => (AtomicRmwOp::Xchg, types::I32),
            A::AmoaddW => (AtomicRmwOp::Add, types::I32),
            A::AmoxorW => (AtomicRmwOp::Xor, types::I32),
            A::AmoandW => (AtomicRmwOp::And, types::I32),
            A::AmoorW => (AtomicRmwOp::Or, types::I32),
            A::AmominW => (AtomicRmwOp::Smin, types::I32),
            A::AmomaxW => (AtomicRmwOp::Smax, types::I32),
            A::AmominuW => (AtomicRmwOp::Umin, types::I32),
            A::AmomaxuW => (AtomicRmwOp::Umax, types::I32),
            A::AmoswapD => (AtomicRmwOp::Xchg, types::I64),
            A::AmoaddD => (AtomicRmwOp::Add, types::I64),
            A::AmoxorD => (AtomicRmwOp::Xor, types::I64),
            A::AmoandD => (AtomicRmwOp::And, types::I64),
            A::AmoorD => (AtomicRmwOp::Or, types::I64),
            A::AmominD => (AtomicRmwOp::Smin, types::I64),
            A::AmomaxD => (AtomicRmwOp::Smax, types::I64),
            A::AmominuD => (AtomicRmwOp::Umin, types::I64),
            A::AmomaxuD => (AtomicRmwOp::Umax, types::I64),
        };
        let value = self.register_as(o.rs2(), ty);
        let host = self.atomic_pointer(o, ty, true);
        let flags = self.flags.ram.with_aligned();
        let old = self.b.ins().atomic_rmw(ty, flags, operation, host, value);
        self.set_extended(o.rd(), old);
    }

    fn load_reserved(&mut self, o: Operands, ty: Type) {
        let host = self.atomic_pointer(o, ty, false);
        let value = self.b.ins().atomic_load(ty, self.flags.ram.with_aligned(), host);
        let bits = if ty == types::I32 { self.b.ins().uextend(types::I64, value) } else { value };
        self.store_state(abi::RESERVATION, host);
        self.store_state(abi::RESERVED_VALUE, bits);
        self.set_extended(o.rd(), value);
    }

    fn store_conditional(&mut self, o: Operands, ty: Type) {
        let value = self.register_as(o.rs2(), ty);
        let host = self.atomic_pointer(o, ty, true);
        let reservation = self.load_state(types::I64, abi::RESERVATION);
        let zero = self.b.ins().iconst(types::I64, 0);
        self.store_state(abi::RESERVATION, zero);
        let reserved = self.b.ins().icmp(IntCC::Equal, reservation, host);
        let (try_store, done) = (self.b.create_block(), self.b.create_block());
        self.b.append_block_param(done, types::I64);
        let failed = self.b.ins().iconst(types::I64, 1);
        self.b.ins().brif(reserved, try_store, &[], done, &[failed.into()]);

        self.b.switch_to_block(try_store);
        let expected = self.load_state(types::I64, abi::RESERVED_VALUE);
        let expected = if ty == types::I32 { self.b.ins().ireduce(types::I32, expected) } else { expected };
        let found = self.b.ins().atomic_cas(self.flags.ram.with_aligned(), host, expected, value);
        let changed = self.b.ins().icmp(IntCC::NotEqual, found, expected);
        let changed = self.b.ins().uextend(types::I64, changed);
        self.b.ins().jump(done, &[changed.into()]);

        self.b.switch_to_block(done);
        let result = self.b.block_params(done)[0];
        self.set_x(o.rd(), result);
    }

    /// Host address of an aligned operand at `(rs1)`; leaves for the interpreter if
    /// it is not aligned.
    fn atomic_pointer(&mut self, o: Operands, ty: Type, store: bool) -> Value {
        let first = self.x(o.rs1());
        let misaligned = self.b.ins().band_imm_u(first, i64::from(ty.bytes()) - 1);
        self.interpret_if(misaligned);
        let span = u8::try_from(ty.bytes()).unwrap_or(8);
        self.host_pointer(Group { first, span, store })
    }
}
