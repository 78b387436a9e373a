//! Tracer: an interpreter that writes a line of text per executed instruction.
//!
//! A line has the format of Spike's commit log (`--log-commits`), followed by a semicolon and
//! the disassembly; the text before the semicolon can be compared with that log:
//!
//! ```text
//! core   0: 3 0x0000000080000018 (0x00733423) mem 0x0000000080000078 0xfffffffffffffffe ; sd t2,8(t1)
//! core   0: 3 0x0000000080000020 (0x0385) x7  0x000000000000ffff ; c.addi t2,t2,1
//! core   0: 3 0x0000000080000028 (0x00000073) exception ecall_m tval 0x0000000000000000 ; ecall
//! core   0: 3 0x000000008000003c interrupt machine_software
//! ```
//!
//! | part | is |
//! |---|---|
//! | `core   0:` | the hart |
//! | `3` | its privilege mode before the instruction: 3 machine, 1 supervisor, 0 user |
//! | `0x..14` | `pc` |
//! | `(0x4295)` | bits of the instruction, four or eight digits |
//! | `x5 0x..`, `f10 0x..` | the destination register and its value; `x0` is not shown |
//! | `c773_mtvec 0x..` | a control register written by name, and its value afterwards; also `mstatus` and `fflags` if the instruction changes them |
//! | `mem A` | virtual address of a load, or the block that `cbo.zero` clears |
//! | `mem A V` | virtual address of a store, and the value in two digits for each byte |
//! | `exception C tval V` | the trap that the instruction raised instead of retiring, and its trap value |
//! | `interrupt C` | an interrupt that was taken before the instruction at `pc` |
//!
//! Causes have the names of the metrics. A fetch that faults has no bits and no disassembly.
//! An `ecall` that the built-in SBI serves is a line without registers.
//!
//! Unlike Spike, a trace omits `fflags` if an instruction raises only flags that are set
//! already, and the 64 bytes that `cbo.zero` stores.

mod effect;
mod line;

use std::fmt::Debug;
use std::sync::Arc;

use crate::addr::GuestAddr;
use crate::arch::{ExceptionCause, Interrupt};
use crate::counters::HartActivity;
use crate::engine::{Engine, EngineContext, EngineFactory, EngineSetupError, Exit, run_quanta};
use crate::hart::{Hart, PrivilegeMode, status};
use crate::interp::{BlockEnd, Interpreter, QUANTUM};
use effect::Watch;
use line::{Lines, Place};

/// Bytes that a hart buffers before it passes them to the sink.
const GATHERED: usize = 64 << 10;

/// Destination of the traces of all harts of a machine.
pub trait TraceSink: Send + Sync + Debug {
    /// Writes complete lines of one hart, in execution order. The hart waits meanwhile.
    fn write(&self, lines: &str);
}

/// Factory of tracers.
#[derive(Clone, Debug)]
pub struct TraceFactory {
    sink: Arc<dyn TraceSink>,
}

impl TraceFactory {
    /// Factory of tracers that write to `sink`.
    pub fn new(sink: Arc<dyn TraceSink>) -> Self {
        Self { sink }
    }
}

impl EngineFactory for TraceFactory {
    fn name(&self) -> &'static str {
        "interpreter"
    }

    fn engines(&self, _context: &EngineContext, harts: usize) -> Result<Vec<Box<dyn Engine>>, EngineSetupError> {
        let engine = || Box::new(Tracer::new(Arc::clone(&self.sink))) as Box<dyn Engine>;
        Ok(std::iter::repeat_with(engine).take(harts).collect())
    }
}

/// Tracer of one hart. It polls where the interpreter polls, so deterministic machines run
/// identically on both.
#[derive(Debug)]
struct Tracer {
    interpreter: Interpreter,
    sink: Arc<dyn TraceSink>,
    /// Lines that are not passed to the sink yet.
    lines: Lines,
    /// Interrupts taken by the hart that have been traced.
    interrupts: u64,
}

impl Engine for Tracer {
    fn run(&mut self, hart: &mut Hart, limit: u64) -> Exit {
        self.interrupts = interrupts(hart);
        let exit = run_quanta(hart, limit, QUANTUM, |hart| self.run_quantum(hart));
        self.hand_over();
        exit
    }
}

impl Drop for Tracer {
    /// Writes the last lines if the hart's thread panics.
    fn drop(&mut self) {
        self.hand_over();
    }
}

impl Tracer {
    fn new(sink: Arc<dyn TraceSink>) -> Self {
        Self { interpreter: Interpreter::default(), sink, lines: Lines::default(), interrupts: 0 }
    }

    fn run_quantum(&mut self, hart: &mut Hart) -> Option<Exit> {
        hart.control().set_activity(HartActivity::Interpreter);
        if interrupts(hart) != self.interrupts {
            self.interrupts = interrupts(hart);
            let trap = last_trap(hart);
            let taken = Interrupt::ALL.iter().find(|&&interrupt| interrupt as u64 == trap.code);
            let place = Place { hart: hart.id(), mode: trap.mode, pc: trap.pc };
            self.lines.interrupt(place, taken.map_or("unknown", |interrupt| interrupt.as_str()));
        }
        loop {
            if self.lines.text().len() >= GATHERED {
                self.hand_over();
            }
            match self.step(hart) {
                BlockEnd::Jump | BlockEnd::Hot { .. } => {}
                BlockEnd::Poll => return None,
                BlockEnd::Exit(exit) => return Some(exit),
            }
        }
    }

    /// Executes one instruction and traces it.
    fn step(&mut self, hart: &mut Hart) -> BlockEnd {
        if hart.state.countdown <= 0 {
            return BlockEnd::Poll;
        }
        let bits = self.interpreter.fetch(hart);
        let place = Place { hart: hart.id(), mode: hart.mode(), pc: hart.pc() };
        let retired = hart.instructions_retired();
        let watch = Watch::new(hart, bits);
        let end = self.interpreter.step(hart);
        let is_trap = hart.instructions_retired() == retired && end != BlockEnd::Exit(Exit::SbiCall);
        if is_trap {
            let trap = last_trap(hart);
            let cause = ExceptionCause::ALL.iter().find(|&&cause| cause as u64 == trap.code);
            self.lines.exception(place, bits, cause.map_or("unknown", |cause| cause.as_str()), trap.value);
        } else if let Some(bits) = bits {
            let effect = watch.effect(hart);
            self.lines.instruction(place, bits, &effect);
        }
        end
    }

    fn hand_over(&mut self) {
        if !self.lines.text().is_empty() {
            self.sink.write(self.lines.text());
            self.lines.clear();
        }
    }
}

/// Number of interrupts that the hart has taken.
fn interrupts(hart: &Hart) -> u64 {
    hart.counters().interrupts().iter().fold(0, |sum, count| sum.wrapping_add(*count))
}

/// Trap that a hart has just taken, as the trap registers of its mode describe it.
struct Trap {
    /// Mode before the trap.
    mode: PrivilegeMode,
    /// `pc` before the trap.
    pc: GuestAddr,
    /// Cause without the bit that tells interrupts from exceptions.
    code: u64,
    value: u64,
}

fn last_trap(hart: &Hart) -> Trap {
    let (bits, csr) = (hart.state.status, &hart.csr);
    let code = |cause: u64| cause & (u64::MAX >> 1);
    if hart.mode() == PrivilegeMode::Machine {
        let mode = PrivilegeMode::from_bits(bits >> status::MPP_SHIFT);
        Trap { mode, pc: GuestAddr(csr.mepc), code: code(csr.mcause), value: csr.mtval }
    } else {
        let mode = if bits & status::SPP != 0 { PrivilegeMode::Supervisor } else { PrivilegeMode::User };
        let state = &hart.state;
        Trap { mode, pc: GuestAddr(state.sepc), code: code(state.scause), value: state.stval }
    }
}
