//! What is emitted behind the hot code.

use riscope_core::addr::PageOffset;

use super::assembler::Label;
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
    Unknown { label: Label },
    /// The host function that was called wants the fragment left.
    Return { label: Label },
    /// What such a function has to know.
    CallSite { label: Label, site: CallSite },
}

/// Where a direct jump goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// Within the page.
    Page(PageOffset),
    /// Elsewhere: this far from the fragment's head.
    Distance(i32),
}
