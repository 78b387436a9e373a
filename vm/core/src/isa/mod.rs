//! Instruction set: one row declares an instruction's mnemonic, format and encoding.
//!
//! ```text
//!  i.rs m.rs a.rs …  rows per extension ─┐
//!  compressed.rs     16-bit rows         ├─► decode.rs       bits → Insn
//!  format.rs         operand fields     ─┘   crate::disasm   bits → text
//! ```
//!
//! [`crate::interp`] implements the instructions, under the same file names. Encodings
//! follow "RV32/64G instruction set listings" of the unprivileged specification.

mod class;
pub(crate) mod decode;
mod format;
mod insn;
mod row;

pub mod a;
pub mod compressed;
pub mod d;
pub mod float;
pub mod i;
pub mod m;
pub mod privileged;
pub mod zba;
pub mod zbb;
pub mod zbs;
pub mod zicboz;
pub mod zicond;
pub mod zicsr;
pub mod zifencei;

pub use class::OpClass;
pub use decode::decode;
pub use format::Format;
pub use insn::{Insn, Operands};
pub use row::{Row, rows};

/// Operation, by the extension that defines it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// Base integer instructions.
    I(i::I),
    /// Integer multiplication and division.
    M(m::M),
    /// Atomics.
    A(a::A),
    /// Floating point in one precision.
    Float(float::Float, float::Precision),
    /// Conversions between precisions.
    D(d::D),
    /// Control and status register access.
    Zicsr(zicsr::Zicsr),
    /// Instruction-fetch fence.
    Zifencei(zifencei::Zifencei),
    /// Trap returns, `wfi` and translation fences.
    Privileged(privileged::Privileged),
    /// Address generation.
    Zba(zba::Zba),
    /// Basic bit manipulation.
    Zbb(zbb::Zbb),
    /// Single-bit instructions.
    Zbs(zbs::Zbs),
    /// Conditional zero.
    Zicond(zicond::Zicond),
    /// Cache-block zero.
    Zicboz(zicboz::Zicboz),
}
