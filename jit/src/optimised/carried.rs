//! Registers carried in SSA values around a loop.
//!
//! ```text
//!  entry    loads the loop's registers; if the floating-point unit may not be used, or a
//!    │      single-precision register is not NaN-boxed, goes to the ordinary code of the block
//!    ▼
//!  header ◄─┐   a block parameter for each register, and one for the countdown
//!  blocks ──┘
//!    └────► exits: store what the loop writes, then leave as ordinary code does
//! ```
//!
//! Exits include the cold path of each access that misses the TLB, because it may abandon the
//! access. So where the loop can be left, the hart's state is what ordinary code would have
//! made it.
//!
//! Cranelift drops floating-point operations whose result is unused, and their flags with
//! them. Most results are used by the test for NaNs. The others, of conversions and comparisons,
//! are *pinned* up to the next exit, which uses them; if they are overwritten before, they are
//! stored.

use cranelift_codegen::ir::{self, Type, Value, types};
use riscope_core::addr::PageOffset;

use super::uses::Uses;

/// State of the translation of a loop.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Carried {
    pub(super) uses: Uses,
    pub(super) first: PageOffset,
    pub(super) header: ir::Block,
    /// The block of the loop behind the current one, and its code. The first is the header.
    pub(super) next: PageOffset,
    pub(super) next_code: ir::Block,
    /// Instructions left in the quantum.
    pub(super) countdown: Value,
    /// The count of instructions of this tier, plus the countdown.
    pub(super) sum: Value,
    /// Registers whose value in the hart's state may be old.
    pub(super) dirty_x: u32,
    pub(super) dirty_f: u32,
    pub(super) pinned_x: u32,
    pub(super) pinned_f: u32,
}

/// Cranelift type that carries a floating-point register.
pub(super) fn float_type(uses: Uses, register: usize) -> Type {
    match (uses.singles >> register & 1, uses.doubles >> register & 1) {
        (1, 0) => types::F32,
        (0, _) => types::F64,
        _ => types::I64,
    }
}
