//! Tier 1 on a host without templates: the optimising compiler translates everything.

use riscope_core::addr::{GuestPhys, PageOffset};
use riscope_core::hart::HartState;
use riscope_core::interp::Executed;

use crate::code::{Code, Covered, PageBytes};

/// Whether the host has templates.
pub(crate) const AVAILABLE: bool = false;

/// See the templates.
pub(crate) const CALLS_PER_SAMPLE: u16 = 1024;

/// A translation.
#[derive(Debug)]
pub(crate) struct Translation<'a> {
    pub(crate) code: Code<'a>,
    pub(crate) covered: Covered,
    pub(crate) instructions: usize,
    pub(crate) guest_bytes: usize,
}

/// Translates nothing.
#[derive(Debug, Default)]
pub(crate) struct Translator;

impl Translator {
    /// Nothing.
    pub(crate) fn translate(
        &mut self,
        _page: &PageBytes,
        _head: GuestPhys,
        _executed: &Executed,
        _links: &mut dyn FnMut(PageOffset) -> *const u8,
    ) -> Option<Translation<'_>> {
        None
    }
}

/// Sets no engine words.
pub(crate) fn set_words(_state: &mut HartState) {}
