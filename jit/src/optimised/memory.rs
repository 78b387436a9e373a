//! Address translation in Cranelift's code: guest virtual to host address. Templates have
//! their own, in `baseline/memory.rs`.
//!
//! [`Translator::host_pointer`] is the only implementation here. It takes a *group*, a base
//! address and the span of bytes that the following accesses touch, so that one check
//! serves several accesses. The hit is inlined. The miss is a cold block with a single
//! `preserve_all` call, whose only argument is already in its register, so that no register
//! has to be saved.
//!
//! ```text
//!   entry  = tlb + (first >> 12 & 2047) * 64
//!   offset = first - entry.start
//!   if offset + span - 1 >= entry.length → cold: cpu.refill(cpu), cpu.host
//!   host   = first + entry.addend
//! ```
//!
//! A refill that finds no RAM does not return: the abort stub unwinds the host stack to the
//! entry into generated code, and the interpreter executes the instruction again, including
//! its fault, device access or page crossing.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value, types};
use riscope_core::addr::PAGE_SHIFT;
use riscope_core::mmu::TLB_ENTRIES;

use super::translator::Translator;
use crate::abi::{self, Miss, Word, tlb};

/// Bytes covered by one TLB check.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Group {
    /// Virtual address of the first byte.
    pub(crate) first: Value,
    /// Number of bytes; 1 to 8 while a group is one access.
    pub(crate) span: u8,
    /// Whether any access of the group stores.
    pub(crate) store: bool,
}

const SLOT_MASK: i64 = abi::offset((TLB_ENTRIES - 1) << tlb::SLOT_SHIFT) as i64;

impl Translator<'_> {
    /// Host address of the first byte of `group`.
    pub(crate) fn host_pointer(&mut self, group: Group) -> Value {
        let half = if group.store { tlb::WRITE } else { tlb::READ };
        let (cold, hot, join) = (self.b.create_block(), self.b.create_block(), self.b.create_block());
        self.b.append_block_param(join, types::I64);
        self.b.set_cold_block(cold);

        let shifted = self.b.ins().ushr_imm_u(group.first, i64::from(PAGE_SHIFT - tlb::SLOT_SHIFT));
        let slot = self.b.ins().band_imm_u(shifted, SLOT_MASK);
        let entry = self.b.ins().iadd(self.tlb, slot);
        let start = self.b.ins().load(types::I64, self.flags.tlb, entry, half + tlb::START);
        let offset = self.b.ins().isub(group.first, start);
        let last = if group.span == 1 { offset } else { self.b.ins().iadd_imm_s(offset, i64::from(group.span) - 1) };
        let length = self.b.ins().load(types::I64, self.flags.tlb, entry, half + tlb::LENGTH);
        let miss = self.b.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, last, length);
        // The successor named last is laid out next to the branch.
        self.b.ins().brif(miss, cold, &[], hot, &[]);

        self.b.switch_to_block(hot);
        let addend = self.b.ins().load(types::I64, self.flags.tlb, entry, half + tlb::ADDEND);
        let host = self.b.ins().iadd(group.first, addend);
        self.b.ins().jump(join, &[host.into()]);

        self.b.switch_to_block(cold);
        let host = self.refill(group);
        self.b.ins().jump(join, &[host.into()]);

        self.b.switch_to_block(join);
        self.b.block_params(join)[0]
    }

    fn refill(&mut self, group: Group) -> Value {
        self.write_back();
        let miss = Miss { len: group.span, store: group.store, unretired: self.unretired(), pc_delta: self.pc_delta() };
        let kind = self.b.ins().iconst(types::I64, miss.pack());
        self.store_state(abi::word(Word::MissAddress), group.first);
        self.store_state(abi::word(Word::MissKind), kind);
        self.store_state(abi::PC, self.entry_pc);
        let thunk = self.load_state(types::I64, abi::word(Word::Refill));
        self.b.ins().call_indirect(self.signatures.refill, thunk, &[self.cpu]);
        self.load_state(types::I64, abi::word(Word::HostAddress))
    }
}
