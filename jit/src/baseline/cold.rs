//! What is emitted behind the hot code.

use riscope_core::addr::PageOffset;

use super::assembler::Label;
use super::group::Group;
use super::operand::Source;
use super::registers::Set;
use super::site::{CallSite, MissSite};

/// Code that is rarely executed, emitted behind the rest.
#[derive(Debug)]
pub(super) enum Cold {
    /// What may be executed from offset `at` on does not fit the countdown.
    Quantum { label: Label, at: PageOffset, dirty: Set },
    /// The interpreter has to execute the instruction at this offset, behind as many that were
    /// not counted yet.
    Interpret { label: Label, at: PageOffset, dirty: Set, uncounted: u8 },
    /// A jump that leaves the fragment, behind as many instructions that were not counted yet.
    Exit { label: Label, to: Target, dirty: Set, uncounted: u8 },
    /// An access that missed the TLB, with its address in `rax`.
    Miss { label: Label, back: Label, site: MissSite },
    /// The jump cache does not know the address in `rsi`, which is called.
    UnknownCall { label: Label, way: Call },
    /// The instructions of a group of which the TLB does not have everything.
    Group { label: Label, group: Group, join: Label, loaded: Set, dirty: Set, uncounted: u8 },
    /// The host's stack has no room for another call.
    Deep { label: Label, back: Label },
    /// What the call thunk has to know of an instruction.
    CallSite { label: Label, site: CallSite },
}

/// What stands once in a fragment, behind everything else, if it is gone to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stub {
    /// An access missed the TLB: with its address in `rax` and the word of its site in `ecx`.
    Refill,
    /// As [`Stub::Refill`], but nobody has looked into the TLB yet.
    Probe,
    /// A return to the address in `rsi`, which is not behind the last call on the host's stack.
    Unpredicted,
    /// The jump cache does not know the address in `rsi`.
    Unknown,
    /// The handler that was called wants the fragment left.
    Left,
}

impl Stub {
    pub(super) const ALL: [Self; 5] = [Self::Refill, Self::Probe, Self::Unpredicted, Self::Unknown, Self::Left];
}

/// How another fragment is entered.
#[derive(Clone, Copy, Debug)]
pub(super) enum Way {
    Jump,
    /// By a call of the host, with the guest's return address in front of the host's, such
    /// that the guest's return is one of the host.
    Call(Call),
}

/// A call of the guest.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    /// The guest's return address.
    pub(super) link: Source,
    /// Where the call returns to.
    pub(super) back: Label,
}

/// Where a direct jump goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// Within the page.
    Page(PageOffset),
    /// Elsewhere: this far from the fragment's head.
    Distance(i32),
}
