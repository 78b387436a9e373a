//! A extension: atomic memory operations.
//!
//! A misaligned address is turned into a TLB miss; the interpreter then raises the
//! exception. Load-reserved and store-conditional follow `riscope_core::interp`: a
//! reservation is the host address and the value loaded.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{AtomicRmwOp, InstBuilder, Type, Value, types};
use riscope_core::isa::Operands;
use riscope_core::isa::a::A;

use super::lowering::{Lowering, bytes};
use super::memory::Group;
use super::translator::Translator;
use crate::abi;

macro_rules! amo {
    ($operation:ident, $ty:ident) => {
        Lowering::Straight(|t, o| t.read_modify_write(o, AtomicRmwOp::$operation, types::$ty))
    };
}

pub(super) fn lowering(op: A) -> Lowering {
    match op {
        A::LrW => Lowering::Straight(|t, o| t.load_reserved(o, types::I32)),
        A::ScW => Lowering::Straight(|t, o| t.store_conditional(o, types::I32)),
        A::AmoswapW => amo!(Xchg, I32),
        A::AmoaddW => amo!(Add, I32),
        A::AmoxorW => amo!(Xor, I32),
        A::AmoandW => amo!(And, I32),
        A::AmoorW => amo!(Or, I32),
        A::AmominW => amo!(Smin, I32),
        A::AmomaxW => amo!(Smax, I32),
        A::AmominuW => amo!(Umin, I32),
        A::AmomaxuW => amo!(Umax, I32),
        A::LrD => Lowering::Straight(|t, o| t.load_reserved(o, types::I64)),
        A::ScD => Lowering::Straight(|t, o| t.store_conditional(o, types::I64)),
        A::AmoswapD => amo!(Xchg, I64),
        A::AmoaddD => amo!(Add, I64),
        A::AmoxorD => amo!(Xor, I64),
        A::AmoandD => amo!(And, I64),
        A::AmoorD => amo!(Or, I64),
        A::AmominD => amo!(Smin, I64),
        A::AmomaxD => amo!(Smax, I64),
        A::AmominuD => amo!(Umin, I64),
        A::AmomaxuD => amo!(Umax, I64),
    }
}

impl Translator<'_> {
    fn read_modify_write(&mut self, o: Operands, operation: AtomicRmwOp, ty: Type) {
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

    /// Host address of the operand at `(rs1)`. Exits to the interpreter if it is
    /// misaligned.
    fn atomic_pointer(&mut self, o: Operands, ty: Type, store: bool) -> Value {
        let first = self.x(o.rs1());
        let misaligned = self.b.ins().band_imm_u(first, i64::from(ty.bytes()) - 1);
        self.interpret_if(misaligned);
        self.host_pointer(Group { first, span: bytes(ty), store })
    }
}
