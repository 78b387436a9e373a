//! Tier 1 on a host without templates: the optimising compiler translates everything.

use riscope_core::addr::GuestPhys;
use riscope_core::hart::HartState;
use riscope_core::interp::Executed;

use crate::code::{Made, PageBytes};

/// Whether the host has templates.
pub(crate) const AVAILABLE: bool = false;

/// Translates nothing.
#[derive(Debug, Default)]
pub(crate) struct Translator;

impl Translator {
    /// Nothing.
    pub(crate) fn translate(&mut self, _page: &PageBytes, _head: GuestPhys, _executed: &Executed) -> Option<Made<'_>> {
        None
    }
}

/// Sets no engine words.
pub(crate) fn set_words(_state: &mut HartState) {}
