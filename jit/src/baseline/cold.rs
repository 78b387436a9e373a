//! What is emitted behind the hot code.

use riscope_core::addr::PageOffset;

use super::assembler::Label;
use super::group::Group;
use super::operand::{Mem, Source};
use super::registers::Set;
use super::site::{CallSite, MissSite};

/// Code that is rarely executed, emitted behind the rest.
#[derive(Debug)]
pub(super) enum Cold {
    /// What may be executed from offset `at` on does not fit the countdown.
    Quantum { label: Label, at: PageOffset, dirty: Set },
    /// A jump that leaves the fragment, behind as many instructions that were not counted yet.
    Exit { label: Label, to: Target, dirty: Set, uncounted: u8 },
    /// An access that missed the TLB, with its address in `rax`.
    Miss { label: Label, back: Label, site: MissSite },
    /// The jump cache does not know the address in `rsi`.
    Unknown { label: Label, way: Way },
    /// The instructions of a group of which the TLB does not have everything.
    Group { label: Label, group: Group, join: Label, loaded: Set, dirty: Set, uncounted: u8 },
    /// The host's stack has no room for another call.
    Deep { label: Label, back: Label },
    /// A return to somewhere else than behind the last call on the host's stack.
    Unpredicted { label: Label },
    /// The host function that was called wants the fragment left.
    Return { label: Label },
    /// What such a function has to know.
    CallSite { label: Label, site: CallSite },
}

/// How another fragment is entered.
#[derive(Clone, Copy, Debug)]
pub(super) enum Way {
    Jump,
    /// By a call of the host, with the guest's return address in front of the host's, such
    /// that the guest's return is one of the host.
    Call {
        /// The guest's return address.
        link: Source,
        /// Where it is in memory.
        saved: Mem,
        /// Where the call returns to.
        back: Label,
    },
}

impl Way {
    /// The same once a host function was called, which preserves only some registers.
    pub(super) fn after_host_call(self) -> Self {
        match self {
            Self::Jump => Self::Jump,
            Self::Call { saved, back, .. } => Self::Call { link: Source::Mem(saved), saved, back },
        }
    }
}

/// Where a direct jump goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// Within the page.
    Page(PageOffset),
    /// Elsewhere: this far from the fragment's head.
    Distance(i32),
}
