//! How an instruction may be translated.

use riscope_core::isa::Operands;

use super::emitter::Emitter;

/// Emits the host code of an instruction with these operands.
pub(super) type Emit = fn(&mut Emitter<'_>, Operands);

/// How an instruction is translated. At most one value beside the kind, so that it is passed in
/// registers.
#[derive(Clone, Copy, Debug)]
pub(super) enum Template {
    /// By this, and execution goes on behind it.
    Straight(Emit),
    /// As [`Template::Straight`], but with ways out of its own, so that it is emitted only once:
    /// not in a group of accesses.
    Alone(Emit),
    /// By this, and execution goes on at the target that the instruction encodes.
    Jump(Emit),
    /// By this, and execution goes on there or behind it.
    Branch(Emit),
    /// By this, and execution goes on elsewhere.
    Leave(Emit),
    /// By a call of its interpreter's handler, behind which execution goes on.
    Call,
    /// By such a call, behind which it hardly ever does: the line ends there.
    LastCall,
    /// By the interpreter as a whole: its second half is on the next page, which may be
    /// rewritten or mapped elsewhere without this one. Execution goes on where that says.
    Across,
}

/// Where execution goes on after an instruction, as far as it may belong to the same unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Successors {
    /// With the next instruction in memory.
    Behind,
    /// At the target that the instruction encodes.
    Target,
    /// At either.
    TargetOrBehind,
    /// At an address that is computed, or at a callee, which is no reason to make it part of
    /// the unit: the code behind a call is entered by the return.
    Elsewhere,
}

impl Template {
    pub(super) fn successors(self) -> Successors {
        match self {
            Self::Straight(_) | Self::Alone(_) | Self::Call => Successors::Behind,
            Self::Jump(_) => Successors::Target,
            Self::Branch(_) => Successors::TargetOrBehind,
            Self::Leave(_) | Self::LastCall | Self::Across => Successors::Elsewhere,
        }
    }

    /// Whether the interpreter is called, which works on the hart's registers in
    /// memory.
    pub(super) fn calls(self) -> bool {
        matches!(self, Self::Call | Self::LastCall | Self::Across)
    }
}
