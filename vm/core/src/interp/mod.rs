//! Interpreter: the reference engine, which defines the effect of each instruction.
//!
//! ```text
//!  decoded.rs pc → physical page with decoded lines; which of them are kept
//!  page.rs    physical page → cells, each a handler and its operands
//!  heat.rs    arrivals at blocks
//!  run.rs     the loop over cells, and `impl Engine`
//!  i.rs m.rs a.rs …  handlers, under the file names of crate::isa
//! ```
//!
//! An instruction is decoded once per physical page and hart, into a cell that holds its
//! handler; the loop calls through cells.

// Truncation and sign changes of register values are the semantics of instructions.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "the casts are the semantics of the instructions"
)]

mod a;
mod across;
mod d;
mod decoded;
mod fetch;
mod float;
mod heat;
mod i;
mod line;
mod m;
mod page;
mod privileged;
mod run;
mod zba;
mod zbb;
mod zbs;
mod zicboz;
mod zicond;
mod zicsr;
mod zifencei;

use crate::fp::{F32, F64};
use crate::hart::{Exception, Hart};
use crate::isa::float::Precision;
use crate::isa::{Op, Operands};

pub use page::Executed;
pub(crate) use run::QUANTUM;
pub use run::{BlockEnd, Interpreter, InterpreterFactory, finish};

/// Continuation after an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// The next instruction.
    Next,
    /// The instruction at `pc`, which this one has set.
    Jump,
    /// The next instruction, after a poll: interrupt enables or address translation may
    /// have changed.
    Resync,
    /// The instruction at `pc`, after a poll.
    JumpResync,
    /// The trap handler for `hart.exception`. The instruction has not retired.
    Trap,
    /// Sleep: `wfi` retired with no interrupt pending.
    Wfi,
    /// The built-in SBI: an `ecall` that retires once the caller has served it.
    SbiCall,
}

/// Executes one instruction on a hart whose `pc` is at it.
pub type Handler = fn(&mut Hart, Operands) -> Flow;

/// The handler of an operation.
pub fn handler(op: Op) -> Handler {
    match op {
        Op::I(op) => i::handler(op),
        Op::M(op) => m::handler(op),
        Op::A(op) => a::handler(op),
        Op::Float(op, Precision::Single) => float::handler::<F32>(op),
        Op::Float(op, Precision::Double) => float::handler::<F64>(op),
        Op::D(op) => d::handler(op),
        Op::Zicsr(op) => zicsr::handler(op),
        Op::Zifencei(op) => zifencei::handler(op),
        Op::Privileged(op) => privileged::handler(op),
        Op::Zba(op) => zba::handler(op),
        Op::Zbb(op) => zbb::handler(op),
        Op::Zbs(op) => zbs::handler(op),
        Op::Zicond(op) => zicond::handler(op),
        Op::Zicboz(op) => zicboz::handler(op),
    }
}

impl Hart {
    /// Ends the instruction with `exception`.
    #[cold]
    fn raise(&mut self, exception: Exception) -> Flow {
        self.exception = exception;
        Flow::Trap
    }

    /// Ends the instruction with an illegal-instruction exception. Fetches it again for the
    /// trap value.
    #[cold]
    fn raise_illegal(&mut self) -> Flow {
        let bits = self.fetch_bits();
        self.raise(Exception::illegal(bits))
    }
}

/// `rd = f(rs1, rs2)`
macro_rules! reg_reg {
    (|$a:ident, $b:ident| $result:expr) => {
        |hart, o| {
            let ($a, $b) = (hart.x(o.rs1()), hart.x(o.rs2()));
            hart.set_x(o.rd(), $result);
            $crate::interp::Flow::Next
        }
    };
}

/// `rd = f(rs1, imm)`, the immediate sign-extended to 64 bits.
macro_rules! reg_imm {
    (|$a:ident, $imm:ident| $result:expr) => {
        |hart, o| {
            let ($a, $imm) = (hart.x(o.rs1()), o.imm_u64());
            hart.set_x(o.rd(), $result);
            $crate::interp::Flow::Next
        }
    };
}

/// `rd = f(rs1)`
macro_rules! reg {
    (|$a:ident| $result:expr) => {
        |hart, o| {
            let $a = hart.x(o.rs1());
            hart.set_x(o.rd(), $result);
            $crate::interp::Flow::Next
        }
    };
}
use {reg, reg_imm, reg_reg};

/// Sign-extends a 32-bit result to register width.
#[inline(always)]
fn sext32(value: u32) -> u64 {
    i64::from(value as i32) as u64
}
