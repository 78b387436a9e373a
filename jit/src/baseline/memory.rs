//! Guest address to host address: the probe of the TLB, and what happens when it misses.
//!
//! ```text
//!   rax    = base + imm
//!   rcx    = tlb + (rax >> 12 & 2047) * 64
//!   rdx    = rax + size - 1 - rcx.start
//!   if rdx >= rcx.length → cold: call the refill thunk, which returns the host address in rax
//!   rax   += rcx.addend
//! ```
//!
//! Where code rarely runs, a thunk does all of this ([`Emitter::rare`]).

use riscope_core::addr::PAGE_SHIFT;
use riscope_core::isa::Operands;
use riscope_core::mmu::TLB_ENTRIES;

use super::assembler::Label;
use super::cold::{Cold, Stub};
use super::emitter::{Emitter, state};
use super::group::{Group, POINTER};
use super::opcode::Opcode;
use super::operand::{Condition, Mem, Reg, Source, Width};
use super::sequence::Sequence;
use super::site::{BLOCK_BYTES, Demand, MissSite};
use crate::abi::{self, tlb};

/// Right shift from an address to the byte offset of its slot before it is masked.
pub(super) const VA_TO_SLOT: u8 = (PAGE_SHIFT - tlb::SLOT_SHIFT).to_le_bytes()[0];
pub(super) const SLOT_MASK: i32 = abi::offset((TLB_ENTRIES - 1) << tlb::SLOT_SHIFT);

/// `rcx` = the slot of the TLB for the address in `rax`.
const TO_SLOT: Sequence = Sequence::EMPTY
    .reg_reg(Opcode::one(0x8b), Reg::RCX, Reg::RAX)
    .reg_imm8(Opcode::one(0xc1), 5, Reg::RCX, VA_TO_SLOT.cast_signed())
    .reg_imm32(Opcode::one(0x81), 4, Reg::RCX, SLOT_MASK)
    .reg_mem(Opcode::one(0x03).wide(), Reg::RCX, state(abi::TLB));

const TO_LOAD: (Sequence, Sequence) = check(tlb::READ);
const TO_STORE: (Sequence, Sequence) = check(tlb::WRITE);

/// Goes elsewhere if the last byte, whose address is in `rdx`, is not in what this half of the slot
/// in `rcx` has, without and with what follows that jump: `rax` becomes the host
/// address.
const fn check(half: i32) -> (Sequence, Sequence) {
    const fn entry(half: i32, offset: i32) -> Mem {
        Mem { base: Reg::RCX, offset: half + offset }
    }
    let check = Sequence::EMPTY
        .reg_mem(Opcode::one(0x2b).wide(), Reg::RDX, entry(half, tlb::START))
        .reg_mem(Opcode::one(0x3b).wide(), Reg::RDX, entry(half, tlb::LENGTH))
        .jump_if(Condition::AboveEqual);
    (check, check.reg_mem(Opcode::one(0x03).wide(), Reg::RAX, entry(half, tlb::ADDEND)))
}

impl Emitter<'_> {
    /// Host address of the memory operand `imm(rs1)`: in [`POINTER`] within a group, otherwise in
    /// `rax`. Changes `rcx` and `rdx`.
    pub(super) fn host_pointer(&mut self, o: Operands, bytes: u8, store: bool) -> Mem {
        if self.group.is_some_and(|group| group.base == o.rs1()) {
            return Mem { base: POINTER, offset: o.imm() };
        }
        let base = self.x_in(o.rs1(), Reg::RAX);
        self.address(base, o.imm());
        if self.rare {
            let site = self.site(bytes, store, Demand::Nothing);
            self.call_with_site(site, Stub::Probe);
        } else {
            let label = self.asm.label();
            self.probe_or_miss(i32::from(bytes), label, self.site(bytes, store, Demand::Nothing));
        }
        Mem { base: Reg::RAX, offset: 0 }
    }

    /// Host address of the operand of an atomic at `(rs1)`, in `rax`. Changes `rcx` and `rdx`.
    pub(super) fn atomic_pointer(&mut self, o: Operands, bytes: u8, store: bool) {
        self.copy_x(o.rs1(), Reg::RAX);
        let label = self.asm.label();
        self.asm.test_low(Reg::RAX, bytes - 1);
        self.asm.jump_if(Condition::NotEqual, label);
        self.probe_or_miss(i32::from(bytes), label, self.site(bytes, store, Demand::Alignment));
    }

    /// Host address of the cache block that `rs1` is an address in, in `rax`. Changes `rcx` and
    /// `rdx`.
    pub(super) fn block_pointer(&mut self, o: Operands) {
        self.copy_x(o.rs1(), Reg::RAX);
        self.asm.and(Width::Double, Reg::RAX, -i32::from(BLOCK_BYTES));
        let label = self.asm.label();
        self.probe_or_miss(i32::from(BLOCK_BYTES), label, self.site(8, true, Demand::Block));
    }

    /// An access of the current instruction.
    fn site(&self, bytes: u8, store: bool, demand: Demand) -> MissSite {
        MissSite {
            distance: self.distance(self.at()),
            uncounted: self.uncounted(),
            bytes,
            store,
            demand,
            dirty: self.registers.hosts_of(self.dirty()),
        }
    }

    /// Turns `rax` into the host address; refills the TLB at `label`, behind the hot code.
    fn probe_or_miss(&mut self, bytes: i32, label: Label, site: MissSite) {
        self.probe(bytes, site.store, label);
        let back = self.asm.label();
        self.asm.bind(back);
        self.cold.push(Cold::Miss { label, back, site });
    }

    /// `rax = base + distance`
    fn address(&mut self, base: Reg, distance: i32) {
        if distance == 0 {
            self.asm.mov(Reg::RAX, base);
        } else {
            self.asm.lea(Width::Double, Reg::RAX, base, distance);
        }
    }

    /// Turns `rax` into the host address if the TLB has all of these bytes from there on;
    /// otherwise goes to `cold` with `rax` unchanged. Changes `rcx` and `rdx`.
    fn probe(&mut self, bytes: i32, store: bool, cold: Label) {
        let (check, whole) = if store { &TO_STORE } else { &TO_LOAD };
        self.asm.sequence(&TO_SLOT);
        self.asm.lea(Width::Double, Reg::RDX, Reg::RAX, bytes - 1);
        self.asm.sequence_jumping(whole, check.len, cold);
    }

    /// Probes for a group, whose first instruction is the current one.
    pub(super) fn open_group(&mut self, group: Group) {
        let base = self.x_in(group.base, Reg::RAX);
        self.address(base, group.low);
        let (label, join) = (self.asm.label(), self.asm.label());
        self.probe(group.span, group.store, label);
        self.asm.lea(Width::Double, POINTER, Reg::RAX, -group.low);
        let (loaded, dirty, uncounted) = (self.loaded, self.dirty, self.uncounted);
        self.cold.push(Cold::Group { label, group, join, loaded, dirty, uncounted });
        self.group = Some(group);
        self.join = Some(join);
    }

    /// Ends the group whose last instruction is the current one, if one ends here.
    pub(super) fn close_group(&mut self, n: usize) {
        if self.group.is_some_and(|group| group.last == n) {
            self.group = None;
            if let Some(join) = self.join.take() {
                self.asm.bind(join);
            }
        }
    }

    pub(super) fn load_from_memory(&mut self, o: Operands, bytes: u8, signed: bool) {
        let host = self.host_pointer(o, bytes, false);
        let d = self.result(o.rd(), Reg::RAX);
        self.asm.load_sized(d, host, bytes, signed);
        self.set_x(o.rd(), d);
    }

    pub(super) fn store_to_memory(&mut self, o: Operands, bytes: u8) {
        // Before the branch to the miss: it has to be loaded on both ways.
        let value = self.x(o.rs2());
        let host = self.host_pointer(o, bytes, true);
        match value {
            Source::Imm(_) => self.asm.store_zero(host, bytes),
            value => {
                let register = match value {
                    Source::Reg(register) => register,
                    other => {
                        self.asm.mov(Reg::RCX, other);
                        Reg::RCX
                    }
                };
                self.asm.store_sized(host, register, bytes);
            }
        }
    }
}
