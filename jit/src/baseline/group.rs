//! Groups of accesses that are translated together: in a block, those with the same base
//! register, as of a stack frame or a structure, whose distances differ by little.
//!
//! One probe of the TLB covers the whole group. If it hits, [`POINTER`] holds the host address
//! that corresponds to the base, and each access is one instruction. Otherwise a copy of the
//! code, placed with what rarely runs, has a probe for each access.

use super::operand::Reg;

/// Holds the host address of a group's base, in fragments that have groups.
pub(super) const POINTER: Reg = Reg::R11;

/// An access of an instruction to memory at `imm(rs1)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Access {
    pub(super) bytes: u8,
    pub(super) store: bool,
}

/// A group of accesses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Group {
    /// Indices of the instructions with the first and with the last access.
    pub(super) first: usize,
    pub(super) last: usize,
    /// Guest register of the base.
    pub(super) base: usize,
    /// Distance of the lowest byte from the base.
    pub(super) low: i32,
    /// Bytes from there to behind the highest one.
    pub(super) span: i32,
    /// Whether one of them stores.
    pub(super) store: bool,
}
