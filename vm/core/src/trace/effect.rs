//! Effects of an instruction on registers and memory, from the hart's state before and
//! after it.

use crate::addr::GuestAddr;
use crate::hart::Hart;
use crate::isa::a::A;
use crate::isa::decode::row_of;
use crate::isa::i::I;
use crate::isa::privileged::Privileged;
use crate::isa::zicsr::Zicsr;
use crate::isa::{Format, Op, Operands, Row, decode};
use crate::mmio::Width;

/// `fflags`, `frm` and `fcsr`.
const FFLAGS: u16 = 0x001;
const FRM: u16 = 0x002;
const FCSR: u16 = 0x003;
/// S-mode registers that are views of M-mode registers.
const SSTATUS: u16 = 0x100;
const SIE: u16 = 0x104;
const SIP: u16 = 0x144;
const MSTATUS: u16 = 0x300;
const MIE: u16 = 0x304;
const MIP: u16 = 0x344;

/// Bytes that `cbo.zero` clears.
const BLOCK: u64 = 64;

/// A destination register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Register {
    /// Integer register, 1 to 31.
    X(usize),
    /// Floating-point register, 0 to 31.
    F(usize),
}

/// An access to memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Memory {
    /// A load, or the block of `cbo.zero`.
    At(GuestAddr),
    /// A store of the low `bytes` bytes of `value`.
    Stored { at: GuestAddr, value: u64, bytes: usize },
}

/// Effects of a retired instruction.
#[derive(Debug, Default)]
pub(super) struct Effect {
    pub(super) register: Option<(Register, u64)>,
    /// Numbers and values of control registers.
    pub(super) csrs: Vec<(u16, u64)>,
    pub(super) memory: Vec<Memory>,
}

/// State before the instruction is executed.
#[derive(Debug)]
pub(super) struct Watch {
    insn: Option<(&'static Row, Operands)>,
    /// Effective address of an instruction that accesses memory.
    address: u64,
    /// Value that a store writes.
    stored: u64,
    status: u64,
    fflags: u64,
    sc_failures: u64,
}

impl Watch {
    /// State of `hart` before the instruction `bits`, if it can be fetched.
    pub(super) fn new(hart: &Hart, bits: Option<u32>) -> Self {
        let insn = bits.and_then(decode).and_then(|insn| Some((row_of(insn.op)?, insn.operands)));
        let (format, o) = insn.map_or((Format::Exact, Operands::NONE), |(row, o)| (row.format, o));
        let offset = match format {
            Format::Load | Format::FpLoad | Format::S | Format::FpS => o.imm_u64(),
            _ => 0,
        };
        Self {
            insn,
            address: hart.x(o.rs1()).wrapping_add(offset),
            stored: if format == Format::FpS { hart.f(o.rs2()) } else { hart.x(o.rs2()) },
            status: hart.state.status,
            fflags: hart.state.fflags,
            sc_failures: sc_failures(hart),
        }
    }

    /// Effects on `hart` of the instruction, which has retired.
    pub(super) fn effect(&self, hart: &mut Hart) -> Effect {
        let Some((row, o)) = self.insn else { return Effect::default() };
        let memory = self.memory(hart, row);
        let register = destination(row.format, o).map(|register| match register {
            Register::X(n) => (register, hart.x(n)),
            Register::F(n) => (register, hart.f(n)),
        });
        let csrs = self.csrs(hart, row.op, o);
        let csrs = csrs.into_iter().filter_map(|number| Some((number, hart.peek_csr(number)?))).collect();
        Effect { register, csrs, memory }
    }

    /// Numbers of the control registers that were written or changed.
    fn csrs(&self, hart: &Hart, op: Op, o: Operands) -> Vec<u16> {
        let mut written = if writes_csr(op, o) { shown_as(o.imm()) } else { Vec::new() };
        let returns = matches!(op, Op::Privileged(Privileged::Mret | Privileged::Sret));
        for (number, is_changed) in
            [(MSTATUS, returns || hart.state.status != self.status), (FFLAGS, hart.state.fflags != self.fflags)]
        {
            if is_changed && !written.contains(&number) {
                written.push(number);
            }
        }
        written
    }

    fn memory(&self, hart: &mut Hart, row: &Row) -> Vec<Memory> {
        let (address, bytes) = (self.address, width(row));
        let at = GuestAddr(address);
        match row.format {
            // It has the format of a load.
            Format::Load if row.op == Op::I(I::Jalr) => Vec::new(),
            Format::Load | Format::FpLoad | Format::Lr => vec![Memory::At(at)],
            Format::Cbo => vec![Memory::At(GuestAddr(address & !(BLOCK - 1)))],
            Format::S | Format::FpS => vec![Memory::Stored { at, value: self.stored, bytes }],
            Format::Amo if matches!(row.op, Op::A(A::ScW | A::ScD)) => {
                let has_failed = sc_failures(hart) != self.sc_failures;
                if has_failed { Vec::new() } else { vec![Memory::Stored { at, value: self.stored, bytes }] }
            }
            Format::Amo => {
                // Reads back the value, which another hart may have overwritten.
                let now = hart.peek_atomic(address, if bytes == 4 { Width::Word } else { Width::Double });
                let stored = now.map(|value| Memory::Stored { at, value, bytes });
                [Memory::At(at)].into_iter().chain(stored).collect()
            }
            _ => Vec::new(),
        }
    }
}

fn sc_failures(hart: &Hart) -> u64 {
    let [failures] = hart.counters().sc_failures();
    failures
}

/// Access width in bytes of a load, store or atomic.
fn width(row: &Row) -> usize {
    1 << (row.bits >> 12 & 3)
}

/// Whether an instruction writes a control register: `csrrs` and `csrrc` do not if their
/// source is `x0` or 0.
fn writes_csr(op: Op, o: Operands) -> bool {
    match op {
        Op::Zicsr(Zicsr::Csrrw | Zicsr::Csrrwi) => true,
        Op::Zicsr(Zicsr::Csrrs | Zicsr::Csrrsi | Zicsr::Csrrc | Zicsr::Csrrci) => o.rs1() != 0,
        _ => false,
    }
}

/// Registers whose values are shown for a write to CSR `number`.
fn shown_as(number: i32) -> Vec<u16> {
    match u16::try_from(number) {
        Ok(FCSR) => vec![FFLAGS, FRM],
        Ok(SSTATUS) => vec![MSTATUS],
        Ok(SIE) => vec![MIE],
        Ok(SIP) => vec![MIP],
        Ok(number) => vec![number],
        Err(_) => Vec::new(),
    }
}

/// The register that an instruction of this format writes.
fn destination(format: Format, o: Operands) -> Option<Register> {
    let integer = (o.rd() != 0).then_some(Register::X(o.rd()));
    match format {
        Format::R
        | Format::R1
        | Format::I
        | Format::Load
        | Format::Shift64
        | Format::Shift32
        | Format::U
        | Format::J
        | Format::Csr
        | Format::CsrImm
        | Format::Amo
        | Format::Lr
        | Format::FpCmp
        | Format::FpToIntRm
        | Format::FpToInt => integer,
        Format::FpLoad
        | Format::FpRm
        | Format::Fp
        | Format::FpFma
        | Format::Fp1Rm
        | Format::FpFromIntRm
        | Format::FpFromInt => Some(Register::F(o.rd())),
        Format::S
        | Format::B
        | Format::Fence
        | Format::FenceI
        | Format::Exact
        | Format::Sfence
        | Format::Cbo
        | Format::FpS => None,
    }
}
